/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SUPERVISOR_LEDGER_WATCH_H
#define HAWSER_SUPERVISOR_LEDGER_WATCH_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "supervisor/notice.h"

/*
 * ledger_watch: from notices to the ledger's records. A record says all that
 * is known of one thing, and the last one of a thing counts: one that is lost
 * costs no more than itself, one that comes twice changes nothing.
 *
 *	{"k":"run", "run":id, "began":wall, "ms":…}
 *	{"k":"watch", "run", "host", "forward", "at", "ms"}
 *	{"k":"outage", the same and "back", "flap", "class", "text",
 *	    "silent_ms", "attempts"}
 *
 * A run is a time in which hawserd ran and the machine was awake; a machine
 * that slept begins another. "at" are ms since the run began, by the clock
 * that doesn't jump: only the run has a wall time, which is corrected for as
 * long as it lasts. "ms" is how long something lasted, -1 while it does: what
 * still did at a run's end ended, as far as anybody knows, with it.
 * "forward" is "" of the host itself.
 *
 * Watched is a host that shall run, from the moment that it was up, or that
 * its first attempt failed; a forward likewise, of which only those outages
 * are its own that it had while the link was up. "class" and "text" are those
 * of the end that began the outage; of a forward its state and detail.
 */
struct ledger_watch;

/* An outage that begins so soon after the one before had ended is a flap. */
#define LEDGER_FLAP_MS	(10 * 60 * 1000)

#define LEDGER_TEXT_MAX	300	/* bytes of a sentence that are kept */

/* New. tell takes the record (new). */
struct ledger_watch *ledger_watch_new(void (*tell)(void *arg, json_t *),
    void *arg);
void ledger_watch_free(struct ledger_watch *);

void ledger_watch_hear(struct ledger_watch *, const struct notice *);

/* The run that lasts. */
int64_t ledger_watch_id(const struct ledger_watch *);

/* New: the record of the run, up to now. */
json_t *ledger_watch_run(struct ledger_watch *);

/* Tells again what changed in outages that last; or (all) all that lasts. */
void ledger_watch_refresh(struct ledger_watch *, bool all);

#endif
