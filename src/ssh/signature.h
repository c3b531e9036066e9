/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SSH_SIGNATURE_H
#define HAWSER_SSH_SIGNATURE_H

#include <libssh2.h>
#include <stdbool.h>

/*
 * signature: which signatures of RSA user keys are made (RFC 8332). libssh2
 * 1.11.1 chooses one from the server's server-sig-algs (RFC 8308 3.1). Without
 * that list it signs by SHA-1, and a list that repeats a name makes it write
 * behind a buffer. So it gets to see only a list that we have made.
 */

/*
 * Before each offer of an RSA key or certificate: reduces what the server said
 * to those of rsa-sha2-512 and rsa-sha2-256 that are in it, each once. False
 * if there is none: then no RSA key may be offered.
 */
bool signature_prepare_rsa(LIBSSH2_SESSION *);

/*
 * Before each offer: after one that failed early, libssh2 1.11.1 would name
 * that key's algorithm for the next key.
 */
void signature_forget_method(LIBSSH2_SESSION *);

#endif
