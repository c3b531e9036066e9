/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SSH_KEY_VERIFY_H
#define HAWSER_SSH_KEY_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * key_verify: signatures that a server makes with its host keys, other than
 * that of the key exchange. Bytes in, verdict out.
 */

/* Can signatures of keys of this type ("ssh-rsa") be verified? */
bool key_verify_knows(const char *type);

/*
 * Did the key (RFC 4253 6.6) make the signature (the name of its algorithm
 * and its bytes, both strings) of data? RSA by SHA-2 only, and from 1024 to
 * 16384 bits. 0; -1 with ERR_PROTOCOL.
 */
int key_verify(const uint8_t *key, size_t key_len, const uint8_t *signature,
    size_t signature_len, const uint8_t *data, size_t len, struct err *);

#endif
