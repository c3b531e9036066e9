/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SSH_KEYRING_H
#define HAWSER_SSH_KEYRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "ssh/agent.h"
#include "ssh/identity.h"
#include "ssh/public_key.h"

/*
 * keyring: everything we can log in with, in the order in which it is offered
 * (ssh's): certificates, keys of the configuration that the agent has, other
 * keys of the agent, key files that it does not have. Gathered while files can
 * still be reached.
 */

enum keyring_rank {
	RANK_CERTIFICATE,
	RANK_AGENT_LISTED,	/* by the agent, and in the configuration */
	RANK_AGENT,
	RANK_FILE,
	RANK_NONE,		/* nobody can sign with it */
};

struct keyring_key {
	enum keyring_rank rank;
	char *name;			/* for people: its file's path, "agent
					   key COMMENT" */
	struct public_key public;	/* what is offered; its blob is NULL
					   before a passphrase is known */
	/* Who signs: exactly one of these, or neither with RANK_NONE. */
	struct identity *identity;
	struct public_key agent_key;
	struct err why;			/* RANK_NONE: the reason */
};

/* Zeroed to begin with. */
struct keyring {
	struct keyring_key *keys;
	size_t count;
	struct identity **identities;
	size_t identity_count;
	struct agent *agent;		/* NULL: none */
	struct str problems;	/* why keys are not usable: "a; b" */
	struct str missing;	/* the same of files that do not exist */
};

/* What there is; all borrowed. */
struct keyring_source {
	char *const *key_files;
	size_t key_file_count;
	char *const *certificate_files;
	size_t certificate_file_count;
	const char *agent_path;		/* NULL: ask none */
	bool only;			/* no other keys of the agent */
	bool can_ask;			/* somebody knows passphrases */
	int64_t agent_deadline_ms;	/* of listing, a clock_now_ms() */
};

/*
 * Fills a zeroed keyring. What cannot be used goes to problems and missing.
 * A certificate beside a key file (KEY-cert.pub) is found by itself; a key
 * file that only has a public half (KEY.pub, or the file itself) is good for
 * the agent.
 */
void keyring_load(struct keyring *, const struct keyring_source *);

/* Wipes and frees everything; the keyring is empty and usable afterwards. */
void keyring_fini(struct keyring *);

#endif
