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
 * Is it a whole key of its type, and is the fingerprint that key's? 0, or -1
 * with ERR_PROTOCOL.
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

/* The pure half of that: does one file's text? */
bool hostkeys_contradict(const char *text, size_t len, const char *name,
    const struct hostkey *);

/*
 * The pure half: the text of a file with this key added for name, hashed if
 * hash is set. Lines that give only this host another key of the same type are
 * left out. False, and out is empty, if the key is there already.
 */
bool hostkeys_add(const char *text, size_t len, const char *name, bool hash,
    const struct hostkey *, struct str *out);

/*
 * Records a checked key in the first UserKnownHostsFile that can be written,
 * else in our own file. The file's path (new) goes to *file. 0, or -1 with err
 * set; then no file has changed.
 */
int hostkeys_record(const struct host *, const struct hostkey *,
    char **file, struct err *);

#endif
