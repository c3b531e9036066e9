/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_WORKER_FORWARDS_H
#define HAWSER_WORKER_FORWARDS_H

#include "ipc/message.h"
#include "ssh/connection.h"
#include "worker/loop.h"

/*
 * forwards: the forwards of this session by id, and the supervisor's orders
 * about them.
 */
struct forwards;

/* New. Borrows the loop. */
struct forwards *forwards_new(struct loop *);

/*
 * When the connection, not freed yet, handles no more packets, or all was
 * cancelled. NULL is fine.
 */
void forwards_free(struct forwards *);

/*
 * ORDER_LISTEN (takes the message's descriptors), ORDER_FORWARD, ORDER_PROVE,
 * ORDER_CANCEL.
 * An order that makes no sense is logged and ignored. A second ORDER_LISTEN
 * for an id replaces the first.
 */
void forwards_listen(struct forwards *, struct message *);
/* ORDER_LISTEN has come without its descriptors: it is told why. */
void forwards_miss(struct forwards *, const struct message *, const char *why);
void forwards_forward(struct forwards *, const struct message *);
void forwards_prove(struct forwards *, const struct message *);
void forwards_cancel(struct forwards *, const struct message *);

/*
 * Cancels all; done is called when the server has confirmed the last, which
 * may be at once. No order may follow. Call it once.
 */
void forwards_cancel_all(struct forwards *, void (*done)(void *arg),
    void *arg);

/* Lent listeners, also those that come later, accept or wait. */
void forwards_pause(struct forwards *);
void forwards_resume(struct forwards *);

#endif
