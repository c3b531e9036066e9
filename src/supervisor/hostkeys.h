/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SUPERVISOR_HOSTKEYS_H
#define HAWSER_SUPERVISOR_HOSTKEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"
#include "config/config.h"
#include "ipc/hostkey.h"

/*
 * hostkeys: known_hosts as it is written; reading it is the worker's. Only the
 * supervisor writes, and what it writes it makes of its own configuration and
 * of a key that it has looked at: a worker, which faces the network, can not
 * put a line of its choice there.
 */

#define HOSTKEYS_FILE_MAX	(16 * 1024 * 1024)	/* bytes */

/*
 * Does the key begin with its type, and is the fingerprint that key's? 0, or
 * -1 with ERR_PROTOCOL.
 */
int hostkeys_check(const struct hostkey *, struct err *);

/* New: the host's name in known_hosts: "name", "[name]:port" or its alias. */
char *hostkeys_name(const struct host *);

/* New: our own file in the state folder; NULL with err set. */
char *hostkeys_own_file(struct err *);

/*
 * Does no known_hosts file list the host, by whatever name and pattern, with
 * other keys only? 0; -1 with ERR_REFUSED if one does, or why one can't be
 * read.
 */
int hostkeys_check_new(const struct host *, const struct hostkey *,
    struct err *);

/*
 * Records a checked key in the first UserKnownHostsFile that can be written,
 * else in our own file. The file's path (new) goes to *file. 0, or -1 with err
 * set; then no file has changed.
 */
int hostkeys_record(const struct host *, const struct hostkey *,
    char **file, struct err *);

/* Do host keys that this host's server offers concern us (UpdateHostKeys)? */
bool hostkeys_may_update(const struct host *);

struct hostkeys_change {
	bool added[HOSTKEY_LIST_MAX];	/* of the keys, those that are new */
	unsigned removed;		/* lines of keys that were replaced */
	char *file;			/* new: where they went, or NULL */
};

/*
 * Makes the files list what the server offers (all checked), as
 * hostkeys_text.h has it, if a line of a user's file (or of our own) gives the
 * host one of these keys by name: who lists it by a pattern, or for all users,
 * does so by hand. Keys that are marked @revoked are not added. 0; -1 with
 * ERR_REFUSED (there is no such line), or another with nothing changed.
 */
int hostkeys_update(const struct host *, const struct hostkey_list *,
    struct hostkeys_change *out, struct err *);

#endif
