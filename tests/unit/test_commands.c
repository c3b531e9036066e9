/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "cli/commands.h"
#include "cli/text.h"

static void
test_every_row_is_complete(void **state)
{
	(void)state;
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		const struct command *c = commands[i];

		assert_ptr_equal(commands_find(c->name, NULL), c);
		assert_non_null(c->run);
		assert_non_null(c->operands);
		assert_true(strlen(c->summary) > 0);
		assert_int_not_equal(c->summary[strlen(c->summary) - 1], '.');
		assert_true(c->operands_min <= c->operands_max);
		assert_int_equal(c->operands_max > 0, *c->operands != '\0');
	}
}

/* No line of help is wider than a terminal of 80 columns. */
static void
assert_fits(const char *text)
{
	while (*text != '\0') {
		size_t n = strcspn(text, "\n");
		char *line = str_dupf("%.*s", (int)n, text);

		if (text_width(line) > 80)
			fail_msg("%zu columns: %s", text_width(line), line);
		free(line);
		text += n + 1;
	}
}

static void
test_help_names_everything(void **state)
{
	struct str all, one;

	(void)state;
	str_init(&all);
	commands_help(NULL, &all);
	assert_fits(all.p);
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		str_init(&one);
		commands_help(commands[i], &one);
		assert_fits(one.p);
		assert_non_null(strstr(one.p, commands[i]->help));
		assert_int_equal(strstr(one.p, "--socket PATH") != NULL,
		    (commands[i]->options & ARG_BIT(ARG_SOCKET)) != 0);
		assert_int_equal(strstr(one.p, "--json") != NULL,
		    (commands[i]->options & ARG_BIT(ARG_JSON)) != 0);
		assert_non_null(strstr(all.p, commands[i]->summary));
		str_fini(&one);
	}
	str_fini(&all);
}

static void
test_unknown_commands(void **state)
{
	struct err err;

	(void)state;
	assert_null(commands_find("stauts", &err));
	assert_int_equal(err.code, ERR_INPUT);
	assert_string_equal(err.text,
	    "unknown command stauts (did you mean status?)");
	assert_null(commands_find("frobnicate", &err));
	assert_string_equal(err.text, "unknown command frobnicate");
}

/* Runs "hawser a b"; b may be NULL. Usage errors print nothing to stdout. */
static int
run(const char *a, const char *b)
{
	char program[] = "hawser", *first = str_dup(a);
	char *second = b != NULL ? str_dup(b) : NULL;
	char *argv[] = { program, first, second, NULL };
	int rc = commands_run(b != NULL ? 3 : 2, argv);

	free(first);
	free(second);
	return rc;
}

static void
test_usage_errors_exit_2(void **state)
{
	char program[] = "hawser";
	char *argv[] = { program, NULL };

	(void)state;
	assert_int_equal(commands_run(1, argv), EXIT_USAGE);
	assert_int_equal(run("stauts", NULL), EXIT_USAGE);
	assert_int_equal(run("--sokcet", NULL), EXIT_USAGE);
	assert_int_equal(run("retry", NULL), EXIT_USAGE);
	assert_int_equal(run("reload", "vps"), EXIT_USAGE);
	assert_int_equal(run("retry", "--json"), EXIT_USAGE);
	assert_int_equal(run("--system", "check"), EXIT_USAGE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_row_is_complete),
		cmocka_unit_test(test_help_names_everything),
		cmocka_unit_test(test_unknown_commands),
		cmocka_unit_test(test_usage_errors_exit_2),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
