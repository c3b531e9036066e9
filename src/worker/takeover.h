/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_WORKER_TAKEOVER_H
#define HAWSER_WORKER_TAKEOVER_H

#include "ipc/message.h"
#include "worker/loop.h"

/*
 * takeover: HawserTakeover: a command that runs on the server in order to free
 * a port that a dead session of ours still holds there. Once per order; how it
 * ended is told once, also when the server does not let it run.
 */

#define TAKEOVER_MS	20000	/* the command's deadline */

/* ORDER_TAKEOVER: its members are copied. */
void takeover_start(struct loop *, const struct message *);

#endif
