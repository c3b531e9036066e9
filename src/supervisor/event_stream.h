/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SUPERVISOR_EVENT_STREAM_H
#define HAWSER_SUPERVISOR_EVENT_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

/*
 * event_stream: what happens, as lines of JSON for everyone who listens. A
 * listener that is EVENT_BEHIND_MAX bytes behind is cut: it gets what it was
 * to get up to then and a last line that says so. Knows nothing of HTTP.
 *
 * Every line is an object with "event" and "at" (RFC 3339). Members that a
 * kind of event has are always there, null if there is nothing to say:
 *
 *	hello	version. The first line, of every stream
 *	status	the members of GET /v1/status, as of now: what follows is
 *		what has changed since. Only if it was asked for
 *	host	host, from, to (states; from null: it is new, to null: it is
 *		removed), class and text of the last end, attempt,
 *		next_attempt_at
 *	forward	host, forward, from, to, text
 *	end	host, class, text, attempt, uptime_s (null: it wasn't up)
 *	reload	to ("applied" or "refused"), text
 *	connection	host, forward, worker (its pid), connection (a number
 *		within worker), to ("open", "closed", or "failed", which it is
 *		without having been open), originator (null: it has no address),
 *		target (null: not known), of one that is closed bytes (in, out)
 *		and duration_ms, of one that failed text. If it was asked for
 *	lost	host, worker, count: connection events of worker, in all, that
 *		were left out because too much happened
 *	cut	text. The last line, of a listener that was too slow
 */

#define EVENT_STREAMS_MAX	32
#define EVENT_BEHIND_MAX	(256 * 1024)	/* beside the status */

struct host_table;
struct notices;
struct reload;

struct event_streams;
struct event_stream;

/* What a listener wants to hear; borrowed for the call. */
struct event_wish {
	const char *const *hosts;
	size_t host_count;		/* 0: all, and reloads */
	bool status;
	bool connections;
};

/* New. Borrows everything. */
struct event_streams *event_streams_new(struct notices *, struct host_table *,
    const struct reload *);

/* Every stream must be closed. NULL is fine. */
void event_streams_free(struct event_streams *);

/*
 * New. NULL with ERR_AGAIN if EVENT_STREAMS_MAX are open, ERR_NOTFOUND if a
 * host isn't in the configuration.
 */
struct event_stream *event_stream_open(struct event_streams *,
    const struct event_wish *, struct err *);

/* on_more is called when there is more to read, or it was cut. */
void event_stream_listen(struct event_stream *, void (*on_more)(void *arg),
    void *arg);

/*
 * Moves up to size bytes to out: how many; 0 if there are none for now; -1 if
 * no more will come.
 */
ssize_t event_stream_read(struct event_stream *, char *out, size_t size);

/* Was it too slow? */
bool event_stream_is_cut(const struct event_stream *);

void event_stream_close(struct event_stream *);

#endif
