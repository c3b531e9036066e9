/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SSH_REVOKED_KEYS_H
#define HAWSER_SSH_REVOKED_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * revoked_keys: a file of RevokedHostKeys: public keys, one per line, or an
 * OpenSSH key revocation list (PROTOCOL.krl). Of each key its hash is kept.
 */
struct revoked_keys;

#define REVOKED_KEYS_FILE_MAX	(16 * 1024 * 1024)	/* bytes */

/*
 * New, of a file's bytes (borrowed); name is for messages and is copied. What
 * isn't understood might revoke the very key that is looked for: it is an error
 * (NULL, ERR_INPUT).
 */
struct revoked_keys *revoked_keys_parse(const char *name, const char *bytes,
    size_t len, struct err *);

/* The same of the file at path: also the errors of trusted_file_read(). */
struct revoked_keys *revoked_keys_load(const char *path, struct err *);

/* NULL is fine. */
void revoked_keys_free(struct revoked_keys *);

/* Is the key revoked? The line says so, from 1; 0 if the file has none. */
bool revoked_keys_have(const struct revoked_keys *, const uint8_t *blob,
    size_t len, unsigned *line);

/* Does it revoke certificates by serial number or name? Which is not kept. */
bool revoked_keys_have_certs(const struct revoked_keys *);

/* Borrowed. */
const char *revoked_keys_name(const struct revoked_keys *);

#endif
