/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SSH_HOST_KEY_H
#define HAWSER_SSH_HOST_KEY_H

#include <stddef.h>
#include <stdint.h>

/*
 * host_key: what can be said about a public key as it goes over the wire (RFC
 * 4253 6.6): its type and its fingerprint. Bytes in, text out; no I/O.
 */

#define HOST_KEY_TYPE_SIZE		64	/* bytes with the NUL */
#define HOST_KEY_FINGERPRINT_SIZE	51	/* "SHA256:", 43 bytes, NUL */

/*
 * The key's type ("ssh-ed25519") of a whole blob: it must be a row of SSH
 * strings that ends with the blob, the first of them a printable name, and of
 * the number that a key of a type we know has. 0; -1 (out is "") if it is not.
 */
int host_key_type(const uint8_t *blob, size_t len,
    char out[HOST_KEY_TYPE_SIZE]);

/*
 * The type of the keys that an algorithm (a name of n bytes) signs with: its
 * name but for RSA's (RFC 8332 3).
 */
void host_key_type_of(const char *algorithm, size_t n,
    char out[HOST_KEY_TYPE_SIZE]);

/*
 * New: the blob of "TYPE BASE64 [comment]", as in known_hosts and in .pub
 * files, and its type; NULL with *why set, a piece of a sentence.
 */
uint8_t *host_key_parse(const char *text, size_t n, size_t *len,
    char type[HOST_KEY_TYPE_SIZE], const char **why);

/*
 * The size of an RSA key, or of the key of an RSA certificate, in bits; 0 if
 * it is another key.
 */
unsigned host_key_rsa_bits(const uint8_t *blob, size_t len);

/* "SHA256:" and base64 without padding, as ssh-keygen -l prints it. */
void host_key_fingerprint(const uint8_t *blob, size_t len,
    char out[HOST_KEY_FINGERPRINT_SIZE]);

#endif
