/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_WORKER_SOCKS_H
#define HAWSER_WORKER_SOCKS_H

#include <stddef.h>
#include <stdint.h>

/*
 * socks: the server's half of the SOCKS 4, 4a and 5 (RFC 1928) handshakes, up
 * to the answer to a CONNECT. Pure: bytes in, verdict and bytes out. It takes
 * no byte behind the request, so data that a client sends ahead of the answer
 * stays with the caller.
 */

#define SOCKS_USER_MAX	512	/* bytes of a SOCKS 4 user id */
#define SOCKS_HOST_MAX	255	/* bytes of a name */

/* 8 fixed bytes, user id, name and a NUL behind each. */
#define SOCKS_BYTES_MAX	(8 + SOCKS_USER_MAX + 1 + SOCKS_HOST_MAX + 1)

enum socks_verdict {
	SOCKS_MORE,		/* feed on */
	SOCKS_CONNECT,		/* host and port are there; answer it */
	SOCKS_BAD,		/* send the reply, if any, and close */
};

enum socks_answer {
	SOCKS_GRANTED,
	SOCKS_FAILED,
	SOCKS_PROHIBITED,
	SOCKS_UNREACHABLE,
	SOCKS_REFUSED,
	SOCKS_ANSWER_COUNT
};

struct socks {
	enum socks_verdict (*stage)(struct socks *);
	size_t have;			/* bytes of the message so far */
	size_t need;			/* bytes before stage looks again */
	size_t name_at;			/* where SOCKS 4a's name begins */
	uint8_t version;		/* 4, 5, or 0 while unknown */
	uint8_t bytes[SOCKS_BYTES_MAX];
	char host[SOCKS_HOST_MAX + 1];	/* literal or name */
	uint16_t port;			/* 1..65535 */
	uint8_t reply[16];
	size_t reply_len;
};

void socks_init(struct socks *);

/*
 * Feeds n bytes; *used says how many were taken (all of them, if the verdict
 * is SOCKS_MORE). After each call the caller sends what socks_take_reply()
 * gives, then acts on the verdict. Not to be called after another verdict.
 */
enum socks_verdict socks_feed(struct socks *, const uint8_t *bytes, size_t n,
    size_t *used);

/* Makes the reply that ends the handshake, in the client's version. */
void socks_answer(struct socks *, enum socks_answer);

/* The bytes to send now (valid until the next call), 0 if there are none. */
size_t socks_take_reply(struct socks *, const uint8_t **bytes);

#endif
