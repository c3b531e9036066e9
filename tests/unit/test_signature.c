/* SPDX-License-Identifier: ISC */
#include <libssh2_priv.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ssh/signature.h"
#include "ssh/transport.h"

/* What becomes of the server's list, NULL if no RSA key may be offered. */
static void
assert_reduced(const char *list, const char *want)
{
	LIBSSH2_SESSION *session = libssh2_session_init_ex(NULL, NULL, NULL,
	    NULL);
	bool ok;

	assert_non_null(session);
	if (list != NULL) {
		session->server_sign_algorithms = strdup(list);
		assert_non_null(session->server_sign_algorithms);
	}
	ok = signature_prepare_rsa(session);
	assert_int_equal(ok, want != NULL);
	if (ok) {
		assert_string_equal(session->server_sign_algorithms, want);
		/* It may be called again. */
		assert_true(signature_prepare_rsa(session));
		assert_string_equal(session->server_sign_algorithms, want);
	}
	libssh2_session_free(session);
}

static void
lists(void **state)
{
	(void)state;
	assert_reduced("ssh-ed25519,rsa-sha2-512,rsa-sha2-256,ssh-rsa",
	    "rsa-sha2-512,rsa-sha2-256");
	assert_reduced("rsa-sha2-256,rsa-sha2-512",
	    "rsa-sha2-512,rsa-sha2-256");
	assert_reduced("rsa-sha2-256", "rsa-sha2-256");
	assert_reduced("rsa-sha2-512,", "rsa-sha2-512");
	assert_reduced(",,rsa-sha2-512", "rsa-sha2-512");
}

/* A list of one name over and over once overflowed libssh2's buffer. */
static void
repeated_names(void **state)
{
	char list[60 * 13 + 1] = "";

	(void)state;
	for (int i = 0; i < 60; i++)
		strcat(list, "rsa-sha2-512,");
	assert_reduced(list, "rsa-sha2-512");
}

static void
no_rsa_by_sha2(void **state)
{
	(void)state;
	assert_reduced(NULL, NULL);
	assert_reduced("", NULL);
	assert_reduced("ssh-rsa", NULL);
	assert_reduced("ssh-ed25519,xrsa-sha2-512,rsa-sha2-256x", NULL);
	assert_reduced("rsa-sha2-256-cert-v01@openssh.com", NULL);
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
		cmocka_unit_test(lists),
		cmocka_unit_test(repeated_names),
		cmocka_unit_test(no_rsa_by_sha2),
	};

	return cmocka_run_group_tests_name("signature", tests, setup, NULL);
}
