/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SUPERVISOR_HOST_ENTRY_H
#define HAWSER_SUPERVISOR_HOST_ENTRY_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/forward.h"
#include "ipc/end.h"
#include "ipc/hostkey.h"
#include "ipc/message.h"
#include "supervisor/availability.h"
#include "supervisor/budget.h"
#include "supervisor/chain.h"
#include "supervisor/holder_search.h"
#include "supervisor/host.h"
#include "supervisor/host_fsm.h"
#include "supervisor/listener.h"
#include "supervisor/schedule.h"

/*
 * host_entry: the rows of the host table. The host rooms (host, host_run,
 * host_forward, host_replace, host_apply) write them; the view rooms
 * (view, view_metrics, view_summary) read them; nobody else includes this.
 */

struct event;
struct filewatch;
struct host_run;
struct host_way;

enum operator_wish { WISH_NONE, WISH_UP, WISH_DOWN };

/* Why the last attempt or connection ended. */
struct host_last_end {
	bool known;
	enum end_class class_;
	char *text;
	int64_t wall_ms;
};

/*
 * What connections did, since the forward exists. Unsigned: whatever a worker
 * says, sums are defined.
 */
struct host_counters {
	uint64_t open, total, failed;
	uint64_t in, out;	/* bytes; in: towards the listener's client */
};

/* What is known of a forward beyond its state: see host_proof.c. */
struct host_proof {
	int64_t verified_wall_ms;	/* 0: never */
	int64_t ok_ms;			/* the last use or proof; 0: none */
	int64_t us;			/* the last proof's echo; -1: none */
	struct event *lapse;		/* of being verified */
	struct event *next;		/* proof; pending: it is to be had */
	char *truth;			/* what the last one says, or NULL */
	json_t *bound;			/* addresses there; NULL: not known */
};

/* One forward of one host. */
struct host_forward {
	struct host_entry *host;
	struct forward spec;
	enum forward_state state;
	char *detail;			/* a sentence, or NULL */
	int64_t since_wall_ms;
	int64_t since_ms;
	int64_t held_ms;		/* in that state, before since_ms */
	uint16_t port;			/* the server's choice, or 0 */
	uint16_t chosen;		/* its last choice, to ask for again */
	struct host_counters counters;
	int64_t last_ok_wall_ms;	/* bytes passed both ways; 0: never */
	bool passed_in, passed_out;	/* bytes, since then */
	struct host_proof proof;
	int64_t takeover_ms;		/* when it was ordered; 0: never */
	bool takeover_runs;		/* how it ended is not told yet */

	struct listener listener;	/* local kinds */
	bool holder_known;		/* of its address, by detail */
	struct event *retry;
	int64_t retry_at_ms;		/* clock_now_ms(), 0: none */
	unsigned retries;
	/* See host_move.c. */
	struct host_run *held_by;	/* ordered when that has let go of it */
	struct host_run *former;	/* it can listen again; NULL: none */
	bool is_back;			/* which it does */
	unsigned refusals;		/* by the main run, since it moved */
	char *refusal;			/* the last one's sentence, or NULL */
	TAILQ_ENTRY(host_forward) entry;
};
TAILQ_HEAD(host_forwards, host_forward);

enum host_role {
	ROLE_MAIN,		/* the connection that counts */
	ROLE_NEXT,		/* connects in order to replace it */
	ROLE_RETIRED,		/* ends its connections, then itself */
};

/* What one run has reported of one forward: counters are sums over runs. */
struct host_tally {
	char *id;
	struct host_counters last;
	LIST_ENTRY(host_tally) entry;
};

/* One connection of a host: its worker, and what leads there. */
struct host_run {
	struct host_entry *host;
	enum host_role role;
	bool lingers;			/* retired, but not told: is_back */
	struct chain *chain;
	json_t *addresses;		/* that it tries; NULL: none yet */
	char *server;			/* its banner; NULL before up */
	struct event *deadline;		/* of a retired one */
	LIST_HEAD(, host_tally) tallies;
	TAILQ_ENTRY(host_run) entry;
};
TAILQ_HEAD(host_runs, host_run);

/* A replacement in progress: see host_replace.c. */
struct host_replacement {
	bool wanted;
	struct budget_claim claim;
	struct event *due;		/* also when the budget grants */
	int64_t due_ms;			/* of one that failed */
	struct schedule schedule;
	unsigned tries;			/* attempts that failed */
};

struct host_entry {
	struct host_table *table;
	char *name;
	const struct host *conf;	/* borrowed from the current model */
	bool removed;			/* goes when its last run has ended */
	enum operator_wish wish;

	enum host_state state;
	const char *told;		/* its name, last told of; NULL: new */
	int64_t since_wall_ms;
	int64_t up_since_ms;		/* 0: it is down */
	unsigned tries;			/* attempts since it was up */
	struct schedule schedule;
	struct schedule_verdict verdict;	/* after the last end */
	struct budget_claim claim;
	struct event *due;
	int64_t due_ms;			/* 0: none */
	struct event *granted;

