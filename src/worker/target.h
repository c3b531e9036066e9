/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_WORKER_TARGET_H
#define HAWSER_WORKER_TARGET_H

#include "base/endpoint.h"
#include "base/err.h"
#include "worker/loop.h"

/*
 * target: dials the target of a forward on our side, without blocking:
 * literals and "localhost" (both families) at once, other names after a
 * lookup, Unix sockets. Addresses are tried one after the other.
 */
struct target;

#define TARGET_DEADLINE_MS	10000	/* per address */

/*
 * fd (taken, non-blocking, connected, TCP_NODELAY) is -1 if the target cannot
 * be reached: then err has ERR_REFUSED, ERR_TIMEOUT, ERR_NOTFOUND (the name)
 * or ERR_SYS. The target is gone when this is called.
 */
typedef void target_done(void *arg, int fd, const struct err *);

/* New. done is never called from inside this call. endpoint is copied. */
struct target *target_dial(struct loop *, const struct endpoint *,
    target_done *done, void *arg);

/* No call will come. NULL is fine. */
void target_free(struct target *);

#endif
