/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/sha256.h"

static void
assert_hash(const void *bytes, size_t n, const char *want)
{
	uint8_t hash[SHA256_SIZE];
	char text[2 * SHA256_SIZE + 1];

	sha256(hash, bytes, n);
	for (size_t i = 0; i < sizeof(hash); i++)
		snprintf(text + 2 * i, 3, "%02x", (unsigned)hash[i]);
	assert_string_equal(text, want);
}

/* From FIPS 180-4's examples, and from sha256sum(1). */
static void
known_answers(void **state)
{
	static const char *const two = "abcdbcdecdefdefgefghfghighijhijkijkl"
	    "jklmklmnlmnomnopnopq";
	uint8_t many[200];

	(void)state;
	memset(many, 'a', sizeof(many));
	assert_hash("", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca"
	    "495991b7852b855");
	assert_hash("abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9"
	    "cb410ff61f20015ad");
	assert_hash(two, strlen(two), "248d6a61d20638b8e5c026930c3e6039a33ce459"
	    "64ff2167f6ecedd419db06c1");
	/* Around the ends of blocks. */
	assert_hash(many, 55, "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925"
	    "a5258e241c9f1e910f734318");
	assert_hash(many, 56, "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f"
	    "1bde7090ef7970686ec6738a");
	assert_hash(many, 64, "ffe054fe7ae0cb6dc65c3af9b61d5209f439851d"
	    "b43d0ba5997337df154668eb");
	assert_hash(many, 200, "c2a908d98f5df987ade41b5fce213067efbcc21e"
	    "f2240212a41e54b5e7c28ae5");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_answers),
	};

	return cmocka_run_group_tests_name("sha256", tests, NULL, NULL);
}
