/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_WORKER_SOCKS_LOCAL_H
#define HAWSER_WORKER_SOCKS_LOCAL_H

#include "worker/listener.h"
#include "worker/tunnel.h"

/*
 * socks_local: SOCKS clients of a dynamic forward: the handshake on the
 * socket, then a channel to where the client wants to go, then a relay. The
 * success reply is sent only after the channel is open; a refusal has the
 * code of its reason.
 */
struct socks_door;

#define SOCKS_DEADLINE_MS	10000	/* for the whole handshake */
#define SOCKS_HALF_OPEN_MAX	512	/* more: the oldest one has to go */

/* New. References the tunnel. */
struct socks_door *socks_door_new(struct tunnel *);

/* Ends the handshakes; connections beyond that go on. NULL is fine. */
void socks_door_free(struct socks_door *);

/* Takes the client's socket. */
void socks_door_enter(struct socks_door *, int fd,
    const struct listener_peer *);

#endif
