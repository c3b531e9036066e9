/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SUPERVISOR_WAY_H
#define HAWSER_SUPERVISOR_WAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * way: which way the kernel would send a packet to an address, as it says when
 * it is asked (RTM_GETROUTE, rtnetlink(7)): it takes all rules and tables into
 * account, and sends nothing. Neither root nor a lock of the kernel that others
 * may hold for long is needed for it.
 */

#define WAY_ADDRESS_SIZE	16	/* bytes; of IPv4 the first 4 */

/* A question. */
struct way_to {
	int family;			/* AF_INET or AF_INET6 */
	uint8_t address[WAY_ADDRESS_SIZE];
	bool has_from;
	uint8_t from[WAY_ADDRESS_SIZE];	/* our own address, if we insist */
	unsigned interface;		/* its index, if we insist; 0: any */
};

/* The answer. All zero if no way exists. */
struct way {
	bool exists;		/* a route, by an interface that has a link */
	unsigned interface;
	uint8_t source[WAY_ADDRESS_SIZE];
	uint8_t gateway[WAY_ADDRESS_SIZE];	/* zero: none */
};

/*
 * Fills to from a numeric address, with "%interface" behind it if it is
 * link-local. -1: it is none.
 */
int way_to_parse(struct way_to *to, const char *address);

/*
 * Fills two (room for 2): addresses that only a default route leads to, of
 * either family. Nobody has them (RFC 5737, RFC 3849).
 */
void way_to_anywhere(struct way_to *two);

/* A descriptor for way_find(), close-on-exec; -1 with errno set. */
int way_open(void);

/*
 * Asks. Should there be nobody to ask (fd is -1), the way exists and is always
 * the same.
 */
void way_find(int fd, const struct way_to *, struct way *);

bool way_equal(const struct way *, const struct way *);

/* The pure half, for tests and fuzzing. */

#define WAY_REQUEST_SIZE	128	/* bytes that a request fits into */

/* Writes a request with that number; its length. */
size_t way_encode(const struct way_to *, uint32_t number,
    uint8_t out[WAY_REQUEST_SIZE]);

/*
 * Fills out from the answer to it; whether the interface has a link is not
 * known yet. -1: these bytes are no answer to that number.
 */
int way_decode(const uint8_t *bytes, size_t n, uint32_t number,
    struct way *out);

#endif
