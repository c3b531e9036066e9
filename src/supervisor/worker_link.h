/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SUPERVISOR_WORKER_LINK_H
#define HAWSER_SUPERVISOR_WORKER_LINK_H

#include <stddef.h>

#include "ipc/message.h"

struct event_base;

/*
 * worker_link: our end of the message socket to one child. Never blocks: what
 * the socket does not take waits here, in order. A child that lets more than
 * WORKER_LINK_QUEUE_MAX messages pile up is given up.
 */

#define WORKER_LINK_QUEUE_MAX	1024

struct worker_link;

struct worker_link_ops {
	/* A checked message. Descriptors may be taken out of it. */
	void (*on_message)(void *arg, struct message *);
	/*
	 * The link is of no more use: err says why (ERR_CLOSED: the other
	 * side closed it). Comes once.
	 */
	void (*on_dead)(void *arg, const struct err *);
};

/* New; takes sock. Borrows ops. Callbacks come from the loop. */
struct worker_link *worker_link_new(struct event_base *, int sock,
    enum message_sender peer, const struct worker_link_ops *ops, void *arg);

/* Frees it and closes the socket. Safe inside its callbacks. */
void worker_link_free(struct worker_link *);

/*
 * Sends, now or later. Takes body; borrows fds (copies are kept if it has to
 * wait). A dead link swallows it; one that cannot send it dies.
 */
void worker_link_send(struct worker_link *, enum message_name, json_t *body,
    const int *fds, size_t fd_count);

/* Handles now what has arrived: for the last words of a child that ended. */
void worker_link_drain(struct worker_link *);

#endif
