/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_BASE_EPISODE_H
#define HAWSER_BASE_EPISODE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * episode: a failure that repeats belongs into the log when it begins and when
 * it has ended, not each time; and one that comes and goes at most once in
 * EPISODE_MS.
 */

#define EPISODE_MS	60000

/* Zeroed to begin with: all is well. */
struct episode {
	bool told;		/* it lasts, and its beginning was logged */
	int64_t told_ms;	/* clock_now_ms() of that, 0: never */
};

/* It failed, for the first time or again: is a line due? */
bool episode_begins(struct episode *);

/* It went well: is a line due that it does again? */
bool episode_ends(struct episode *);

#endif
