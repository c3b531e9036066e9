/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_WORKER_TRIAGE_H
#define HAWSER_WORKER_TRIAGE_H

#include "base/forward.h"
#include "worker/loop.h"

/*
 * triage: the server refused to listen. Is the port (or socket) held by
 * somebody, or was the wish denied? One connection to it, through the server,
 * tells: whoever answers there holds it, and may say who it is. To be done
 * once: sshd drops a dead session that holds a port only while it is idle, and
 * every look at the port keeps it busy.
 */
struct triage;

#define TRIAGE_OPEN_MS		10000	/* for the server to connect there */
#define TRIAGE_GREETING_MS	500	/* for the holder to say who it is */

/* state is held or denied, why a sentence. The triage is gone by then. */
typedef void triage_done(void *arg, enum forward_state, const char *why);

/*
 * New; forward, borrowed, is the one that was refused, and bind the address of
 * the request. done comes from the loop, never from inside this call.
 */
struct triage *triage_new(struct loop *, const struct forward *,
    const char *bind, triage_done *done, void *arg);

/* No call will come. NULL is fine. */
void triage_free(struct triage *);

#endif