	struct host_runs runs;		/* every one, of any role */
	struct host_run *main;		/* NULL: none */
	struct host_run *next;
	struct host_replacement replacement;

	struct host_last_end last_end;
	uint64_t ends[END_CLASS_COUNT];	/* that were noted, by class */
	struct hostkey offered;	/* refused by the last attempt; its type is
				   NULL if none was */
	char *offered_by;		/* the hop whose it is; NULL: none */
	struct host_way *ways;	/* to what the last attempt tried: see
				   host_network.c */
	size_t way_count;
	bool hastened;		/* the network changed while it connects */
	int64_t outage_ms;		/* clients wait since; 0: it's up */
	struct event *hold;		/* then waiting clients are refused */
	int64_t rtt_us;			/* -1: not known */
	struct availability availability;

	struct host_forwards forwards;	/* in the order of the files */
	TAILQ_ENTRY(host_entry) entry;
};
TAILQ_HEAD(host_entries, host_entry);

/* A listener without a forward: see host_spare.c. */
struct host_spare {
	struct endpoint at;
	struct listener listener;
	LIST_ENTRY(host_spare) entry;
};

struct host_table {
	struct host_env env;
	struct host_entries hosts;	/* in the order of the files */
	void *names;			/* the same by name: tsearch(3) */
	struct host_entries leaving;	/* removed, with runs that drain */
	LIST_HEAD(, host_spare) spares;	/* while a plan is applied */
	struct holder_search *holders;
	host_visit *on_visit;		/* NULL: nobody listens */
	void *visit_arg;
	struct filewatch *filewatch;
	struct event *watch;		/* the watched files may be others */
	int ways;			/* way_open()'s */
	bool stopping;
	int64_t stop_limit_ms;
	void (*on_stopped)(void *arg);
	void *stopped_arg;
	struct event *stopped;
};

/* host_table.c */

/* Puts it among the hosts, or takes it out. */
void host_table_add(struct host_table *, struct host_entry *);
void host_table_remove(struct host_table *, struct host_entry *);

/* host.c */

struct host_entry *host_entry_new(struct host_table *, const struct host *);

/* Frees it with all its runs. It must not be in a list any more. */
void host_entry_free(struct host_entry *);

void host_handle(struct host_entry *, enum host_event);

/* Gives notice of the state if it is another than the one last told of. */
void host_tell(struct host_entry *);

/* Refuses the clients that wait, now or when HawserHold has passed. */
void host_update_hold(struct host_entry *);

/* Makes state follow what file and operator want. */
void host_follow_wish(struct host_entry *);

/* Up or degraded? */
bool host_is_up(const struct host_entry *);

/* Is it how and why the last attempt or connection ended, too? */
bool host_ends_alike(const struct host_entry *, enum end_class,
    const char *text);

/* Notes an end as the last one. What the schedule, e's, makes of it. */
struct schedule_verdict host_note_end(struct host_entry *e,
    struct schedule *, enum end_class, const char *text, int64_t up_ms);

/* The main run, or the attempt to start one, ended: see struct notice. */
void host_attempt_ended(struct host_entry *, enum end_class,
    const char *text, int64_t silent_ms);

/* A run is gone: frees a removed host, ends a stop. */
void host_check_gone(struct host_table *, struct host_entry *);

/* Sets the time of the next attempt, as e's verdict says. */
void host_set_due(struct host_entry *);

/* 32 evenly distributed bits. */
uint32_t host_random(void);

/* Sets a timer; ms < 0 is 0. */
void host_timer_set(struct event *, int64_t ms);

/* host_run.c */

/* New, in entry's list: starts a worker. NULL with err set. */
struct host_run *host_run_start(struct host_entry *, enum host_role,
    struct err *);

/* Frees it, killing the worker. Takes it out of the entry. */
void host_run_free(struct host_run *);

/* Tells its worker, if that is up, whether somebody listens to visits. */
void host_run_watch(struct host_run *);

/*
 * Makes it retired: told ORDER_DRAIN or ORDER_STOP, killed after limit_ms
 * (negative: no limit). One that is not up yet is killed at once.
 */
void host_run_retire(struct host_run *, enum message_name order,
    int64_t limit_ms);

/* Those that were retired before have no more time than the last one. */
void host_runs_limit(struct host_entry *, enum message_name order,
    int64_t limit_ms);

/* host_forward.c */

struct host_forward *host_forward_new(struct host_entry *,
    const struct forward *);
void host_forward_free(struct host_forward *);

/* Gives notice that it was in state from (NULL: wasn't there). */
void host_forward_tell(const struct host_forward *, const char *from);
struct host_forward *host_forward_find(struct host_entry *, const char *id);

void host_forward_set(struct host_forward *, enum forward_state,
    const char *detail);

/* Binds a local forward's listener if it is closed. */
void host_forward_bind(struct host_forward *);

/* Hands it to its run: lends the listener or orders it. */
void host_forward_lend(struct host_forward *);

/* What follows from its state: another try, a takeover, the host's state. */
void host_forward_follow(struct host_forward *);

