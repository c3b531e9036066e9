/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SSH_AGENT_REPLY_H
#define HAWSER_SSH_AGENT_REPLY_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "ssh/public_key.h"

/*
 * agent_reply: what an agent answers (draft-ietf-sshm-ssh-agent). Bytes of one
 * message without its length in, verdict out; no I/O.
 */

#define AGENT_REPLY_MAX		(256 * 1024)	/* bytes, as OpenSSH's */
#define AGENT_KEYS_MAX		2048
#define AGENT_COMMENT_SIZE	128		/* of a comment, printable */

enum {
	AGENT_FAILURE = 5,
	AGENT_REQUEST_IDENTITIES = 11,
	AGENT_IDENTITIES_ANSWER = 12,
	AGENT_SIGN_REQUEST = 13,
	AGENT_SIGN_RESPONSE = 14,
};

struct agent_key {
	struct public_key key;
	char comment[AGENT_COMMENT_SIZE];
};

/* Zeroed to begin with. */
struct agent_keys {
	struct agent_key *items;
	size_t count;
};

void agent_keys_fini(struct agent_keys *);

/*
 * The answer to a list. Keys of types that we cannot log in with are left out.
 * 0; -1 with ERR_REFUSED (it said failure: it may be locked) or ERR_PROTOCOL.
 */
int agent_reply_keys(const uint8_t *bytes, size_t len,
    struct agent_keys *out, struct err *);

/*
 * The answer to a request to sign by algorithm (a plain name, such as
 * "rsa-sha2-512"). What stands behind the signature's algorithm goes to *sig
 * (borrowed from bytes): of security keys all of it, of others the one string.
 * 0; -1 with ERR_REFUSED (it said failure), ERR_INPUT (it signed by another
 * algorithm), ERR_PROTOCOL.
 */
int agent_reply_signature(const uint8_t *bytes, size_t len,
    const char *algorithm, const uint8_t **sig, size_t *sig_len,
    struct err *);

#endif
