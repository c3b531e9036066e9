/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_WORKER_ONWARD_H
#define HAWSER_WORKER_ONWARD_H

#include "ipc/end.h"
#include "ipc/message.h"
#include "worker/loop.h"

/*
 * onward: what makes this worker a hop: a channel (direct-tcpip) to the next
 * server, relayed with a socket whose other end is the next worker's link.
 */
struct onward;

/*
 * The way on has ended, or never came about: why. END_STOPPED if one of its
 * two ends was closed, as then the next worker says more.
 */
typedef void onward_over(void *arg, enum end_class, const char *text);

/*
 * New, from ORDER_LINK, of which the descriptor is taken. Sends FACT_LINK when
 * bytes pass. over comes at most once, from the loop; also because the whole
 * connection ended, just before connection_ops.on_end.
 */
struct onward *onward_new(struct loop *, struct message *, onward_over *over,
    void *arg);

/* Ends it; over does not come. NULL is fine. */
void onward_free(struct onward *);

#endif
