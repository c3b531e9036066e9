/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_WORKER_FORWARD_LOCAL_H
#define HAWSER_WORKER_FORWARD_LOCAL_H

#include <stddef.h>

#include "base/forward.h"
#include "worker/loop.h"

/*
 * forward_local: a local or dynamic forward: clients of the lent sockets are
 * led through channels to the target, or to where they ask SOCKS for.
 */
struct forward_local;

/*
 * New: accepts from now on. Takes the descriptors; the forward is copied. Its
 * connections outlive it.
 */
struct forward_local *forward_local_new(struct loop *, const struct forward *,
    const int *fds, size_t count);

/* Tells the supervisor "down" and frees it. */
void forward_local_cancel(struct forward_local *);

/* Closes the sockets; open connections go on. */
void forward_local_free(struct forward_local *);

void forward_local_pause(struct forward_local *);
void forward_local_resume(struct forward_local *);

#endif
