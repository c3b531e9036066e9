/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_IPC_HOSTKEY_H
#define HAWSER_IPC_HOSTKEY_H

#include <jansson.h>

#include "base/err.h"

/*
 * hostkey: a server's key that a worker did not find in known_hosts, as it
 * travels to the supervisor: {"type":…,"key":BASE64,"fingerprint":…,
 * "verdict":…,"known_at":"file:line" or absent}.
 */

enum hostkey_verdict {
	HOSTKEY_UNKNOWN,	/* the server is not listed */
	HOSTKEY_CHANGED,	/* it is listed with other keys only */
	HOSTKEY_REVOKED,	/* this key is marked @revoked */
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

/* "unknown", "changed", "revoked". */
const char *hostkey_verdict_name(enum hostkey_verdict);

/* New JSON object. */
json_t *hostkey_encode(const struct hostkey *);

/*
 * Fills a zeroed out, which hostkey_fini() frees also after a failure: 0, or
 * -1 with ERR_PROTOCOL. type, key and fingerprint are graphic ASCII.
 */
int hostkey_decode(json_t *, struct hostkey *out, struct err *);

void hostkey_fini(struct hostkey *);

#endif
