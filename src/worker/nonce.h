/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_WORKER_NONCE_H
#define HAWSER_WORKER_NONCE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * nonce: the line by which a connection that we made ourselves is recognised
 * where it comes back. It says what it is, for the log of whoever else gets
 * it. Only nonce_make() reads the system's random source; the rest is pure.
 */

#define NONCE_SIZE	47	/* bytes, without a NUL */

struct nonce {
	uint8_t bytes[NONCE_SIZE];	/* "hawser-proof ", 32 digits, CR LF */
};

/* 0, or -1 with ERR_SYS. */
int nonce_make(struct nonce *, struct err *);

enum nonce_match {
	NONCE_MORE,		/* so far it is the beginning of one */
	NONCE_FOUND,
	NONCE_OTHER,		/* these bytes are somebody's own */
};

/*
 * Does what came first on a connection begin with the nonce? n bytes are
 * there, perhaps none.
 */
enum nonce_match nonce_compare(const struct nonce *, const uint8_t *bytes,
    size_t n);

#endif
