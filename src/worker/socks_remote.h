/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_WORKER_SOCKS_REMOTE_H
#define HAWSER_WORKER_SOCKS_REMOTE_H

#include "ssh/connection.h"
#include "worker/tunnel.h"
#include "worker/visit.h"

/*
 * socks_remote: a SOCKS client that comes through a remote forward without a
 * target: the handshake over the channel, then a dial from here to where the
 * client wants to go, then a relay.
 */

/*
 * Takes the channel, which the server asked for and nobody has answered, and
 * the visit.
 */
void socks_remote_start(struct tunnel *, struct channel *, struct visit *);

/* The same of an open channel: see relay_adopt(). */
void socks_remote_adopt(struct tunnel *, struct channel *, struct visit *,
    const uint8_t *unread, size_t n);

#endif
