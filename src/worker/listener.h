/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_WORKER_LISTENER_H
#define HAWSER_WORKER_LISTENER_H

#include <stddef.h>
#include <stdint.h>

#include "worker/loop.h"

/*
 * listener: accepts on the sockets that the supervisor lent for one forward.
 * Survives the lack of descriptors without spinning, and drops clients that
 * queued up during an outage and have gone since.
 */
struct listener;

#define LISTENER_BATCH		16	/* accepts per socket and turn */
#define LISTENER_REST_MS	1000	/* when descriptors ran out */

/* Whom we accepted, as a channel open tells it. */
struct listener_peer {
	char host[64];			/* a literal */
	uint16_t port;
};

/* fd is taken: non-blocking, TCP_NODELAY if it is TCP. */
typedef void listener_client(void *arg, int fd, const struct listener_peer *);

/* New. Takes the descriptors, which listen already. Borrows loop and arg. */
struct listener *listener_new(struct loop *, const int *fds, size_t count,
    listener_client *on_client, void *arg);

/* Closes the sockets. NULL is fine. */
void listener_free(struct listener *);

/* While paused the kernel's backlog holds the clients. */
void listener_pause(struct listener *);
void listener_resume(struct listener *);

#endif
