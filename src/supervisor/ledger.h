/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SUPERVISOR_LEDGER_H
#define HAWSER_SUPERVISOR_LEDGER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>


struct event_base;
struct notices;

/*
 * ledger: the memory of outages. What the notices tell becomes records, which
 * go in batches to a child process that has the file: neither a slow disk nor a
 * full one, nor a file that is broken, is felt here. While the child doesn't
 * take them the records wait; of too many the oldest are dropped and, once
 * they are taken again, what holds at the time is told anew.
 */
struct ledger;

#define LEDGER_FLUSH_MS	5000	/* a record waits no longer... */
#define LEDGER_BATCH	100	/* ...nor behind more of them */
#define LEDGER_REST_MS	100	/* between batches: 1000 records/s at most */
#define LEDGER_WAITING_MAX	8192	/* more: the oldest are dropped */
/* How often the file is told that we run: a kill leaves so much unknown. */
#define LEDGER_BEAT_MS	60000
#define LEDGER_ANSWER_MS	3000
#define LEDGER_STUCK_MS	120000	/* a child that takes nothing is replaced */
#define LEDGER_END_MS	400	/* for the last records, when hawserd ends */
#define LEDGER_LIMIT_MAX	5000	/* outages in an answer */

/*
 * By this, the format of the log and the file's path hawserd is the child.
 */
#define LEDGER_OPTION	"--ledger-child"

/*
 * New, of the file at path. Joins the notices (borrowed). The child is started
 * when it is needed.
 */
struct ledger *ledger_new(struct event_base *, struct notices *,
    const char *path);

/* Has the last records written, if the child is quick, and frees it. */
void ledger_free(struct ledger *);		/* also NULL */

struct ledger_question {
	const char *host;	/* NULL: all */
	int64_t since_wall_ms;	/* outages that lasted then or later */
	int limit;		/* the newest 0..LEDGER_LIMIT_MAX of them */
	bool slots;		/* hosts alone, for availability_seed() */
};

/*
 * history: as GET /v1/history has it, see ledger_past.h; borrowed. NULL: there
 * is none, and error, a sentence, says why.
 */
typedef void ledger_answer(void *arg, json_t *history, const char *error);

/*
 * Asks; the answer comes once, from the loop, within LEDGER_ANSWER_MS. What
 * happened up to now is in it, if the file takes it.
 */
void ledger_ask(struct ledger *, const struct ledger_question *,
    ledger_answer *, void *arg);

/* Whoever asked with this arg is gone: no more answers to it. */
void ledger_forget(struct ledger *, const void *arg);

/* The child's whole life, on the socket at MESSAGE_FD. Its exit code. */
int ledger_child_main(const char *path);

#endif
