/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SUPERVISOR_PULSE_H
#define HAWSER_SUPERVISOR_PULSE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct event_base;

/*
 * pulse: do the workers still turn their loops? One timer asks them all, and
 * judges those that owe answers. When we were stopped ourselves (the timer is
 * late), nobody is judged: they get a new round.
 */
struct pulse;

/*
 * A worker that freezes in the worst moment, just after an answer, is judged
 * when four intervals are over: 15 s.
 */
#define PULSE_MS	3750
#define PULSE_MISSES	3	/* unanswered beats that are one too many */

/* One worker; embedded in its owner, zeroed. */
struct pulse_member {
	struct pulse *pulse;	/* NULL: it takes no part */
	unsigned owed;		/* beats in a row without an answer */
	int64_t heard_ms;	/* the last answer, or the beginning */
	void (*ask)(void *arg);
	void (*on_silent)(void *arg, int64_t silence_ms);
	void *arg;
	LIST_ENTRY(pulse_member) entry;
};

struct pulse *pulse_new(struct event_base *, int interval_ms);

/* All members have left. NULL is fine. */
void pulse_free(struct pulse *);

/*
 * From now on ask is called each interval; on_silent once, after which it has
 * left. Inside of both, no other member may leave. The timer runs only while
 * there are members.
 */
void pulse_join(struct pulse *, struct pulse_member *);

/* Fine for one that takes no part. */
void pulse_leave(struct pulse_member *);

/* It answered. */
void pulse_heard(struct pulse_member *);

#endif
