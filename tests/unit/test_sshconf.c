/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "config/sshconf.h"

/* Parses text and checks the keyword and the words, joined by "|". */
static void
expect(const char *text, const char *keyword, const char *words)
{
	struct sshconf_line line;
	struct err err;
	char joined[256] = "";

	if (sshconf_parse_line(&line, text, strlen(text), &err) == -1)
		fail_msg("%s: %s", text, err.text);
	assert_string_equal(line.keyword, keyword);
	for (size_t i = 0; i < line.argc; i++) {
		if (i > 0)
			strcat(joined, "|");
		strcat(joined, line.argv[i]);
	}
	assert_string_equal(joined, words);
	sshconf_line_fini(&line);
}

static void
expect_nothing(const char *text)
{
	struct sshconf_line line;
	struct err err;

	assert_int_equal(sshconf_parse_line(&line, text, strlen(text), &err),
	    0);
	assert_null(line.keyword);
	sshconf_line_fini(&line);
}

static void
expect_error(const char *text, enum err_code code)
{
	struct sshconf_line line;
	struct err err;

	assert_int_equal(sshconf_parse_line(&line, text, strlen(text), &err),
	    -1);
	assert_int_equal(err.code, code);
	sshconf_line_fini(&line);
}

static void
keywords_end_at_blanks_quotes_and_equals(void **state)
{
	(void)state;
	expect("Port 22", "port", "22");
	expect("  \tPORT\t22  \r", "port", "22");
	expect("Port=22", "port", "22");
	expect("Port = 22", "port", "22");
	expect("Port= 22", "port", "22");
	expect("Port ==22", "port", "=22");
	expect("\"Port\" 22", "port", "22");
	expect("Po\"rt\" 22", "port", "22");
	expect("Port\"\" 22", "port", "22");
	expect("Port 22\f\f", "port", "22");
}

static void
words_are_cut_as_ssh_cuts_them(void **state)
{
	(void)state;
	expect("Host a b\tc", "host", "a|b|c");
	expect("Host \"a b\" 'c d'", "host", "a b|c d");
	expect("Host a\"b c\"d", "host", "ab cd");
	expect("Host \"a'b\" 'c\"d'", "host", "a'b|c\"d");
	expect("Host a\\ b", "host", "a b");
	expect("Host \"a\\ b\"", "host", "a\\ b");
	expect("Host a\\\"b \\\\ \\n", "host", "a\"b|\\|\\n");
	expect("Host a # b", "host", "a");
	expect("Host a#b", "host", "a#b");
	expect("Host \"\" b", "host", "|b");
}

static void
comments_and_blank_lines_say_nothing(void **state)
{
	(void)state;
	expect_nothing("");
	expect_nothing("   \t\r");
	expect_nothing("# Port 22");
	expect_nothing("  # Port 22");

}

static void
broken_lines_are_errors(void **state)
{
	struct sshconf_line line;
	struct err err;

	(void)state;
	expect_error("Port", ERR_INPUT);
	expect_error("Port =", ERR_INPUT);
	expect_error("Host \"a", ERR_INPUT);
	expect_error("Host 'a", ERR_INPUT);
	expect_error("\"\" 22", ERR_INPUT);
	expect_error("\"Host a", ERR_NOTFOUND);
	assert_int_equal(sshconf_parse_line(&line, "Ho\0st", 5, &err), -1);
	sshconf_line_fini(&line);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keywords_end_at_blanks_quotes_and_equals),
		cmocka_unit_test(words_are_cut_as_ssh_cuts_them),
		cmocka_unit_test(comments_and_blank_lines_say_nothing),
		cmocka_unit_test(broken_lines_are_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
