/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_TESTS_UNIT_FAKE_PEER_H
#define HAWSER_TESTS_UNIT_FAKE_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "fake_transport.h"
#include "ssh/connection.h"
#include "ssh/packet.h"

/*
 * fake_peer: a connection on a transport that is none. The test is the server:
 * it takes the packets that were sent and hands in its own.
 */

/* One test's world; there is one at a time. */
struct peer {
	struct transport *t;
	struct connection *c;
	struct channel *asked;		/* the last forwarded open */
	struct user *accept;		/* takes the next forwarded open */
	void *listener_arg;		/* of asked */
	char connected[256], originator[256];
	uint32_t connected_port, originator_port;
	int asks;			/* calls of on_forwarded */
	int ended;			/* calls of on_end */
	int quiet;			/* calls of on_quiet */
	/* on_host_keys calls it if it is set. */
	void (*on_host_keys)(const uint8_t *bytes, size_t n);
	struct err end;
};
extern struct peer peer;

/* For cmocka's test fixtures: a new world, and its end. Always 0. */
int peer_setup(void **state);
int peer_teardown(void **state);

/*
 * A packet from the server. Each letter of format is one argument: u a
 * uint32_t, b a byte (int), s a string, x bytes (const void *, size_t) as a
 * string.
 */
void peer_says(uint8_t msg, const char *format, ...);
/* n bytes of data for the channel id, the first being the byte first. */
void peer_says_data(uint32_t id, uint8_t first, size_t n);

/* The next packet sent must be exactly this. Letters as in peer_says. */
void peer_hears(uint8_t msg, const char *format, ...);
/* Nothing (more) was sent. */
void peer_hears_nothing(void);

/* Lets the loop turn until it rests. */
void peer_turn(void);
/* The link dies. Turns. */
void peer_dies(void);

/* The connection was ended by us, with this sentence. Turns. */
void peer_is_cut(const char *why);
/* It was not. Turns. */
void peer_is_fine(void);

/* Someone who uses a channel. Zeroed, with appetite set, to begin with. */
struct user {
	struct channel *ch;	/* NULL once it is freed or gone */
	uint32_t id;		/* ours */
	size_t appetite;	/* bytes that on_data takes at most */
	struct str got;		/* what it took */
	char log[64];		/* calls: Open Fail Data Eof Close Writable */
	unsigned reason;	/* of a failed open */
	char text[256];
	/* Called inside each call, after the log was written. */
	void (*act)(struct user *, char call);
	size_t to_write;	/* on_writable writes so many bytes */
	size_t portion;		/* but no more than this at once; 0: all */
};
extern const struct channel_ops user_ops;

/* Opens to host:80; the CHANNEL_OPEN is heard, and its id is in user. */
void user_open(struct user *, const char *host);
/* Opens, and the server confirms. */
void user_connect(struct user *, const char *host, uint32_t peer_id,
    uint32_t window, uint32_t packet);
/* channel_free. Frees nothing if the channel is gone. */
void user_leave(struct user *);
/* What was logged since the last call. */
void user_saw(struct user *, const char *log);
/* Frees got. */
void user_fini(struct user *);

#endif
