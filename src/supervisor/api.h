/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SUPERVISOR_API_H
#define HAWSER_SUPERVISOR_API_H

#include <sys/types.h>

#include "base/err.h"
#include "supervisor/routes.h"

struct event_base;

/*
 * api: HTTP/1.1 on the Unix socket, by libmicrohttpd, which the loop drives.
 * Who may speak is the door's business: see door.h. At most API_CONNECTIONS_MAX
 * connections of API_MEMORY bytes each; one more, and of the process with the
 * most of them that with the oldest request is closed. A request has
 * API_REQUEST_S, from the connection's begin or the last one's end until its
 * answer is read, however many bytes come meanwhile; the time that we need for
 * the answer doesn't count, nor does that of a stream, which has its own limit.
 */

#define API_CONNECTIONS_MAX	64
#define API_MEMORY		(32 * 1024)
#define API_BODY_MAX		(64 * 1024)	/* longer: refused */
#define API_BODY_KEPT		4096		/* longer: means nothing */
#define API_REQUEST_S		5

struct api;

/*
 * New. Takes the listening, non-blocking socket, also on failure; borrows env.
 * NULL with err set.
 */
struct api *api_new(struct event_base *, int sock, const struct routes_env *,
    struct err *);

/*
 * From now on members of this group may speak, as their credentials were when
 * they connected; NULL: of none, which is so at first.
 */
void api_set_group(struct api *, const gid_t *);

/* Closes every connection, also those that wait for an answer. */
void api_free(struct api *);

#endif
