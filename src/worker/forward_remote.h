/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_WORKER_FORWARD_REMOTE_H
#define HAWSER_WORKER_FORWARD_REMOTE_H

#include "base/forward.h"
#include "ssh/connection.h"
#include "worker/loop.h"

/*
 * forward_remote: a forward that listens on the server. Asks for it once each
 * time it is ordered; finds out once why it was refused; leads the clients
 * that come to the target on our side, or serves them SOCKS.
 */
struct forward_remote;

/* New; does not ask yet. The forward is copied. */
struct forward_remote *forward_remote_new(struct loop *,
    const struct forward *);

/*
 * Only when it neither listens nor waits for an answer, or when the
 * connection, not freed yet, handles no more packets. Its connections outlive
 * it.
 */
void forward_remote_free(struct forward_remote *);

/*
 * The order to listen: asks the server, unless that is going on; one that
 * listens already only says so again. forward may bring another target.
 */
void forward_remote_order(struct forward_remote *, const struct forward *);

/*
 * Stops listening; tells "down" and calls done when the server has confirmed
 * (which may be at once), and then it may be freed. Call it once.
 */
void forward_remote_cancel(struct forward_remote *,
    void (*done)(struct forward_remote *, void *arg), void *arg);

/*
 * Proves once that connections to where it listens come to us, and tells what
 * is bound; nothing happens unless it listens.
 */
void forward_remote_prove(struct forward_remote *);

/* on_forwarded of the connection, with what listener_arg was given. */
void forward_remote_client(void *listener_arg, struct channel *,
    const struct forwarded_open *);

#endif
