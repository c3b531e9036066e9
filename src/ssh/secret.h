/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SSH_SECRET_H
#define HAWSER_SSH_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/*
 * secret: memory for keys, passphrases and passwords: pages of their own that
 * are locked and kept out of core files where the system allows it, and are
 * wiped before they are given back.
 */

/*
 * New, zeroed pages for n bytes, at least 1; NULL with ERR_NOMEM. They end
 * with secret_free() and the same n; NULL is fine.
 */
char *secret_new(size_t n, struct err *);
void secret_free(char *, size_t n);

#define SECRET_TEXT_MAX		4096	/* bytes of a text, without its NUL */
#define SECRET_SOURCE_SIZE	128

/* What somebody knows by heart. Zeroed, it holds nothing. */
struct secret {
	char *text;		/* NUL-terminated; NULL: there is none */
	size_t len;
	char source[SECRET_SOURCE_SIZE];	/* who said it, for people; ""
						   if that is not known */
};

/* Memory for a text of SECRET_TEXT_MAX bytes, which is empty. */
int secret_init(struct secret *, struct err *);

/* Wipes and frees; there is none then. */
void secret_fini(struct secret *);

/* Do both exist, and say the same? */
bool secret_equal(const struct secret *, const struct secret *);

/* Moves what from holds to an out that holds something or nothing. */
void secret_move(struct secret *out, struct secret *from);

#endif
