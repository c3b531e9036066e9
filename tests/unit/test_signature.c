/* SPDX-License-Identifier: ISC */
#include <libssh2_priv.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ssh/signature.h"
#include "ssh/transport.h"

#define RSA	"ssh-rsa"
#define CERT	"-cert-v01@openssh.com"
#define ALL	"ssh-ed25519,rsa-sha2-512" CERT ",rsa-sha2-256" CERT \
		",rsa-sha2-512,rsa-sha2-256,sk-ssh-ed25519@openssh.com"
#define SHA1	",ssh-rsa" CERT ",ssh-rsa"
#define SERVER	"ssh-ed25519,ssh-rsa,rsa-sha2-256,rsa-sha2-512"

/* The choice of a signature; want is NULL if there is none. */
static const struct {
	const char *type, *allowed, *takes;
	bool old;
	const char *want;
} rows[] = {
	{ "ssh-ed25519", ALL, NULL, false, "ssh-ed25519" },
	{ "ssh-ed25519", ALL, "ssh-rsa", true, "ssh-ed25519" },
	{ "ssh-ed25519", "ssh-ed25519" CERT, SERVER, false, NULL },
	{ "ssh-ed25519", "xssh-ed25519,ssh-ed25519x", SERVER, false, NULL },
	{ "ssh-ed25519" CERT, ALL, SERVER, false, NULL },
	{ "sk-ssh-ed25519@openssh.com", ALL, SERVER, false,
	    "sk-ssh-ed25519@openssh.com" },
	{ "sk-ssh-ed25519" CERT, ALL, SERVER, false, NULL },
	{ "ecdsa-sha2-nistp256", ALL, SERVER, false, NULL },
	/* RSA: our order, and only what the server takes. */
	{ RSA, ALL, SERVER, false, "rsa-sha2-512" },
	{ RSA, "rsa-sha2-256,rsa-sha2-512", SERVER, false, "rsa-sha2-256" },
	{ RSA, ALL, "rsa-sha2-256", false, "rsa-sha2-256" },
	{ RSA, ALL, ",,rsa-sha2-512,", false, "rsa-sha2-512" },
	{ RSA, ALL, "xrsa-sha2-512,rsa-sha2-256x", false, NULL },
	{ RSA, ALL, "rsa-sha2-256" CERT, false, NULL },
	{ RSA, "rsa-sha2-256", "rsa-sha2-512", false, NULL },
	{ RSA, "rsa-sha2-256" CERT, SERVER, false, NULL },
	/* SHA-1 only if it is allowed, and last if the list says so. */
	{ RSA, ALL, NULL, false, NULL },
	{ RSA, ALL, "", false, NULL },
	{ RSA, ALL, "ssh-rsa", false, NULL },
	{ RSA, ALL SHA1, NULL, false, RSA },
	{ RSA, ALL SHA1, "ssh-rsa", false, RSA },
	{ RSA, ALL SHA1, SERVER, false, "rsa-sha2-512" },
	{ RSA, "ssh-rsa,rsa-sha2-512", SERVER, false, RSA },
	{ RSA, "ssh-rsa", "rsa-sha2-512", false, NULL },
	/* Certificates; OpenSSH before 7.8 takes theirs by SHA-1 alone. */
	{ RSA CERT, ALL, SERVER, false, "rsa-sha2-512" CERT },
	{ RSA CERT, "rsa-sha2-512", SERVER, false, NULL },
	{ RSA CERT, ALL SHA1, "ssh-rsa", false, RSA CERT },
	{ RSA CERT, ALL, SERVER, true, NULL },
	{ RSA CERT, ALL SHA1, SERVER, true, RSA CERT },
	{ RSA, ALL SHA1, SERVER, true, "rsa-sha2-512" },
};

static void
choices(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t n;
		const char *got = signature_choose(rows[i].type,
		    rows[i].allowed, rows[i].takes, rows[i].old, &n);

		if (got == NULL || rows[i].want == NULL ?
		    got != rows[i].want : n != strlen(rows[i].want) ||
		    memcmp(got, rows[i].want, n) != 0)
			fail_msg("row %zu: %s with %s: %.*s", i, rows[i].type,
			    rows[i].takes, got != NULL ? (int)n : 1,
			    got != NULL ? got : "-");
	}
	assert_true(signature_is_possible(RSA, "a,rsa-sha2-256"));
	assert_true(signature_is_possible("ssh-ed25519", "ssh-ed25519"));
	assert_false(signature_is_possible("ssh-ed25519", "ssh-rsa"));
	assert_false(signature_is_possible(RSA, "rsa-sha2-512" CERT));
}

static void
old_servers(void **state)
{
	static const struct {
		const char *banner;
		bool old;
	} servers[] = {
		{ "SSH-2.0-OpenSSH_7.7", true },
		{ "SSH-2.0-OpenSSH_6.6.1p1 Ubuntu", true },
		{ "SSH-2.0-OpenSSH_7.8", false },
		{ "SSH-2.0-OpenSSH_9.2p1", false },
		{ "SSH-2.0-OpenSSH_10.0p2", false },
		{ "SSH-2.0-dropbear_2022.83", false },
		{ "SSH-2.0-OpenSSH_", false },
		{ "", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(servers) / sizeof(servers[0]); i++)
		assert_int_equal(signature_has_old_certs(servers[i].banner),
		    servers[i].old);
}

static void
assert_used(const char *name, const char *want)
{
	LIBSSH2_SESSION *session = libssh2_session_init_ex(NULL, NULL, NULL,
	    NULL);
	char *taken;

	assert_non_null(session);
	assert_null(signature_taken(session));
	session->server_sign_algorithms = strdup("rsa-sha2-512,rsa-sha2-512");
	session->userauth_pblc_method = (unsigned char *)strdup("x");
	taken = signature_taken(session);
	assert_string_equal(taken, "rsa-sha2-512,rsa-sha2-512");
	free(taken);
	for (int i = 0; i < 2; i++) {
		signature_use(session, name, strlen(name));
		assert_null(session->userauth_pblc_method);
		if (want == NULL)
			assert_null(session->server_sign_algorithms);
		else
			assert_string_equal(session->server_sign_algorithms,
			    want);
	}
	libssh2_session_free(session);
}

/* libssh2 sees one name: a list with repeated ones overflowed its buffer. */
static void
libssh2_is_told_one(void **state)
{
	(void)state;
	assert_used("rsa-sha2-256", "rsa-sha2-256");
	assert_used("rsa-sha2-512" CERT, "rsa-sha2-512");
	assert_used("ssh-rsa", NULL);
	assert_used("ssh-rsa" CERT, NULL);
	assert_used("ssh-ed25519", NULL);
}

static int
setup(void **state)
{
	struct err err;

	(void)state;
	return transport_library_init(&err);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(choices),
		cmocka_unit_test(old_servers),
		cmocka_unit_test(libssh2_is_told_one),
	};

	return cmocka_run_group_tests_name("signature", tests, setup, NULL);
}
