/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SUPERVISOR_HOSTKEYS_TEXT_H
#define HAWSER_SUPERVISOR_HOSTKEYS_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "ipc/hostkey.h"

/*
 * hostkeys_text: the text of a known_hosts file, and what becomes of it when
 * keys are recorded. No I/O. A host's name is as hostkeys_name() makes it.
 */

#define HOSTKEYS_PRINT_SIZE	64	/* bytes of a fingerprint and its NUL */

/*
 * The fingerprint of a key as base64 of n characters, which begins with its
 * type (RFC 4253 6.6). False if it is no such key; then out is "".
 */
bool hostkeys_text_fingerprint(const char *type, const char *key, size_t n,
    char out[HOSTKEYS_PRINT_SIZE]);

/*
 * Does the file list the host, by whatever name and pattern, with other keys
 * only?
 */
bool hostkeys_text_contradict(const char *text, size_t len, const char *name,
    const struct hostkey *);

/*
 * The text with this key added for name, hashed if hash is set. Lines that
 * give only this host another key of the same type are left out. False, and
 * out is empty, if the key is there already.
 */
bool hostkeys_text_add(const char *text, size_t len, const char *name,
    bool hash, const struct hostkey *, struct str *out);

/*
 * All keys of a server, and what the files say of them: fill name, plain and
 * keys, have every file looked at, then edit. A key that is added beside a
 * known one of its type says so at the end of its line ("replaces=SHA256:…"):
 * when the server offers the one, but no longer the other, that one goes. So
 * what the server itself has never offered stays, as where several servers
 * share a name.
 */
struct hostkeys_update {
	const char *name;
	const char *plain;	/* without the port, or NULL */
	bool hash;
	const struct hostkey_list *keys;

	/* From here on by hostkeys_text_look() */
	bool vouched;		/* a user's file names the host with one */
	bool listed[HOSTKEY_LIST_MAX];		/* by name or pattern */
	bool known[HOSTKEY_LIST_MAX];		/* listed, or by plain */
	bool revoked[HOSTKEY_LIST_MAX];
	struct str replaced;	/* fingerprints, a blank after each */

	/* Of one text, by hostkeys_text_update() */
	bool only_remove;	/* set by the caller */
	bool added[HOSTKEY_LIST_MAX];
	unsigned removed;	/* lines */
};

/* is_users: not one of GlobalKnownHostsFile. */
void hostkeys_text_look(struct hostkeys_update *, const char *text,
    size_t len, bool is_users);

/* Is there a key to add? */
bool hostkeys_text_has_new(const struct hostkeys_update *);

/*
 * The text with keys added that no file lists, unless only_remove is set, and
 * without lines that give this host alone a key that was replaced. False if
 * nothing changes; then out is empty.
 */
bool hostkeys_text_update(struct hostkeys_update *, const char *text,
    size_t len, struct str *out);

#endif
