/* SPDX-License-Identifier: ISC */
#include "ssh/signature.h"

#include <libssh2_priv.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/algorithms.h"
#include "base/str.h"
#include "ssh/public_key.h"

static bool
is_rsa(const char *type)
{
	return strncmp(type, "ssh-rsa", strlen("ssh-rsa")) == 0;
}

/* Is it RFC 8332's? */
static bool
is_rsa_sha2(const char *plain)
{
	return strcmp(plain, "rsa-sha2-512") == 0 ||
	    strcmp(plain, "rsa-sha2-256") == 0;
}

/* Can a key of this type make that signature, of n bytes? */
static bool
fits(const char *type, const char *name, size_t n,
    char plain[HOST_KEY_TYPE_SIZE])
{
	char key[HOST_KEY_TYPE_SIZE];

	public_key_plain_name(name, n, plain);
	if (strlen(type) == n && memcmp(type, name, n) == 0)
		return true;
	public_key_plain_name(type, strlen(type), key);
	/* A certificate's signature is named as the certificate. */
	return strcmp(key, "ssh-rsa") == 0 && is_rsa_sha2(plain) &&
	    (strlen(key) != strlen(type)) == (strlen(plain) != n);
}

bool
signature_is_possible(const char *type, const char *allowed)
{
	char plain[HOST_KEY_TYPE_SIZE];
	const char *name;
	size_t n;

	while ((n = algorithm_next(&allowed, &name)) > 0)
		if (fits(type, name, n, plain))
			return true;
	return false;
}

const char *
signature_choose(const char *type, const char *allowed, const char *takes,
    bool no_sha2_certs, size_t *n)
{
	char plain[HOST_KEY_TYPE_SIZE];
	const char *name;

	while ((*n = algorithm_next(&allowed, &name)) > 0) {
		if (!fits(type, name, *n, plain))
			continue;
		if (!is_rsa(type))
			return name;
		if (takes == NULL || (no_sha2_certs &&
		    strcmp(type, "ssh-rsa") != 0)) {
			if (!is_rsa_sha2(plain))
				return name;
		} else if (algorithm_is_in(takes, plain, strlen(plain))) {
			return name;
		}
	}
	return NULL;
}

char *
signature_taken(LIBSSH2_SESSION *session)
{
	const char *list = session->server_sign_algorithms;

	return list != NULL ? str_dup(list) : NULL;
}

bool
signature_has_old_certs(const char *banner)
{
	int major, minor;

	return sscanf(banner, "SSH-2.0-OpenSSH_%d.%d", &major, &minor) == 2 &&
	    (major < 7 || (major == 7 && minor < 8));
}

void
signature_use(LIBSSH2_SESSION *session, const char *name, size_t n)
{
	char plain[HOST_KEY_TYPE_SIZE];

	free(session->userauth_pblc_method);
	session->userauth_pblc_method = NULL;
	session->userauth_pblc_method_len = 0;
	free(session->server_sign_algorithms);
	session->server_sign_algorithms = NULL;
	public_key_plain_name(name, n, plain);
	if (is_rsa_sha2(plain))
		session->server_sign_algorithms = str_dup(plain);
}
