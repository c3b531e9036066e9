/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SUPERVISOR_UPTIME_H
#define HAWSER_SUPERVISOR_UPTIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * uptime: how much of a window of time something was up. Pure arithmetic over
 * spans of wall time in milliseconds. Known is the time in which it was
 * watched; what lies outside counts neither way.
 */

#define UPTIME_DAY_MS	INT64_C(86400000)

/* From from up to, and without, to. */
struct uptime_span {
	int64_t from;
	int64_t to;
};

/* Zeroed: none. */
struct uptime_spans {
	struct uptime_span *list;
	size_t count;
	size_t size;		/* room in list */
};

void uptime_spans_fini(struct uptime_spans *);

/* Adds one; one that is empty or ends before it begins is left out. */
void uptime_add(struct uptime_spans *, int64_t from, int64_t to);

/* Sorts them, and joins those that overlap or touch. */
void uptime_join(struct uptime_spans *);

/* Both joined. Fills a zeroed out (joined, too) with what is in both. */
void uptime_common(const struct uptime_spans *a, const struct uptime_spans *b,
    struct uptime_spans *out);

/* Is a part of one in them, be it a moment or the end of another one? */
bool uptime_touches(const struct uptime_spans *, struct uptime_span);

/* Of joined ones: their length between from and to, in ms. */
int64_t uptime_length(const struct uptime_spans *, int64_t from, int64_t to);

/*
 * The share of a span of the day with this number (0: 1970-01-01, UTC), in
 * ms: for sums by days.
 */
int64_t uptime_of_day(struct uptime_span, int64_t day);

#endif
