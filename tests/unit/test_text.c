/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cli/text.h"

static void
clean_is(const char *text, const char *expected)
{
	struct str out;

	str_init(&out);
	str_append(&out, "");
	text_append_clean(&out, text);
	assert_string_equal(out.p, expected);
	str_fini(&out);
}

static void
test_clean_keeps_text(void **state)
{
	(void)state;
	clean_is("", "");
	clean_is("SSH-2.0-OpenSSH_9.2 \"x\"", "SSH-2.0-OpenSSH_9.2 \"x\"");
	clean_is("Grüße, 日本, 🚢", "Grüße, 日本, 🚢");
}

static void
test_clean_disarms(void **state)
{
	(void)state;
	clean_is("a\033[31mb\nc\r\td\x7f", "a?[31mb?c??d?");
	clean_is("csi \xc2\x9b" "31m", "csi ?31m");	/* U+009B */
	clean_is("rtl \xe2\x80\xae" "evil", "rtl ?evil");	/* U+202E */
	clean_is("zero\xe2\x80\x8bwidth", "zero?width");	/* U+200B */
}

static void
test_clean_replaces_what_is_not_utf8(void **state)
{
	(void)state;
	clean_is("\xff\xfe", "??");
	clean_is("caf\xe9", "caf?");			/* Latin 1 */
	clean_is("\xc0\x8a", "??");			/* overlong NL */
	clean_is("\xe0\x80\x8a", "???");		/* overlong NL */
	clean_is("\xed\xa0\x80", "???");		/* a surrogate */
	clean_is("\xf4\x90\x80\x80", "????");		/* over U+10FFFF */
	clean_is("cut \xe6\x97", "cut ??");
}

static void
test_width(void **state)
{
	(void)state;
	assert_int_equal(text_width(""), 0);
	assert_int_equal(text_width("R:*:8080"), 8);
	assert_int_equal(text_width("Grüße"), 5);
	assert_int_equal(text_width("日本"), 4);
	assert_int_equal(text_width("e\xcc\x81"), 1);	/* e + acute */
	assert_int_equal(text_width("🚢"), 2);
	assert_int_equal(text_width("caf\xe9"), 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clean_keeps_text),
		cmocka_unit_test(test_clean_disarms),
		cmocka_unit_test(test_clean_replaces_what_is_not_utf8),
		cmocka_unit_test(test_width),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
