/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_WORKER_FORWARDED_H
#define HAWSER_WORKER_FORWARDED_H

#include <stddef.h>
#include <stdint.h>

#include "ssh/connection.h"
#include "worker/tunnel.h"

/*
 * forwarded: a client that comes through a remote forward: its target on our
 * side is dialled before the server is told that the channel is open, so that
 * a target that refuses is a refusal over there. Or it is served SOCKS.
 */

/* Whence and whither it came, as the server says; cut if it is longer. */
struct forwarded_way {
	char originator[64];		/* a literal, or "" */
	uint16_t originator_port;
	char connected[64];		/* "" for a Unix socket */
	uint16_t connected_port;
};

void forwarded_note_way(struct forwarded_way *,
    const struct forwarded_open *);

/* Takes the channel, which the server asked for and nobody has answered. */
void forwarded_start(struct tunnel *, struct channel *,
    const struct forwarded_way *);

/* The same of an open channel: see relay_adopt(). */
void forwarded_adopt(struct tunnel *, struct channel *,
    const struct forwarded_way *, const uint8_t *unread, size_t n);

#endif
