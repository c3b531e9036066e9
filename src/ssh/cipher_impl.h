/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SSH_CIPHER_IMPL_H
#define HAWSER_SSH_CIPHER_IMPL_H

#include <libssh2_priv.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * cipher_impl: our cipher methods for record.c, which seals and opens packets
 * without libssh2's transport.
 */

#define CIPHER_LENGTH_SIZE	4	/* bytes of the packet_length field */
#define CIPHER_TAG_SIZE		16

bool cipher_is_ours(const LIBSSH2_CRYPT_METHOD *);

/*
 * Opens in place: buf is length field, n bytes, tag; the plain text stays
 * where its cipher text was. 0, or -1 if it is not genuine. state is the
 * session's crypt_abstract.
 */
int cipher_open(const LIBSSH2_CRYPT_METHOD *, void *state, uint32_t seqno,
    uint8_t *buf, size_t n);

#endif
