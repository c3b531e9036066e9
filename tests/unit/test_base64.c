/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base64.h"

static void
assert_decodes(const char *text, const char *want)
{
	uint8_t out[64];
	ssize_t n = base64_decode(text, strlen(text), out, sizeof(out));
	char *back;

	assert_int_equal(n, strlen(want));
	assert_memory_equal(out, want, strlen(want));
	if (strpbrk(text, "\r\n") != NULL)
		return;
	back = base64_encode((const uint8_t *)want, strlen(want));
	assert_string_equal(back, text);
	free(back);
}

static void
rfc_4648_vectors(void **state)
{
	(void)state;
	assert_decodes("", "");
	assert_decodes("Zg==", "f");
	assert_decodes("Zm8=", "fo");
	assert_decodes("Zm9v", "foo");
	assert_decodes("Zm9vYg==", "foob");
	assert_decodes("Zm9vYmE=", "fooba");
	assert_decodes("Zm9vYmFy", "foobar");
	assert_decodes("+/+/", "\xfb\xff\xbf");
}

static void
line_ends_are_skipped(void **state)
{
	(void)state;
	assert_decodes("\nZm\r\n9v\nYg=\n=\r\n", "foob");
	assert_decodes("\r\n", "");
}

static void
bad_text_is_refused(void **state)
{
	static const char *const bad[] = {
		"Z", "Zg", "Zg=", "Zm8", "Zg===", "Zm8==", "Zm9v=", "=",
		"====", "Zg==Zg==", "Z=g=", "Zm9v Zm9v", " Zm9v", "Zm9v\t",
		"Zm9-", "Zm9_", "Zm9\xff",
		/* Bits that no byte needs must be 0. */
		"Zh==", "Zm9=",
	};
	uint8_t out[64];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (base64_decode(bad[i], strlen(bad[i]), out,
		    sizeof(out)) != -1)
			fail_msg("\"%s\" was taken", bad[i]);
	assert_int_equal(base64_decode("Zm9\0", 4, out, sizeof(out)), -1);
}

static void
size_is_a_bound(void **state)
{
	uint8_t out[4] = { 0, 0, 0, 0x55 };

	(void)state;
	assert_int_equal(base64_decode("Zm9vYg==", 8, out, 3), -1);
	assert_int_equal(out[3], 0x55);
	assert_int_equal(base64_decode("Zm9v", 4, out, 3), 3);
	assert_int_equal(base64_decode("", 0, NULL, 0), 0);
	assert_int_equal(BASE64_DECODED_MAX(8), 6);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc_4648_vectors),
		cmocka_unit_test(line_ends_are_skipped),
		cmocka_unit_test(bad_text_is_refused),
		cmocka_unit_test(size_is_a_bound),
	};

	return cmocka_run_group_tests_name("base64", tests, NULL, NULL);
}
