/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_WORKER_RELAY_H
#define HAWSER_WORKER_RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/endpoint.h"
#include "ssh/connection.h"
#include "worker/loop.h"
#include "worker/tunnel.h"
#include "worker/visit.h"

/*
 * relay: moves bytes between a socket and an SSH channel, both ways, until
 * both have ended. The ends of the two directions are passed on one by one
 * (half-close); a reset on either side ends both. Has no buffer: the socket is
 * read only as far as the channel has room, and what the socket does not take
 * stays in the channel. Never blocks, never logs bytes.
 */
struct relay;

/* Bytes from the socket before others get their turn. */
#define RELAY_BUDGET	(256 * 1024)

/* Which end is the listener's client, for the tunnel's counters. */
enum relay_client { RELAY_CLIENT_SOCKET, RELAY_CLIENT_CHANNEL };

struct relay_ops {
	/* The channel is open now: relay_attach() may follow. May be NULL. */
	void (*on_open)(struct relay *, void *arg);
	/* The open was refused. on_end follows. */
	void (*on_open_failed)(struct relay *, void *arg, unsigned reason,
	    const char *text);
	/*
	 * Data from the channel while no socket is attached; returns how many
	 * bytes were taken, the rest waits for relay_attach(). NULL: none.
	 */
	size_t (*on_early)(struct relay *, void *arg, const uint8_t *data,
	    size_t n);
	/* The channel may take bytes, after relay_want_write(). May be NULL. */
	void (*on_writable)(struct relay *, void *arg);
	/* The relay is over; the pointer is dead when this returns. */
	void (*on_end)(struct relay *, void *arg);
};

/*
 * New, with neither socket nor channel. Counts as an open connection of the
 * tunnel (referenced). Borrows ops and arg.
 */
struct relay *relay_new(struct tunnel *, enum relay_client,
    const struct relay_ops *, void *arg);

/*
 * Opens a channel to target (TCP or Unix), on behalf of the originator. False
 * if there are too many channels; then the relay can only be ended.
 */
bool relay_open(struct relay *, const struct endpoint *target,
    const char *originator, uint16_t originator_port);

/* Takes the visit that this is, if it is one: relay_open() makes its own. */
void relay_watch(struct relay *, struct visit *);

/* Takes and accepts a channel that the server asked for. */
void relay_accept(struct relay *, struct channel *);

/*
 * Takes an open channel from its last user, who gives back n bytes (borrowed):
 * see channel_hand_over(). They come to on_early within this call.
 */
void relay_adopt(struct relay *, struct channel *, const uint8_t *unread,
    size_t n);

/*
 * Takes the socket (connected, non-blocking). From when both it and the
 * channel are there, bytes move.
 */
void relay_attach(struct relay *, int fd);

/*
 * While no socket is attached: bytes for the channel; how many were taken, the
 * rest may follow in on_writable, after relay_want_write().
 */
size_t relay_write(struct relay *, const uint8_t *data, size_t n);
void relay_want_write(struct relay *);

/* Closes both sides at once, then calls on_end. */
void relay_end(struct relay *);

#endif
