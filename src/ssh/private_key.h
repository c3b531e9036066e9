/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SSH_PRIVATE_KEY_H
#define HAWSER_SSH_PRIVATE_KEY_H

#include <stddef.h>

#include "base/err.h"
#include "ssh/public_key.h"

/*
 * private_key: the public half of a private key, by the very functions with
 * which libssh2 will sign.
 */

/*
 * key is the text of a key file (borrowed). passphrase is NULL if there is
 * none. 0; -1 with ERR_INPUT: it is damaged, or the passphrase is wrong.
 */
int private_key_public(const char *key, size_t len, const char *passphrase,
    struct public_key *out, struct err *);

#endif
