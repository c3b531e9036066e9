/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SSH_CIPHER_H
#define HAWSER_SSH_CIPHER_H

#include <stdbool.h>

#include "base/algorithms.h"
#include "base/err.h"

/*
 * cipher: our own AES-GCM (RFC 5647, with OpenSSH's negotiation) and
 * chacha20-poly1305@openssh.com for libssh2's transport, one EVP call per
 * packet. They stand before libssh2's own methods of the same names, through
 * the linker's --wrap of libssh2_crypt_methods.
 */

/* Makes the table. Once, before libssh2 is used. 0, or -1 with err set. */
int cipher_init(struct err *);

/* Has this CPU instructions for AES? */
bool cipher_has_aes_instructions(void);

/*
 * Puts chacha20 first in a list that somebody else has not arranged, unless
 * there are instructions for AES.
 */
void cipher_arrange(struct algorithm_list *, bool has_aes);

/* Was our table asked for? False in a build whose --wrap is not live. */
bool cipher_is_live(void);

#endif