/* When it is lent anew, in ms. */
void host_forward_set_retry(struct host_forward *, int64_t ms);
void host_forward_stop_retry(struct host_forward *);

/* host_proof.c: is a forward what it says? */

void host_proof_init(struct host_forward *);
void host_proof_fini(struct host_forward *);

/*
 * Bytes passed both ways: it works, whoever sent them, if that was on the link
 * that counts.
 */
void host_proof_used(struct host_forward *, bool on_main);

/*
 * Sets the state that a fact tells: what was verified lately stays so, though
 * it can't be proved.
 */
void host_proof_note(struct host_forward *, enum forward_state,
    const char *detail);

/* FACT_FORWARD, after the state was set. */
void host_proof_on_fact(struct host_forward *, const struct message *);

/* The link is gone, or the forward. */
void host_proof_stop(struct host_forward *);

/* host_move.c: from a link to the one that replaces it */

/*
 * Lends all to the new main run; remote ones when the run they come from,
 * which is retired, has let go of them, or has had 3 s. That one drains when
 * nobody needs it to listen again.
 */
void host_forwards_move(struct host_entry *, struct host_run *from);

/* The one whose answers count: mostly the main run. May be NULL. */
struct host_run *host_forward_run(const struct host_forward *);

/* If the link before listens for it again: the new one is asked anew. */
void host_forward_move_again(struct host_forward *);

/* The state is what the main run has said: true if the move goes on. */
bool host_forward_try_move(struct host_forward *);

/* It doesn't move any more; then, of all: links that nobody needs drain. */
void host_forward_forget_move(struct host_forward *);
void host_moves_check(struct host_entry *);

/* FACT_FORWARD of a retired run; any run is about to be freed. */
void host_move_on_fact(struct host_run *, const struct message *);
void host_moves_on_end(struct host_run *);

/* host_takeover.c */

/* The forward is held: have the command run, if there is one and it is time. */
void host_takeover_order(struct host_forward *);
/* FACT_TAKEOVER of the main run. */
void host_takeover_on_fact(struct host_entry *, const struct message *);

/* host_forward.c again, all of a host's: */
void host_forwards_bind(struct host_entry *);
void host_forwards_lend(struct host_entry *);
void host_forwards_down(struct host_entry *);
void host_forwards_retry(struct host_entry *);
void host_forwards_set_mask(struct host_entry *);	/* the model's */
void host_forwards_set_verify(struct host_entry *);	/* likewise */
void host_forwards_close(struct host_entry *);	/* refuse the clients */

/* FACT_FORWARD of the main run, FACT_COUNTERS of any run. */
void host_forward_on_fact(struct host_entry *, const struct message *);
void host_forward_on_counters(struct host_run *, const struct message *);

/* The run's open connections are gone. */
void host_forward_forget_run(struct host_run *);

/* Is one of them in a state that makes the host degraded? */
bool host_forwards_are_degraded(const struct host_entry *);

/* host_spare.c */

/* Takes the listeners of all forwards that the plan ends. */
void host_spares_gather(struct host_table *, const struct plan *);

/* True, and out is filled: there was one that listens there. */
bool host_spare_take(struct host_table *, const struct endpoint *at,
    struct listener *out);

/* Those that nobody has taken. */
void host_spares_close(struct host_table *);

/* host_hostkey.c */

/* The key that the last attempt refused, and whose: NULL: none, no hop's. */
void host_hostkey_keep(struct host_entry *, const struct hostkey *,
    const char *hop);

/*
 * FACT_HOSTKEY of a host or hop, as chain_ops says it: records the key and
 * tells the worker.
 */
void host_hostkey_on_fact(const struct host *, struct worker_proc *from,
    bool in_time, const struct message *);

/* FACT_HOSTKEYS: UpdateHostKeys. */
void host_hostkey_on_list(const struct host *, bool in_time,
    const struct message *);

/* The state of a host changed: other files may matter now. */
void host_hostkey_watch(struct host_table *);

void host_hostkey_init(struct host_table *);
void host_hostkey_fini(struct host_table *);

/* host_network.c */

void host_network_init(struct host_table *);
void host_network_fini(struct host_table *);

/* The addresses (texts) that are tried; NULL: none are known. */
void host_network_set(struct host_entry *, const json_t *addresses);

/*
 * A host that waits is tried sooner if the network may have been why; one that
 * connects, if it does so in vain. False: neither.
 */
bool host_network_hasten(struct host_entry *);

/*
 * What a connection that has this place in the budget tells of the server: it
 * answers, or not. If it does again, the others that wait for it hear of it.
 */
void host_network_note(struct host_entry *, struct budget_claim *,
    bool answered);

/* host_replace.c */

void host_replace_init(struct host_entry *);
void host_replace_fini(struct host_entry *);
void host_replace_start(struct host_entry *);
void host_replace_cancel(struct host_entry *);
void host_replace_retry(struct host_entry *);
void host_replace_hasten(struct host_entry *);	/* its wait, likewise */
void host_replace_on_up(struct host_entry *);
void host_replace_on_end(struct host_entry *, enum end_class,
    const char *text);

#endif
