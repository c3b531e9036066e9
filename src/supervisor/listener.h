/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SUPERVISOR_LISTENER_H
#define HAWSER_SUPERVISOR_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/endpoint.h"
#include "base/err.h"

/*
 * listener: the listening sockets of one local forward. The supervisor owns
 * them and lends copies to workers, so that a client that comes during an
 * outage waits in the kernel's queue instead of being refused.
 */

#define LISTENER_FDS_MAX	2	/* one for each family */

struct inherit;

/*
 * A zeroed struct is closed. Whoever makes one may set inherit, which stays as
 * it is: see inherit.h.
 */
struct listener {
	struct inherit *inherit;	/* borrowed, or NULL */
	int fds[LISTENER_FDS_MAX];
	char *bound[LISTENER_FDS_MAX];	/* "127.0.0.1:8080", or a path */
	size_t count;
	char *path;			/* of a Unix socket, to unlink */
	dev_t device;			/* of the file that was made there */
	ino_t inode;
};

/* How the file of a Unix socket is made: see ssh_config(5). */
struct listener_file {
	mode_t mask;			/* StreamLocalBindMask */
	bool replace;			/* StreamLocalBindUnlink */
};

/*
 * Takes inherited sockets, or binds and listens: "localhost" and no host mean
 * both loopback addresses, "*" every address of both families, anything else
 * is a literal or a path. A family that this machine has not is left out. A
 * socket's file on which nobody listens makes room. 0; -1 with ERR_REFUSED if
 * the address is taken, ERR_INPUT if the host is a name, ERR_PERM if the port
 * is for those who may, ERR_SYS.
 */
int listener_open(struct listener *, const struct endpoint *,
    const struct listener_file *, struct err *);

/*
 * Writes "127.0.0.1:80 is used by nginx (pid 812)" of who is in the way of a
 * listener; false if it can't be seen. Looks at every process: see
 * holder_search.h. size is of out, in bytes.
 */
bool listener_find_holder(const struct endpoint *, char *out, size_t size);

/* An open Unix socket's file gets the mode that this mask leaves. */
void listener_set_mask(const struct listener *, mode_t mask);

/*
 * Clients that wait and were not accepted are refused, but by a socket that
 * outlives us, or that isn't ours to close.
 */
void listener_close(struct listener *);

/* Is one of its sockets the service manager's own, which isn't closed? */
bool listener_is_lent(const struct listener *);

/* Do its sockets listen? A worker can put an end to that. */
bool listener_is_open(const struct listener *);

#endif
