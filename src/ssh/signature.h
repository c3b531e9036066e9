/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SSH_SIGNATURE_H
#define HAWSER_SSH_SIGNATURE_H

#include <libssh2.h>
#include <stdbool.h>

/*
 * signature: which signature a user key makes (RFC 4252 7, RFC 8332). Only RSA
 * keys have a choice. libssh2 1.11.1 makes it from the server's
 * server-sig-algs (RFC 8308 3.1): without that list it signs by SHA-1, and a
 * list that repeats a name makes it write behind a buffer. So it gets to see
 * only what was chosen here.
 */

/*
 * The signature for a key of this type (as in its blob): the first of allowed,
 * a list with commas, that such a key can make and that the server takes.
 * takes is the server's list; NULL if it sent none, as servers do that know
 * no RSA by SHA-2. no_sha2_certs: the server takes RSA certificates by SHA-1
 * alone. Borrowed from allowed, *n bytes; NULL if there is none.
 */
const char *signature_choose(const char *type, const char *allowed,
    const char *takes, bool no_sha2_certs, size_t *n);

/* Could such a key make any signature of the list? */
bool signature_is_possible(const char *type, const char *allowed);

/* New: what the server said it takes; NULL if it said nothing. */
char *signature_taken(LIBSSH2_SESSION *);

/* Was the server OpenSSH before 7.8? See no_sha2_certs. */
bool signature_has_old_certs(const char *banner);

/*
 * Before each offer: has libssh2 make a signature, and forget the last key's;
 * after an offer that failed early it would name that for the next key.
 */
void signature_use(LIBSSH2_SESSION *, const char *name, size_t n);

#endif
