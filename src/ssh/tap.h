/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SSH_TAP_H
#define HAWSER_SSH_TAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define TAP_ALTERED	"a packet was altered on its way"

/*
 * tap: sees every packet that libssh2 decrypted, before libssh2 does, and ends
 * its reading at the first error, through the linker's --wrap of
 * _libssh2_packet_add and _libssh2_transport_read. What is not the
 * transport's own becomes ours once the user is authenticated; until then it
 * stays libssh2's, as far as it may come at all. The session's abstract
 * pointer must be a struct tap.
 */
struct tap {
	/* Between the server's offer and its NEWKEYS. */
	bool exchanging;
	/* libssh2's error at which reading ended for good; 0: it goes on. */
	int broken;
	/*
	 * A key-exchange offer (borrowed), message number included. False
	 * ends the session.
	 */
	bool (*on_kexinit)(struct tap *, const uint8_t *data, size_t n);
	/*
	 * The server takes the new keys into use, whose exchange it has
	 * signed. False ends the session.
	 */
	bool (*on_newkeys)(struct tap *);
	/*
	 * The session ends, unless the link broke before: ERR_PROTOCOL, the
	 * server broke the protocol in this way; ERR_CORRUPT.
	 */
	void (*on_break)(struct tap *, enum err_code, const char *what);
	/*
	 * An SSH_MSG_USERAUTH_FAILURE (borrowed), of which libssh2 forgets
	 * what stands in it.
	 */
	void (*on_auth_failure)(struct tap *, const uint8_t *data, size_t n);
	/*
	 * After authentication: a packet (borrowed) of the connection layer,
	 * or one that nobody expects; seq is its number (RFC 4253 6.4). Must
	 * not send.
	 */
	void (*on_packet)(struct tap *, uint32_t seq, const uint8_t *data,
	    size_t n);
};

/* Was the tap ever called? False in a build whose --wrap is not live. */
bool tap_is_live(void);

#endif
