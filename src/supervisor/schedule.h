/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SUPERVISOR_SCHEDULE_H
#define HAWSER_SUPERVISOR_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#include "ipc/end.h"

/*
 * schedule: when to try again after an attempt or a connection has ended. The
 * class decides, by a table of policies. Pure: time and random numbers come
 * from the caller.
 */

/* Classes that share a ladder climb it together. */
enum schedule_ladder {
	LADDER_NORMAL,		/* HawserBackoff */
	LADDER_EARLY,		/* the server sheds connections */
	LADDER_SLOW,		/* a person has to change something */
	LADDER_AUTH,
	LADDER_CRASH,
	LADDER_COUNT
};

/* A host's memory of failures since it was last stable. All zero at first. */
struct schedule {
	unsigned steps[LADDER_COUNT];
	bool used_first[LADDER_COUNT];	/* the retry at once is spent */
	int64_t woken_ms;	/* when a change of the network last had it
				   tried; 0: never */
};

/* What the configuration says, in milliseconds. */
struct schedule_limits {
	int64_t min_ms;		/* HawserBackoff; 0 < min_ms <= max_ms */
	int64_t max_ms;
	int64_t stable_ms;	/* HawserStable */
};

struct schedule_verdict {
	bool park;		/* wait for an operator, not for a time */
	int64_t delay_ms;	/* 0: at once */
};

/*
 * The verdict after an end of this class. up_ms is how long the link had been
 * up, -1 if it never was; random is any 32 evenly distributed bits.
 */
struct schedule_verdict schedule_next(struct schedule *,
    const struct schedule_limits *, enum end_class, int64_t up_ms,
    uint32_t random);

/*
 * Does an end of this class, before the server has authenticated us, say that
 * the server does not answer? Those that say nothing of it, do not.
 */
bool schedule_is_silence(enum end_class);

#define SCHEDULE_WAKE_MS	10000	/* at most one wake in this time */
#define SCHEDULE_JITTER_MS	250	/* and not all hosts at once */

/*
 * The way to the server is another one, now_ms being clock_now_ms(): when to
 * try after an end of this class, if that was to be in delay_ms. What failed on
 * the old way says nothing about the new one: if it is tried sooner, the
 * back-off begins anew. Classes that the network has no part in keep delay_ms.
 */
int64_t schedule_wake(struct schedule *, enum end_class, int64_t now_ms,
    int64_t delay_ms, uint32_t random);

#endif
