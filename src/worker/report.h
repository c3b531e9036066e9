/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_WORKER_REPORT_H
#define HAWSER_WORKER_REPORT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "ipc/end.h"
#include "ipc/message.h"
#include "worker/ending.h"

/*
 * report: the facts that go up to the supervisor. Nothing here ever waits for
 * the supervisor, except report_end(). Events are queued, up to
 * REPORT_QUEUE_MAX; gauges overwrite themselves and are sent at most once a
 * second, and only if they changed.
 */
struct report;
struct event_base;

#define REPORT_QUEUE_MAX	(64 * 1024)	/* bytes of JSON, estimated */
#define REPORT_MINOR_MAX	(REPORT_QUEUE_MAX / 2)
#define REPORT_GAUGE_MS		1000		/* between rounds of gauges */

/* New. Borrows sock and makes it non-blocking. */
struct report *report_new(int sock);

/*
 * From now on the loop sends what the socket did not take at once, and
 * gauges. Borrows base until report_stop() or report_free().
 */
void report_start(struct report *, struct event_base *base);
void report_stop(struct report *);

void report_free(struct report *);

/* Sends or queues an event; the oldest are dropped if there are too many. */
void report_fact(struct report *, enum message_name, json_t *body);

/*
 * The same of an event that others are not to be dropped for: false, and it is
 * gone, if REPORT_MINOR_MAX wait already.
 */
bool report_minor(struct report *, enum message_name, json_t *body);

void report_phase(struct report *, enum phase);

/* Last words: sends all that is queued, then FACT_END; waits ms at most. */
void report_end(struct report *, const struct ending *, int ms);

/*
 * A value of which only the newest counts. Embedded in its owner, who fills
 * name, encode and arg; encode makes a new body when it is sent.
 */
struct report_gauge {
	enum message_name name;
	json_t *(*encode)(void *arg);
	void *arg;
	bool changed;
	TAILQ_ENTRY(report_gauge) link;
};

/* The value changed. Cheap. */
void report_touch(struct report *, struct report_gauge *);

/* The owner goes: what was not sent yet is sent now, if the socket takes it. */
void report_forget(struct report *, struct report_gauge *);

#endif
