/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SSH_TAP_H
#define HAWSER_SSH_TAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * tap: sees every packet that libssh2 decrypted, before libssh2 does, through
 * the linker's --wrap of _libssh2_packet_add. Connection-layer packets (RFC
 * 4254) become ours; all others stay libssh2's. The session's abstract
 * pointer must be a struct tap.
 */
struct tap {
	/* Between the server's offer and its NEWKEYS. */
	bool exchanging;
	/*
	 * A key-exchange offer (borrowed), message number included; another
	 * one inside the exchange finds exchanging set. False ends the
	 * session.
	 */
	bool (*on_kexinit)(struct tap *, const uint8_t *data, size_t n);
	/* libssh2 keeps too many packets; the session ends. */
	void (*on_excess)(struct tap *);
	/*
	 * A connection-layer packet after authentication (borrowed). Must not
	 * send.
	 */
	void (*on_packet)(struct tap *, const uint8_t *data, size_t n);
};

/* Was the tap ever called? False in a build whose --wrap is not live. */
bool tap_is_live(void);

#endif
