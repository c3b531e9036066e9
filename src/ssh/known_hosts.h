/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SSH_KNOWN_HOSTS_H
#define HAWSER_SSH_KNOWN_HOSTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * known_hosts: is a server's key the one we know? Files as sshd(8) describes
 * them under SSH_KNOWN_HOSTS FILE FORMAT: patterns with '*', '?' and '!',
 * hashed names, [host]:port, @revoked, @cert-authority. Only the lines that
 * concern one host are kept.
 *
 * A line that cannot be understood is skipped, as by ssh, and remembered as a
 * warning; it makes no key known.
 */
struct known_hosts;

#define KNOWN_HOSTS_FILE_MAX	(16 * 1024 * 1024)	/* bytes of a file */
#define KNOWN_HOSTS_LINE_MAX	(64 * 1024)		/* bytes of a line */
#define KNOWN_HOSTS_WARNINGS	16			/* texts kept */

enum known_hosts_verdict {
	KNOWN_HOSTS_KNOWN,	/* this very key is listed */
	KNOWN_HOSTS_UNKNOWN,	/* the host is not listed */
	KNOWN_HOSTS_CHANGED,	/* the host is listed with other keys only */
	KNOWN_HOSTS_REVOKED,	/* marked @revoked: beats everything */
};

struct known_hosts_match {
	enum known_hosts_verdict verdict;
	/*
	 * The line that knows, revokes or contradicts the key (one of the
	 * same type, if there is one); NULL and 0 with UNKNOWN. Borrowed
	 * from the known_hosts.
	 */
	const char *file;
	unsigned line;		/* from 1; 0: a file without lines */
	/*
	 * CHANGED, and the listed keys are all of other types: the server
	 * may just have got a key of another type. ssh says "changed", too.
	 */
	bool other_types;
	/* KNOWN, but only by the name without a port. */
	bool portless;
};

/*
 * New and empty, for one server. host is a name or literal as the user wrote
 * it (any case), port 1..65535. Looked up is the name in lower case for port
 * 22, "[name]:port" for others; then, as ssh does, a key that is listed for
 * the name without port is good for every port.
 */
struct known_hosts *known_hosts_new(const char *host, uint16_t port);

/* NULL is fine. */
void known_hosts_free(struct known_hosts *);

/*
 * Adds a file's text. name is for messages and is copied; bytes are borrowed.
 * 0; -1 with ERR_INPUT if there are more than KNOWN_HOSTS_FILE_MAX, ERR_NOMEM
 * if hashed names cannot be compared.
 */
int known_hosts_add_file(struct known_hosts *, const char *name,
    const char *bytes, size_t len, struct err *);

/*
 * Reads the file at path and adds it. A file that does not exist is an empty
 * one. Anything else that keeps it from being read is an error, so that a key
 * that a file revokes cannot be accepted without it: ERR_SYS, ERR_INPUT (no
 * regular file, too large), ERR_PERM (not owned by us or root, or writable by
 * others), ERR_NOMEM.
 */
int known_hosts_load(struct known_hosts *, const char *path, struct err *);

/*
 * Reads a file of RevokedHostKeys (see ssh/revoked_keys.h): the keys in it are
 * revoked for every host. 0; -1 with that room's errors: then no key may be
 * accepted.
 */
int known_hosts_load_revoked(struct known_hosts *, const char *path,
    struct err *);

/* The verdict on a key as on the wire, from transport_host_key(). */
void known_hosts_check(const struct known_hosts *, const uint8_t *blob,
    size_t len, struct known_hosts_match *out);

/* Is there a @cert-authority line for the host, by either name? */
bool known_hosts_has_ca(const struct known_hosts *);

/*
 * The verdict on the CA of a certificate: KNOWN if such a line has it, REVOKED,
 * or UNKNOWN.
 */
void known_hosts_check_ca(const struct known_hosts *, const uint8_t *ca,
    size_t len, struct known_hosts_match *out);

/*
 * Does the list of revoked keys revoke certificates by their serial numbers or
 * names? That is not looked up: no certificate may be accepted then.
 */
bool known_hosts_revokes_certs(const struct known_hosts *);

/* New: "file:line", or "file" of one without lines; NULL with UNKNOWN. */
char *known_hosts_place(const struct known_hosts_match *);

/*
 * The i-th key that is listed for the host by its full name and not revoked;
 * NULL if there are fewer. Borrowed.
 */
const uint8_t *known_hosts_key(const struct known_hosts *, size_t i,
    size_t *len);

/*
 * New: the host key algorithms of a list with commas, those of certificates
 * only if there is a CA for this server (or nothing else is in the list).
 * Unless the order is to be kept, they come first, and then those of keys that
 * are known.
 */
char *known_hosts_algorithms(const struct known_hosts *,
    const char *allowed, bool keep_order);

/* Warnings since the beginning, and the first KNOWN_HOSTS_WARNINGS texts. */
size_t known_hosts_warning_count(const struct known_hosts *);

/* "file:line: why"; NULL if there is no such warning. Borrowed. */
const char *known_hosts_warning(const struct known_hosts *, size_t i);

#endif
