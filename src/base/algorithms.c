/* SPDX-License-Identifier: ISC */
#include "base/algorithms.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define CERT	"-cert-v01@openssh.com"

struct row {
	const char *name;
	bool weak;
};

/* Each of the tables below ends with a row without a name. */

static const struct row kex[] = {
	{ "curve25519-sha256", false },
	{ "curve25519-sha256@libssh.org", false },
	{ "ecdh-sha2-nistp256", false },
	{ "ecdh-sha2-nistp384", false },
	{ "ecdh-sha2-nistp521", false },
	{ "diffie-hellman-group16-sha512", false },
	{ "diffie-hellman-group18-sha512", false },
	{ "diffie-hellman-group14-sha256", false },
	{ "diffie-hellman-group-exchange-sha256", false },
	{ "diffie-hellman-group14-sha1", true },
	{ "diffie-hellman-group-exchange-sha1", true },
	{ "diffie-hellman-group1-sha1", true },
	{ NULL, false },
};

/* Certificates are asked for only where known_hosts has a CA. */
static const struct row host_keys[] = {
	{ "ssh-ed25519" CERT, false },
	{ "ecdsa-sha2-nistp256" CERT, false },
	{ "ecdsa-sha2-nistp384" CERT, false },
	{ "ecdsa-sha2-nistp521" CERT, false },
	{ "rsa-sha2-512" CERT, false },
	{ "rsa-sha2-256" CERT, false },
	{ "ssh-ed25519", false },
	{ "ecdsa-sha2-nistp256", false },
	{ "ecdsa-sha2-nistp384", false },
	{ "ecdsa-sha2-nistp521", false },
	{ "rsa-sha2-512", false },
	{ "rsa-sha2-256", false },
	{ "ssh-rsa", true },
	{ NULL, false },
};

/* A CPU without instructions for AES has chacha20 first: ssh/cipher.h. */
static const struct row ciphers[] = {
	{ "aes128-gcm@openssh.com", false },
	{ "aes256-gcm@openssh.com", false },
	{ "chacha20-poly1305@openssh.com", false },
	{ "aes128-ctr", false },
	{ "aes192-ctr", false },
	{ "aes256-ctr", false },
	{ "aes128-cbc", true },
	{ "aes192-cbc", true },
	{ "aes256-cbc", true },
	{ "3des-cbc", true },
	{ NULL, false },
};

static const struct row macs[] = {
	{ "hmac-sha2-256-etm@openssh.com", false },
	{ "hmac-sha2-512-etm@openssh.com", false },
	{ "hmac-sha2-256", false },
	{ "hmac-sha2-512", false },
	{ "hmac-sha1-etm@openssh.com", true },
	{ "hmac-sha1", true },
	{ "hmac-sha1-96", true },
	{ NULL, false },
};

/* Keys of type sk- are the agent's business. */
static const struct row user_keys[] = {
	{ "ssh-ed25519" CERT, false },
	{ "ecdsa-sha2-nistp256" CERT, false },
	{ "ecdsa-sha2-nistp384" CERT, false },
	{ "ecdsa-sha2-nistp521" CERT, false },
	{ "sk-ssh-ed25519" CERT, false },
	{ "sk-ecdsa-sha2-nistp256" CERT, false },
	{ "rsa-sha2-512" CERT, false },
	{ "rsa-sha2-256" CERT, false },
	{ "ssh-ed25519", false },
	{ "ecdsa-sha2-nistp256", false },
	{ "ecdsa-sha2-nistp384", false },
	{ "ecdsa-sha2-nistp521", false },
	{ "sk-ssh-ed25519@openssh.com", false },
	{ "sk-ecdsa-sha2-nistp256@openssh.com", false },
	{ "rsa-sha2-512", false },
	{ "rsa-sha2-256", false },
	{ "ssh-rsa" CERT, true },
	{ "ssh-rsa", true },
	{ NULL, false },
};

static const struct row authorities[] = {
	{ "ssh-ed25519", false },
	{ "ecdsa-sha2-nistp256", false },
	{ "ecdsa-sha2-nistp384", false },
	{ "ecdsa-sha2-nistp521", false },
	{ "rsa-sha2-512", false },
	{ "rsa-sha2-256", false },
	{ NULL, false },
};

static const struct {
	const char *keyword;
	const struct row *rows;
} kinds[] = {
	[ALGORITHM_KEX] = { "KexAlgorithms", kex },
	[ALGORITHM_HOST_KEY] = { "HostKeyAlgorithms", host_keys },
	[ALGORITHM_CIPHER] = { "Ciphers", ciphers },
	[ALGORITHM_MAC] = { "MACs", macs },
	[ALGORITHM_USER_KEY] = { "PubkeyAcceptedAlgorithms", user_keys },
	[ALGORITHM_CA] = { "CASignatureAlgorithms", authorities },
};
static_assert(sizeof(kinds) / sizeof(kinds[0]) == ALGORITHM_KIND_COUNT,
    "one row per kind");

const char *
algorithm_keyword(enum algorithm_kind kind)
{
	return kinds[kind].keyword;
}

void
algorithm_append(struct str *out, enum algorithm_kind kind, bool weak)
{
	const char *comma = "";

	for (const struct row *r = kinds[kind].rows; r->name != NULL; r++)
		if (weak || !r->weak) {
			str_printf(out, "%s%s", comma, r->name);
			comma = ",";
		}
}

bool
algorithm_is_weak(enum algorithm_kind kind, const char *name, size_t n)
{
	for (const struct row *r = kinds[kind].rows; r->name != NULL; r++)
		if (strlen(r->name) == n && memcmp(r->name, name, n) == 0)
			return r->weak;
	return false;
}

void
algorithms_complete(struct algorithms *out, const struct algorithms *a)
{
	for (int i = 0; i < ALGORITHM_KIND_COUNT; i++) {
		const struct algorithm_list *l = &a->lists[i];
		struct str usual;

		str_init(&usual);
		if (l->names == NULL)
			algorithm_append(&usual, (enum algorithm_kind)i,
			    false);
		out->lists[i] = (struct algorithm_list){
			.names = l->names != NULL ? str_dup(l->names) :
			    str_take(&usual),
			.is_arranged = l->is_arranged,
			.origin = l->origin != NULL ? str_dup(l->origin) :
			    NULL,
		};
	}
}

bool
algorithm_list_equal(const struct algorithm_list *a,
    const struct algorithm_list *b)
{
	return str_equal(a->names, b->names) &&
	    a->is_arranged == b->is_arranged;
}

void
algorithms_fini(struct algorithms *a)
{
	for (int i = 0; i < ALGORITHM_KIND_COUNT; i++) {
		free(a->lists[i].names);
		free(a->lists[i].origin);
	}
	*a = (struct algorithms){ 0 };
}

size_t
algorithm_next(const char **at, const char **name)
{
	size_t n;

	*name = *at + strspn(*at, ",");
	n = strcspn(*name, ",");
	*at = *name + n;
	return n;
}

bool
algorithm_is_in(const char *list, const char *name, size_t n)
{
	const char *other;
	size_t m;

	while ((m = algorithm_next(&list, &other)) > 0)
		if (m == n && memcmp(other, name, n) == 0)
			return true;
	return false;
}
