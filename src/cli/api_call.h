/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CLI_API_CALL_H
#define HAWSER_CLI_API_CALL_H

#include <jansson.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

/*
 * api_call: one request to the supervisor's API, over its Unix socket, with one
 * answer, or with one that goes on.
 */

#define API_CALL_MS	5000	/* enough for every answer from memory */
#define API_RELOAD_MS	30000	/* a reload reads files and may run commands */

enum api_method { API_GET, API_POST };

/*
 * New: the JSON object that the supervisor behind socket answers; the caller
 * drops the reference. path begins with "/v1/". send is the body of a POST, ""
 * for none. NULL with err set, its text a sentence for people:
 *	ERR_CLOSED	no supervisor runs there
 *	ERR_PERM	the socket or the supervisor refuses this user
 *	ERR_TIMEOUT	no answer within timeout_ms
 *	ERR_REFUSED	the supervisor said no; the text is its "error"
 *	ERR_NOTFOUND	the same, of a host or a path that isn't known (404)
 *	ERR_AGAIN	not now: it is stopping, or too many ask (503)
 *	ERR_PROTOCOL	something else than hawserd answered
 */
json_t *api_call(const char *socket, enum api_method, const char *path,
    const char *send, long timeout_ms, struct err *);

/* What is followed; all of it borrowed. */
struct api_follow {
	const char *socket;
	const char *path;		/* "/v1/events?..." */
	int64_t deadline_ms;		/* clock_now_ms(); 0: none. The first
					   line has API_CALL_MS all the same */
	struct pollfd *watch;		/* what else ends it: poll(2) of them */
	nfds_t watch_count;		/* up to API_WATCH_MAX */
	/* An object came, as line says it; false: that is enough. */
	bool (*on_line)(void *arg, const char *line, const json_t *);
	void *arg;
};

#define API_WATCH_MAX	2

enum api_end { API_ENOUGH, API_OVER, API_DEADLINE, API_WOKEN };

/*
 * Gives on_line each line of an answer that goes on. Why it ended: on_line had
 * enough, there are no more lines, the deadline passed, one of watch did
 * something. -1 with err as above if it did not begin.
 */
int api_follow(const struct api_follow *, struct err *);

/* Appends text percent-encoded, for a path or a query. */
void api_encode(struct str *out, const char *text);

/* New: "/v1/hosts/NAME/verb", the name percent-encoded. The caller frees. */
char *api_host_path(const char *name, const char *verb);

#endif
