/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SSH_PRIVATE_KEY_H
#define HAWSER_SSH_PRIVATE_KEY_H

#include <libssh2.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "ssh/public_key.h"

/*
 * private_key: what can be done with the text of a key file, by libssh2's own
 * functions. key is borrowed. passphrase is NULL if there is none.
 */

/*
 * The public half. 0; -1 with ERR_PERM (the passphrase is wrong, or the key
 * damaged), ERR_INPUT (it is damaged), ERR_NOMEM.
 */
int private_key_public(const char *key, size_t len, const char *passphrase,
    struct public_key *out, struct err *);

/*
 * The signature (RFC 4253 6.6, without the algorithm's name) of data: new,
 * from malloc(). algorithm is a plain one, as "rsa-sha2-512". 0; -1 with
 * ERR_PERM (the passphrase is wrong, or the key damaged), ERR_INPUT (it is
 * damaged or of another type).
 */
int private_key_sign(LIBSSH2_SESSION *, const char *key, size_t len,
    const char *passphrase, const char *algorithm, const uint8_t *data,
    size_t data_len, uint8_t **sig, size_t *sig_len, struct err *);

#endif
