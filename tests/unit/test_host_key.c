/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/base64.h"
#include "ssh/host_key.h"

/* Made by ssh-keygen; the fingerprint is what ssh-keygen -l says. */
#define ED25519 \
	"AAAAC3NzaC1lZDI1NTE5AAAAIHv0jq+s9Bz2w/vfPvjg7mOJO9uTLUdVrP" \
	"1F6M0NGSCS"
#define ED25519_FINGERPRINT \
	"SHA256:pBQDfZ5XXYaQmYGNc21i2aNKuE3+pdCWs0j+JBwhnfc"
#define ECDSA \
	"AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBH1/5V" \
	"LCfzYPpEXgNR4+hREGG4JY9DFc7RSWviUtzaSwiBY/selv2nfOFeGeZugE" \
	"SaA1cz8d8GQvclh5eTwdV/0="
#define ECDSA_FINGERPRINT \
	"SHA256:FWzhWivpCUMN8ETQd+WCxelaIBOx1WHGlAi7n1ZhnZo"

static void
assert_key(const char *text, const char *type, const char *fingerprint)
{
	char name[HOST_KEY_TYPE_SIZE], print[HOST_KEY_FINGERPRINT_SIZE];
	uint8_t blob[256];
	ssize_t n = base64_decode(text, strlen(text), blob, sizeof(blob));

	assert_true(n > 0);
	assert_int_equal(host_key_type(blob, (size_t)n, name), 0);
	assert_string_equal(name, type);
	host_key_fingerprint(blob, (size_t)n, print);
	assert_string_equal(print, fingerprint);
	/* Every beginning of it, and anything behind it, is no key. */
	for (ssize_t i = 0; i < n; i++) {
		assert_int_equal(host_key_type(blob, (size_t)i, name), -1);
		assert_string_equal(name, "");
	}
	blob[n] = 0;
	assert_int_equal(host_key_type(blob, (size_t)n + 1, name), -1);
}

static void
type_and_fingerprint(void **state)
{
	(void)state;
	assert_key(ED25519, "ssh-ed25519", ED25519_FINGERPRINT);
	assert_key(ECDSA, "ecdsa-sha2-nistp256", ECDSA_FINGERPRINT);
}

static void
malformed_blobs(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} rows[] = {
		{ "", 0 },
		{ "\0\0\0\1a", 5 },			/* nothing follows */
		{ "\0\0\0\0\0\0\0\1x", 9 },		/* no name */
		{ "\0\0\0\1 \0\0\0\1x", 10 },		/* a blank */
		{ "\0\0\0\1\n\0\0\0\1x", 10 },
		{ "\0\0\0\1\200\0\0\0\1x", 10 },
		{ "\0\0\0\1a\0\0\0\2x", 10 },		/* cut off */
		{ "\377\377\377\377a\0\0\0\1x", 10 },
		{ "\0\0\0\1a\377\377\377\377x", 10 },
	};
	char name[HOST_KEY_TYPE_SIZE];
	uint8_t long_name[4 + HOST_KEY_TYPE_SIZE + 4] = {
		[3] = HOST_KEY_TYPE_SIZE
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(host_key_type((const uint8_t *)rows[i].bytes,
		    rows[i].len, name), -1);
	memset(long_name + 4, 'a', HOST_KEY_TYPE_SIZE);
	assert_int_equal(host_key_type(long_name, sizeof(long_name), name),
	    -1);
	assert_int_equal(host_key_type((const uint8_t *)"\0\0\0\1a\0\0\0\0",
	    9, name), 0);
	assert_string_equal(name, "a");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(type_and_fingerprint),
		cmocka_unit_test(malformed_blobs),
	};

	return cmocka_run_group_tests_name("host_key", tests, NULL, NULL);
}
