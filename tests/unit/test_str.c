/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"

static void
grows(void **state)
{
	struct str s;
	char *text;

	(void)state;
	str_init(&s);
	for (int i = 0; i < 1000; i++)
		str_printf(&s, "%d,", i);
	str_append(&s, "end");
	assert_int_equal(s.len, strlen(s.p));
	assert_string_equal(s.p + s.len - 7, "999,end");
	text = str_take(&s);
	assert_memory_equal(text, "0,1,2,", 6);
	assert_null(s.p);
	free(text);
	text = str_take(&s);
	assert_string_equal(text, "");
	free(text);
}

static void
long_printf(void **state)
{
	char big[1000], *text;
	struct str s;

	(void)state;
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	str_init(&s);
	str_printf(&s, "<%s>", big);
	assert_int_equal(s.len, 1001);
	text = str_dupf("<%s>", big);
	assert_string_equal(text, s.p);
	free(text);
	str_fini(&s);
}

static void
nulls_are_equal(void **state)
{
	(void)state;
	assert_true(str_equal(NULL, NULL));
	assert_false(str_equal(NULL, ""));
	assert_false(str_equal("", NULL));
	assert_true(str_equal("a", "a"));
	assert_false(str_equal("a", "A"));
}

static void
patterns(void **state)
{
	static const struct {
		const char *text, *pattern;
		bool match;
	} rows[] = {
		{ "", "", true }, { "", "*", true }, { "", "?", false },
		{ "a", "", false }, { "a", "?", true }, { "ab", "?", false },
		{ "abc", "a*c", true }, { "abcbc", "a*bc", true },
		{ "abcb", "a*bc", false }, { "abc", "***", true },
		{ "abc", "*b*", true }, { "abc", "*d*", false },
		{ "A", "a", false }, { "a*b", "a\\*b", false },
		{ "x.example.net", "*.example.net", true },
		{ ".example.net", "?.example.net", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (str_match(rows[i].text, rows[i].pattern) != rows[i].match)
			fail_msg("%s against %s", rows[i].text,
			    rows[i].pattern);
}

/* 30 stars against 10,000 letters: done at once, or never. */
static void
many_stars(void **state)
{
	char text[10001], pattern[62];

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (int i = 0; i < 30; i++)
		memcpy(pattern + 2 * i, "*a", 2);
	memcpy(pattern + 60, "b", 2);
	assert_false(str_match(text, pattern));
}

static void
nearest(void **state)
{
	static const char *const words[] = { "HostName", "Port", "User",
	    "LocalForward", "RemoteForward" };
	const size_t n = sizeof(words) / sizeof(words[0]);

	(void)state;
	assert_string_equal(str_nearest("hostnam", words, n), "HostName");
	assert_string_equal(str_nearest("LocalForwrad", words, n),
	    "LocalForward");
	assert_string_equal(str_nearest("prot", words, n), "Port");
	assert_null(str_nearest("Banana", words, n));
	assert_null(str_nearest("", words, n));
	assert_null(str_nearest("x", words, 0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grows),
		cmocka_unit_test(long_printf),
		cmocka_unit_test(nulls_are_equal),
		cmocka_unit_test(patterns),
		cmocka_unit_test(many_stars),
		cmocka_unit_test(nearest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
