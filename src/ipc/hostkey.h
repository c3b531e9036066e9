/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_IPC_HOSTKEY_H
#define HAWSER_IPC_HOSTKEY_H

#include <jansson.h>
#include <stddef.h>

#include "base/err.h"

/*
 * hostkey: a server's key that a worker did not find in known_hosts, or that a
 * server offers, as it travels to the supervisor: {"type":…,"key":BASE64,
 * "fingerprint":…,"verdict":…,"known_at":"file:line" or absent}.
 */

enum hostkey_verdict {
	HOSTKEY_UNKNOWN,	/* the server is not listed */
	HOSTKEY_CHANGED,	/* it is listed with other keys only */
	HOSTKEY_REVOKED,	/* this key is marked @revoked */
	HOSTKEY_OFFERED,	/* the server has it: it is listed, or proved */
	HOSTKEY_VERDICT_COUNT
};

/* All strings are new; zeroed to begin with. */
struct hostkey {
	enum hostkey_verdict verdict;
	char *type;		/* "ssh-ed25519" */
	char *key;		/* the blob of RFC 4253 6.6 as base64 */
	char *fingerprint;	/* "SHA256:…" */
	char *known_at;		/* the line that says otherwise, or NULL */
};

#define HOSTKEY_TEXT_MAX	16384	/* bytes of any of the strings */

/* All that a server has, as far as the worker could verify it. */
#define HOSTKEY_LIST_MAX	16
struct hostkey_list {
	struct hostkey keys[HOSTKEY_LIST_MAX];
	size_t count;
};

/* "unknown", "changed", "revoked", "offered". */
const char *hostkey_verdict_name(enum hostkey_verdict);

/* New JSON object. */
json_t *hostkey_encode(const struct hostkey *);

/*
 * Fills a zeroed out, which hostkey_fini() frees also after a failure: 0, or
 * -1 with ERR_PROTOCOL. type, key and fingerprint are graphic ASCII.
 */
int hostkey_decode(json_t *, struct hostkey *out, struct err *);

void hostkey_fini(struct hostkey *);

/* The same for an array of 1 to HOSTKEY_LIST_MAX such objects. */
int hostkey_list_decode(json_t *, struct hostkey_list *out, struct err *);
void hostkey_list_fini(struct hostkey_list *);

#endif
