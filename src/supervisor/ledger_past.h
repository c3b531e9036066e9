/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SUPERVISOR_LEDGER_PAST_H
#define HAWSER_SUPERVISOR_LEDGER_PAST_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "supervisor/ledger_db.h"

/*
 * ledger_past: what the ledger says of the past. Fields are never removed
 * within a major version. Times are RFC 3339, null if they are not known:
 *
 *	outages[]	the newest first
 *	  .host, .forward	forward: null: of the host itself
 *	  .down_at	when it ended, or a first attempt began
 *	  .back_at	null: see state
 *	  .state	"over"; "lasts"; "unknown": nobody saw its end, for
 *			hawserd or the wish for the link ended first
 *	  .duration_ms	as far as it was seen
 *	  .class, .text	of the end that began it; of a forward its state and
 *			detail then
 *	  .detection_ms	how long the server had been silent when the end was
 *			noticed; null: not known, or nothing of the kind
 *	  .attempts	to connect again; of a forward 0
 *	summary[]	hosts, and their forwards behind each
 *	  .host, .forward
 *	  .day, .week, .month	each the last 24 hours, 7 or 30 days:
 *	    .availability	0..1, of the time that is known; null: none is
 *	    .known_s		the time in which hawserd ran and it was wanted
 *	    .down_s
 *	    .outages, .flaps	that began then; of a forward its link's, too.
 *				A flap began within 10 minutes of the end of
 *				the outage before
 *	    .longest_s		the longest outage that it has a part of
 *
 * For availability_seed() the summary is asked for in another form, of hosts
 * alone, without outages: .slots are [how many slots alike, the newest first,
 * up_ms, down_ms, outages that began] each.
 *
 * A forward is down whenever its link is. While a clock was wrong runs may
 * overlap; what was down in one of them counts as down.
 */

struct ledger_past_question {
	const char *host;	/* NULL: all */
	int64_t now, since;	/* wall time, ms */
	int64_t run;		/* whose outages may still last */
	int64_t limit;		/* of outages */
	bool slots;		/* the summary is in this form */
};

/*
 * Hands out the answer in parts that fit into a message (new; members
 * "outages", "summary", at last "truncated"). 0, or -1 with err set.
 */
int ledger_past(struct ledger_db *, const struct ledger_past_question *,
    void (*part)(void *arg, json_t *), void *arg, struct err *);

#endif
