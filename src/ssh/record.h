/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SSH_RECORD_H
#define HAWSER_SSH_RECORD_H

#include <libssh2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ssh/bytebuf.h"

/*
 * record: one encrypted packet (RFC 4253 6) of our own ciphers, sealed and
 * opened in place. libssh2's transport copies each byte three times on the
 * way in and once on the way out; between key exchanges, and with a cipher
 * of ours and no compression, packets pass here instead. Sequence numbers stay
 * libssh2's.
 */

/* Is this a session, once it has keys, whose packets may pass here at all? */
bool record_fits(const LIBSSH2_SESSION *);

/*
 * May packets be opened, or sealed, here now: no rekey, a cipher of ours, and
 * libssh2 not half-way through a packet?
 */
bool record_can_open(const LIBSSH2_SESSION *);
bool record_can_seal(const LIBSSH2_SESSION *);

/*
 * Opens the packet at in's head. 1, and *payload (borrowed, until in is
 * touched) begins at the message number, *n at least 1 byte; the packet is
 * gone from in. 0 if it is not complete: *need is the length that in must
 * have. -1 if it is not genuine, -2 if it is, but holds no message.
 */
int record_open(LIBSSH2_SESSION *, struct bytebuf *in,
    const uint8_t **payload, size_t *n, size_t *need);

/*
 * Appends a packet of two parts, together at most 34,000 bytes, to out. 0,
 * or -1 if the cipher failed.
 */
int record_seal(LIBSSH2_SESSION *, struct bytebuf *out, const uint8_t *head,
    size_t head_len, const uint8_t *body, size_t body_len);

#endif
