/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_WORKER_HOST_KEYS_H
#define HAWSER_WORKER_HOST_KEYS_H

#include <stddef.h>
#include <stdint.h>

#include "ipc/order.h"
#include "ssh/known_hosts.h"
#include "worker/loop.h"

/*
 * host_keys: UpdateHostKeys. A server says once, after it has let us in, which
 * host keys it has; it proves those that known_hosts does not list, and if
 * anything is new or gone the supervisor is told, which alone writes.
 */
struct host_keys;

/*
 * New. Takes known, what known_hosts says of the server; NULL if its keys are
 * not to be looked at. Borrows loop and order.
 */
struct host_keys *host_keys_new(struct loop *, const struct session_order *,
    struct known_hosts *known);

/* No call comes any more once the connection is freed. NULL is fine. */
void host_keys_free(struct host_keys *);

/* The server's list, from connection_ops. Only the first one counts. */
void host_keys_on_list(struct host_keys *, const uint8_t *bytes, size_t n);

#endif
