/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SUPERVISOR_VIEW_H
#define HAWSER_SUPERVISOR_VIEW_H

#include <jansson.h>

#include "base/str.h"
#include "supervisor/host.h"
#include "supervisor/reload.h"

/*
 * view: the host table as others see it. Changes nothing. Fields are never
 * removed within a major version. Where a name does not say it all:
 *
 *	config.tried_at		the last reload, also one that failed; its
 *				error is config.error until one succeeds
 *	hosts[].state		a host that is due but has no place in the
 *				budget is "waiting", and detail says so
 *	hosts[].attempt		attempts in this outage; 0 while it is up
 *	hosts[].parked		null if it isn't; class and text say why; of a
 *				host key also verdict ("unknown", "changed",
 *				"revoked"), algorithm, fingerprint and known_at
 *	hosts[].uptime_s	null while it is down
 *	hosts[].workers[].role	"main", "next" (about to replace it) or
 *				"draining"
 *	availability_24h	of the time that hawserd watched, in quarters
 *				of an hour; null if there was none
 *	forwards[].bound	what we listen on here; on the server what was
 *				proved, before that a port that it chose
 *	forwards[].proof_ms	the last proof's round trip; null: none
 *	forwards[].last_ok_at	when bytes last passed both ways
 *	connections, bytes	since the forward is in the configuration
 */

/* New: the whole of GET /v1/status. */
json_t *view_status(const struct host_table *, const struct reload_info *);

/* New: one element of its "hosts", or NULL if there is no such host. */
json_t *view_host(const struct host_table *, const char *name);

/*
 * New: the key that the host's server showed and that was refused:
 * {"verdict":…,"algorithm":…,"fingerprint":…,"known_at":"file:line" or null};
 * null if there is none.
 */
json_t *view_host_key(const struct host_entry *);

/*
 * New: {"ready":…,"waiting_for":[names]}: ready when a configuration is in
 * force and every host that shall run is up.
 */
json_t *view_ready(const struct host_table *, const struct reload_info *);

/*
 * Appends one line for people: "5/6 forwards up, 4 verified, nas:R:8123 held
 * since Nov 20 12:04:10". It names the first few troubles, and why the last
 * reload was refused; it reads the same for as long as nothing changes.
 */
void view_summary(const struct host_table *, const struct reload_info *,
    struct str *out);

/* The host's HawserOnChange, "": none; NULL: no such host. Borrowed. */
const char *view_on_change(const struct host_table *, const char *name);

/*
 * New: all figures of GET /metrics: see openmetrics.h. A removed host's series
 * end; counters begin at 0 when their host or forward is added, and go on over
 * its connections. See view_metrics.c.
 */
char *view_metrics(const struct host_table *, const struct reload_info *);

#endif
