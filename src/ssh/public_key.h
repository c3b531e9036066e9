/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SSH_PUBLIC_KEY_H
#define HAWSER_SSH_PUBLIC_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "ssh/host_key.h"

/*
 * public_key: public keys and certificates, as bytes on the wire and as the
 * line of a .pub file: users', and for ssh/host_cert.h servers'. Bytes in,
 * verdict out; only public_key_load() reads.
 */

#define PUBLIC_KEY_FILE_MAX	(64 * 1024)	/* bytes */

/* blob is new; NULL in one that is not known. Zeroed to begin with. */
struct public_key {
	uint8_t *blob;
	size_t len;
	char type[HOST_KEY_TYPE_SIZE];
};

/* A copy of a blob whose type we can log in with. 0, or -1. */
int public_key_set(struct public_key *out, const uint8_t *blob, size_t len);

void public_key_fini(struct public_key *);

/* Two keys that are not known are not equal. */
bool public_key_equal(const struct public_key *, const struct public_key *);

/* "ssh-ed25519-cert-v01@openssh.com" and the like. */
bool public_key_is_cert(const struct public_key *);

/*
 * The key that a certificate (PROTOCOL.certkeys) is for: 0; -1 if it is not
 * one, or damaged.
 */
int public_key_of_cert(const struct public_key *cert, struct public_key *out);

/*
 * What would keep a certificate from being taken at wall_s (seconds since
 * 1970): "it expired at 2026-…" in why and -1; 0 if nothing is seen.
 */
int public_key_check_cert(const struct public_key *cert, int64_t wall_s,
    char *why, size_t size);

/*
 * What a signature by this key's algorithm is called: the name without a
 * certificate's suffix. name is of len bytes; out holds HOST_KEY_TYPE_SIZE.
 */
void public_key_plain_name(const char *name, size_t len, char *out);

/*
 * The first key of a text of lines "TYPE BASE64 [comment]"; empty lines and
 * those that begin with '#' are skipped. 0, or -1.
 */
int public_key_parse(const char *text, size_t len, struct public_key *out);

/*
 * Reads a file. 0; -1 with ERR_NOTFOUND, ERR_SYS, or ERR_INPUT (it holds no
 * public key that can be used).
 */
int public_key_load(struct public_key *out, const char *path, struct err *);

#endif
