/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SSH_WIPE_H
#define HAWSER_SSH_WIPE_H

#include <libssh2.h>
#include <stdbool.h>

/*
 * wipe: memory of libssh2's and OpenSSL's that they free without a thought:
 * copies of keys, passphrases and packets. While secrets are about, it is
 * wiped before it goes back to the heap. Everything is malloc()'s, and may be
 * freed by free(), too.
 */

/*
 * Makes OpenSSL use these. Before anything of OpenSSL is called; does nothing
 * once that happened (a second call, and programs that are not workers).
 */
void wipe_openssl(void);

/* libssh2's, for libssh2_session_init_ex(). */
LIBSSH2_ALLOC_FUNC(wipe_session_alloc);
LIBSSH2_REALLOC_FUNC(wipe_session_realloc);
LIBSSH2_FREE_FUNC(wipe_session_free);

/* Are secrets about? So it is to begin with. */
void wipe_frees(bool on);

#endif
