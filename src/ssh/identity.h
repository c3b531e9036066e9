/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SSH_IDENTITY_H
#define HAWSER_SSH_IDENTITY_H

#include <stddef.h>

#include "base/err.h"
#include "base/str.h"
#include "ssh/host_key.h"

/*
 * identity: private key files, read into memory while files can still be
 * reached. OpenSSH's own format, PEM and PKCS#8; ed25519, ecdsa (nistp256,
 * nistp384, nistp521) and rsa. The bytes live in pages of their own that are
 * locked and kept out of core files where the system allows it, and are wiped
 * before they are given back.
 */

#define IDENTITY_FILE_MAX	(64 * 1024)	/* bytes */

struct identity {
	char *path;
	char type[HOST_KEY_TYPE_SIZE];	/* "ssh-ed25519"; of RSA "ssh-rsa" */
	char *key;			/* the file's text, without a NUL */
	size_t len;
};

/* Zeroed to begin with. In the order to be offered: as loaded, RSA last. */
struct identity_list {
	struct identity *items;
	size_t count;
	struct str problems;	/* why files are not usable: "a; b" */
	struct str missing;	/* the same of files that do not exist */
};

/*
 * Reads one file and adds it; a key that is in the list already is not added
 * again. 0; -1, with err's sentence also kept in the list, and:
 *	ERR_NOTFOUND	there is no such file
 *	ERR_PERM	it can be read by others (any of mode 0077), or belongs
 *			to neither us nor root, or we may not read it
 *	ERR_INPUT	it is no private key that can be used: encrypted,
 *			damaged, a public key, an unsupported type, too large
 *	ERR_SYS		it cannot be read
 * Whatever it is, other files may be usable: auth_run() repeats it if none is.
 */
int identity_load(struct identity_list *, const char *path, struct err *);

/* Wipes and frees everything; the list is empty and usable afterwards. */
void identity_list_fini(struct identity_list *);

#endif
