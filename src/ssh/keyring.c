/* SPDX-License-Identifier: ISC */
#include "ssh/keyring.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "ssh/wipe.h"

static void
complain(struct keyring *ring, const struct err *why)
{
	struct str *s = why->code == ERR_NOTFOUND ? &ring->missing :
	    &ring->problems;

	str_printf(s, "%s%s", s->len > 0 ? "; " : "", why->text);
}

static void
key_fini(struct keyring_key *k)
{
	free(k->name);
	public_key_fini(&k->public);
	public_key_fini(&k->agent_key);
}

static bool
has_key(const struct keyring *ring, const struct public_key *public)
{
	for (size_t i = 0; i < ring->count; i++)
		if (public_key_equal(&ring->keys[i].public, public))
			return true;
	return false;
}

/* The public half of a file that gave none: "KEY.pub", or the file itself. */
static void
load_public(struct keyring_key *k, const char *path)
{
	char *pub = str_dupf("%s.pub", path);

	if (public_key_load(&k->public, pub, NULL) == -1 &&
	    public_key_load(&k->public, path, NULL) == 0)
		err_set(&k->why, ERR_INPUT, "key file %s is a public key, and "
		    "no agent has the private one; name the private one, "
		    "without .pub", path);
	free(pub);
}

/* Takes k. */
static struct keyring_key *
add(struct keyring *ring, const struct keyring_key *k)
{
	ring->keys = mem_grow(ring->keys, ring->count + 1,
	    sizeof(*ring->keys));
	ring->keys[ring->count] = *k;
	return &ring->keys[ring->count++];
}

static void
add_copy(struct public_key *out, const struct public_key *from)
{
	if (from->blob != NULL)
		(void)public_key_set(out, from->blob, from->len);
}

static struct identity *
keep_identity(struct keyring *ring, const struct identity *id)
{
	struct identity *kept = mem_alloc(sizeof(*kept));

	*kept = *id;
	ring->identities = mem_grow(ring->identities,
	    ring->identity_count + 1, sizeof(*ring->identities));
	ring->identities[ring->identity_count++] = kept;
	return kept;
}

/* A file whose private half is of use, as far as can be told. */
static void
add_private(struct keyring *ring, const struct identity *id,
    struct keyring_key *k, bool can_ask)
{
	if (id->encrypted && !can_ask) {
		err_set(&k->why, ERR_INPUT, "key file %s is protected by a "
		    "passphrase, which nothing gives: set "
		    "HawserPassphraseCommand, or load the key into an agent "
		    "(ssh-add)", id->path);
		return;
	}
	k->identity = keep_identity(ring, id);
	k->rank = RANK_FILE;
}

static void
add_file(struct keyring *ring, const char *path, bool can_ask)
{
	struct keyring_key k = { .rank = RANK_NONE };
	struct identity id;
	bool has_file = identity_load(&id, path, &k.why) == 0;

	add_copy(&k.public, &id.public);
	if (k.public.blob == NULL)
		load_public(&k, path);
	if (has_file && !has_key(ring, &k.public))
		add_private(ring, &id, &k, can_ask);
	if (k.identity == NULL)
		identity_fini(&id);
	if (has_key(ring, &k.public) ||
	    (k.public.blob == NULL && k.identity == NULL)) {
		if (k.why.code != ERR_NONE)
			complain(ring, &k.why);
		key_fini(&k);
		return;
	}
	k.name = str_dup(path);
	add(ring, &k);
}

/* The key that a certificate belongs to, or NULL. */
static struct keyring_key *
find_key_of(const struct keyring *ring, const struct public_key *cert)
{
	struct keyring_key *found = NULL;
	struct public_key plain;

	if (public_key_of_cert(cert, &plain) == -1)
		return NULL;
	for (size_t i = 0; i < ring->count && found == NULL; i++)
		if (public_key_equal(&ring->keys[i].public, &plain))
			found = &ring->keys[i];
	public_key_fini(&plain);
	return found;
}

/* implied: nobody named the file, and so it may be absent. */
static void
add_certificate(struct keyring *ring, const char *path, bool implied)
{
	struct keyring_key k = { .rank = RANK_NONE };
	char why[64];
	struct err err;

	if (public_key_load(&k.public, path, &err) == -1) {
		err_prefix(&err, "certificate");
		if (!implied || err.code != ERR_NOTFOUND)
			complain(ring, &err);
		return;
	}
	if (!public_key_is_cert(&k.public))
		err_set(&err, ERR_INPUT, "%s holds no certificate", path);
	else if (public_key_check_cert(&k.public, clock_wall_ms() / 1000, why,
	    sizeof(why)) == -1)
		err_set(&err, ERR_INPUT, "certificate %s is not offered: %s",
		    path, why);
	else if (!has_key(ring, &k.public)) {
		err_set(&k.why, ERR_INPUT, "certificate %s: neither a key "
		    "file nor the agent has its private key", path);
		k.name = str_dup(path);
		add(ring, &k);
		return;
	} else
		err.code = ERR_NONE;
	if (err.code != ERR_NONE)
		complain(ring, &err);
	key_fini(&k);
}

