/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_TESTS_UNIT_FAKE_TRANSPORT_H
#define HAWSER_TESTS_UNIT_FAKE_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "ssh/packet.h"
#include "ssh/transport.h"

/*
 * fake_transport: a transport without a link, for tests and fuzzers of what
 * stands on it. A program that is linked with this gets these transport
 * functions instead of the real ones; who breaks transport.h's rules aborts.
 * The session's id is "the id".
 */

struct transport {
	const struct transport_ops *ops;
	void *arg;
	struct packet *sent;		/* not taken by the test, in order */
	struct packet **sent_tail;
	size_t pending;			/* what transport_pending() says */
	uint32_t seq;			/* of the server's next packet */
	bool rekeying;			/* sends get ERR_AGAIN */
	unsigned rekey_after;		/* so many packets, if not 0 */
	bool stuck;			/* the kernel takes nothing */
	bool awake;			/* on_ready is due */
	bool in_packet;
	bool failed;
	bool told;			/* for the user: on_dead was called */
	char why[ERR_TEXT_SIZE];	/* of the failure */
};

/* New; transport_free() frees it, and what was not taken. */
struct transport *fake_transport_new(void);

/* The server says exactly these bytes; nothing if the transport has failed. */
void fake_transport_say(struct transport *, const void *bytes, size_t n);

/* The next packet that was sent, or NULL; the caller frees it. */
struct packet *fake_transport_take(struct transport *);

#endif
