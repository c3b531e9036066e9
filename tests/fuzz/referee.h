/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_TESTS_FUZZ_REFEREE_H
#define HAWSER_TESTS_FUZZ_REFEREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * referee: hears what both sides of a connection say (RFC 4254) and aborts if
 * ours goes beyond what the other has granted, speaks of a channel after it
 * was closed, or answers what was not asked. The server may lie, and give two
 * channels one number: then it is their sum that counts.
 */

#define REFEREE_PEERS	8	/* the server's channel numbers looked at */
#define REFEREE_IDS	64	/* ours */

struct referee {
	uint64_t granted[REFEREE_PEERS];	/* bytes we may send */
	uint64_t sent[REFEREE_PEERS];
	unsigned opens[REFEREE_PEERS];
	unsigned closes[REFEREE_PEERS];		/* ours */
	uint8_t peer_of[REFEREE_IDS];		/* plus 1; 0: not known */
	unsigned asked;		/* global requests that want an answer */
	unsigned answered;
	unsigned opens_asked;
	unsigned opens_refused;
	uint32_t packets;	/* that the server has sent */
	/*
	 * Ours is held up (a rekey), so that the order in which both are heard
	 * is not the one in which they were said: windows and closes are not
	 * judged any more.
	 */
	bool is_lenient;
};

/* A packet from the server, message number first, before it is handed in. */
void referee_hear_server(struct referee *, const uint8_t *bytes, size_t n);

/* One of ours. */
void referee_hear_us(struct referee *, const uint8_t *bytes, size_t n);

#endif
