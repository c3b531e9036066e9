/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SUPERVISOR_API_H
#define HAWSER_SUPERVISOR_API_H

#include <sys/types.h>

#include "base/err.h"
#include "supervisor/routes.h"

struct event_base;

/*
 * api: HTTP/1.1 on the Unix socket, by libmicrohttpd, which the loop drives.
 * Who may speak is the door's business (door.h), how many and for how long that
 * of guests.h. A stream has its own limits.
 */

#define API_MEMORY		(32 * 1024)	/* of each connection */
#define API_BODY_MAX		(64 * 1024)	/* longer: refused */
#define API_BODY_KEPT		4096		/* longer: means nothing */

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
