/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SSH_KEXINIT_H
#define HAWSER_SSH_KEXINIT_H

#include <stddef.h>
#include <stdint.h>

#include "base/algorithms.h"
#include "base/err.h"

/*
 * kexinit: reads the peer's SSH_MSG_KEXINIT (RFC 4253 7.1) beside libssh2,
 * which neither names what the server offered nor survives a different cipher
 * per direction. No I/O.
 */

enum kexinit_list {
	KEXINIT_KEX,
	KEXINIT_HOST_KEY,
	KEXINIT_CIPHER_C2S,
	KEXINIT_CIPHER_S2C,
	KEXINIT_MAC_C2S,
	KEXINIT_MAC_S2C,
	KEXINIT_COMPRESSION_C2S,
	KEXINIT_COMPRESSION_S2C,
	KEXINIT_LIST_COUNT
};

/* What we offer for each list, comma-separated, best first; borrowed. */
struct kexinit_offer {
	const char *lists[KEXINIT_LIST_COUNT];
	const struct algorithms *said;	/* who says so; NULL: a rekey */
};

/*
 * Would libssh2 agree with this packet (message number included)? 0; -1 with
 * ERR_PROTOCOL if the packet is malformed or wants a different cipher or
 * compression per direction, ERR_REFUSED if a list has nothing in common with
 * ours: the text names both.
 */
int kexinit_check(const uint8_t *packet, size_t n,
    const struct kexinit_offer *, struct err *);

#endif
