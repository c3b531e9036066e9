/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_TESTS_FUZZ_PLAYER_H
#define HAWSER_TESTS_FUZZ_PLAYER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../unit/fake_transport.h"
#include "ssh/connection.h"

/*
 * player: the worker's side of a connection, which does what a fuzzer's input
 * says, and aborts if it gets a call that connection.h rules out.
 */

#define PLAYER_CHANNELS	8

struct player {
	const struct transport *transport;
	struct channel *channels[PLAYER_CHANNELS];
	bool asked[PLAYER_CHANNELS];	/* a forwarded open without answer */
	bool open[PLAYER_CHANNELS];	/* data may flow */
	size_t taken[PLAYER_CHANNELS];	/* bytes to be given back unread */
	enum { NONE, OUTER, INNER } in_call[PLAYER_CHANNELS];
	const uint8_t *p;		/* what is left of the input */
	size_t left;
	bool fasts;			/* takes no data */
	bool ended;
};
extern struct player player;

/* A new game, in which the input (borrowed) is played. */
struct connection *player_begin(struct transport *, const uint8_t *data,
    size_t len);

/* The input's next byte; 0 after its end. */
uint8_t player_next(void);

/* Does what the input says. */
void player_act(struct connection *, struct transport *);

/* Asks for a channel; of which kind depends on what. */
void player_open(struct connection *, uint8_t what);

/* Asks the server to listen on port 80. */
void player_listen(struct connection *);

/* The connection has ended: answers the opens that still wait. */
void player_end(void);

#endif
