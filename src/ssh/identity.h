/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SSH_IDENTITY_H
#define HAWSER_SSH_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "ssh/public_key.h"
#include "ssh/secret.h"

/*
 * identity: a private key file, read into memory while files can still be
 * reached. OpenSSH's own format, PEM and PKCS#8; ed25519, ecdsa (nistp256,
 * nistp384, nistp521) and rsa. Its bytes are a secret (ssh/secret.h).
 */

#define IDENTITY_FILE_MAX	(64 * 1024)	/* bytes */

/* Zeroed to begin with. */
struct identity {
	char *path;
	/* What is known without a passphrase; a blob of NULL if nothing is. */
	struct public_key public;
	char *key;		/* the file's text, without a NUL */
	size_t len;
	bool encrypted;		/* it takes a passphrase */
	/* Auth's: */
	struct secret passphrase;	/* once it is known */
	bool given_up;		/* nobody knows it */
};

/*
 * Reads one file. 0; -1, with nothing but what is known of the public half in
 * out, and:
 *	ERR_NOTFOUND	there is no such file
 *	ERR_PERM	it can be read by others (ours: any of mode 0077;
 *			root's, and we are not root: any of mode 0027), or
 *			belongs to neither us nor root, or we may not read it
 *	ERR_INPUT	it is no private key that can be used: damaged, a public
 *			key, an unsupported type, too large
 *	ERR_SYS		it cannot be read
 */
int identity_load(struct identity *out, const char *path, struct err *);

/* Wipes and frees everything. */
void identity_fini(struct identity *);

#endif