static void
add_agent_key(struct keyring *ring, const struct agent_key *a, bool only,
    size_t listed)
{
	struct keyring_key k = { .rank = RANK_AGENT };

	for (size_t i = 0; i < listed; i++)
		if (public_key_equal(&ring->keys[i].public, &a->key)) {
			struct keyring_key *found = &ring->keys[i];

			found->rank = public_key_is_cert(&a->key) ?
			    RANK_CERTIFICATE : RANK_AGENT_LISTED;
			found->identity = NULL;
			add_copy(&found->agent_key, &a->key);
			return;
		}
	if (only || has_key(ring, &a->key))
		return;
	k.name = str_dupf("agent key %s", a->comment[0] != '\0' ?
	    a->comment : "without a comment");
	add_copy(&k.public, &a->key);
	add_copy(&k.agent_key, &a->key);
	add(ring, &k);
}

static void
ask_agent(struct keyring *ring, const struct keyring_source *s)
{
	size_t listed = ring->count;
	struct agent_keys keys;
	struct err err;

	if (s->agent_path == NULL)
		return;
	if ((ring->agent = agent_open(s->agent_path, &err)) == NULL) {
		err.code = ERR_SYS;	/* what was named has to be there */
		complain(ring, &err);
		return;
	}
	if (agent_list(ring->agent, s->agent_deadline_ms, &keys, &err) == -1) {
		complain(ring, &err);
		return;
	}
	if (keys.count == 0) {
		err_set(&err, ERR_NOTFOUND, "the agent at %s has no key, or "
		    "is locked (ssh-add -X)", s->agent_path);
		complain(ring, &err);
	}
	for (size_t i = 0; i < keys.count; i++)
		add_agent_key(ring, &keys.items[i], s->only, listed);
	agent_keys_fini(&keys);
}

/* Certificates are signed with by whoever has their keys. */
static void
settle_certificate(struct keyring *ring, struct keyring_key *k)
{
	const struct keyring_key *owner;

	if (k->rank != RANK_NONE || !public_key_is_cert(&k->public))
		return;
	if ((owner = find_key_of(ring, &k->public)) == NULL ||
	    owner->rank == RANK_NONE)
		return;
	k->rank = RANK_CERTIFICATE;
	k->identity = owner->identity;
	add_copy(&k->agent_key, &owner->agent_key);
}

/* Sorts by rank, keeping the order within each, and drops the useless. */
static void
arrange(struct keyring *ring)
{
	struct keyring_key *sorted = mem_alloc((ring->count + 1) *
	    sizeof(*sorted));
	size_t n = 0;

	for (int rank = 0; rank < RANK_NONE; rank++)
		for (size_t i = 0; i < ring->count; i++)
			if (ring->keys[i].rank == (enum keyring_rank)rank)
				sorted[n++] = ring->keys[i];
	for (size_t i = 0; i < ring->count; i++)
		if (ring->keys[i].rank == RANK_NONE) {
			complain(ring, &ring->keys[i].why);
			key_fini(&ring->keys[i]);
		}
	free(ring->keys);
	ring->keys = sorted;
	ring->count = n;
}

void
keyring_load(struct keyring *ring, const struct keyring_source *s)
{
	wipe_frees(true);
	for (size_t i = 0; i < s->key_file_count; i++)
		add_file(ring, s->key_files[i], s->can_ask);
	for (size_t i = 0; i < s->key_file_count; i++) {
		char *path = str_dupf("%s-cert.pub", s->key_files[i]);

		add_certificate(ring, path, true);
		free(path);
	}
	for (size_t i = 0; i < s->certificate_file_count; i++)
		add_certificate(ring, s->certificate_files[i], false);
	ask_agent(ring, s);
	for (size_t i = 0; i < ring->count; i++)
		settle_certificate(ring, &ring->keys[i]);
	arrange(ring);
}

void
keyring_fini(struct keyring *ring)
{
	for (size_t i = 0; i < ring->count; i++)
		key_fini(&ring->keys[i]);
	free(ring->keys);
	for (size_t i = 0; i < ring->identity_count; i++) {
		identity_fini(ring->identities[i]);
		free(ring->identities[i]);
	}
	free(ring->identities);
	agent_free(ring->agent);
	str_fini(&ring->problems);
	str_fini(&ring->missing);
	*ring = (struct keyring){ 0 };
}
