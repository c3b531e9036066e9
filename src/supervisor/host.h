/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SUPERVISOR_HOST_H
#define HAWSER_SUPERVISOR_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "config/config.h"
#include "config/plan.h"
#include "ipc/message.h"
#include "supervisor/worker_proc.h"

/*
 * host: the table of hosts and everything that happens to them. The only place
 * that writes it, and only while it handles an event: a timer, a worker's
 * fact, an operator's wish, a plan. Whoever reads it does so through view.h.
 */
struct host_table;
struct host_entry;

/*
 * How long a stop takes at most: open connections have their time, and workers
 * a moment to go after it.
 */
#define HOST_STOP_MS	(MESSAGE_STOP_MS + 500)

struct budget;
struct event_base;
struct inherit;
struct notices;
struct resolver;

/* What hosts work with; all borrowed. */
struct host_env {
	struct event_base *base;
	struct budget *budget;
	struct resolver *resolver;
	struct worker_program worker;
	struct notices *notices;	/* NULL: nobody listens */
	struct inherit *inherit;	/* NULL: no listener outlives us */
};

struct host_table *host_table_new(const struct host_env *);

/* Kills what still runs. */
void host_table_free(struct host_table *);

/*
 * Applies a plan. config (borrowed) is the new model: it must live until the
 * next one was applied; the old one is not needed after this.
 */
void host_table_apply(struct host_table *, const struct plan *,
    const struct config *);

/* The host of that name, or NULL. */
struct host_entry *host_table_find(const struct host_table *,
    const char *name);

/* What the ledger knows of its last day: summary[].slots of ledger_past.h. */
void host_seed_availability(struct host_entry *, const json_t *slots);

/* Operators' wishes. Up and down hold until the other one or a restart. */
void host_retry(struct host_entry *);
void host_up(struct host_entry *);
void host_down(struct host_entry *);

/*
 * Records the key that the server has shown, if it is the one with this
 * fingerprint, and tries again. The file's path (new) goes to *file. 0; -1 with
 * ERR_NOTFOUND (no key waits), ERR_REFUSED (it is another one, or revoked), or
 * why it could not be written.
 */
int host_accept_key(struct host_entry *, const char *fingerprint,
    char **file, struct err *);

/* What a worker tells of its connections: FACT_CONNECTION or FACT_LOST. */
typedef void host_visit(void *arg, const char *host, pid_t worker,
    const struct message *);

/*
 * From now on hear gets them, of all workers that are up or will be; with NULL
 * nobody, and none is told, which is so at first.
 */
void host_table_watch(struct host_table *, host_visit *hear, void *arg);

/* Retries every host now. */
void host_table_retry_all(struct host_table *);

/* The network may have changed: netwatch.h says so. */
void host_table_network_changed(struct host_table *);

/* The machine, or we, slept so long. */
void host_table_slept(struct host_table *, int64_t slept_ms);

/*
 * Ends everything: workers that are up cancel their forwards and go, and are
 * killed after limit_ms. on_stopped (once, from the loop) when none is left,
 * or a second after that.
 */
void host_table_stop(struct host_table *, int64_t limit_ms,
    void (*on_stopped)(void *arg), void *arg);

/* Kills all workers now; on_stopped of the stop comes soon. */
void host_table_kill(struct host_table *);

#endif
