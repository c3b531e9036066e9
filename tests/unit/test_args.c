/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cli/args.h"

#define ALL	(ARG_COMMON | ARG_API | ARG_BIT(ARG_JSON))

/* Parses the words up to a NULL; how many were read, or -1. */
static int
parse(struct args *a, unsigned allowed, bool first_only, struct err *err,
    const char *const *words)
{
	int n = 0;

	while (words[n] != NULL)
		n++;
	*a = (struct args){ 0 };
	*err = (struct err){ 0 };
	/* The words are only read: argv's lack of const is historical. */
	return args_parse(a, allowed, first_only, n, (char *const *)
	    (uintptr_t)words, err);
}

#define PARSE(allowed, first_only, ...) \
	parse(&a, allowed, first_only, &err, \
	    (const char *const[]){ __VA_ARGS__, NULL })

static void
test_options_and_operands_mix(void **state)
{
	struct args a;
	struct err err;

	(void)state;
	assert_int_equal(PARSE(ALL, false, "vps", "--json", "nas", "-S",
	    "/run/x", "--", "--odd"), 7);
	assert_true(a.seen[ARG_JSON]);
	assert_false(a.seen[ARG_HELP]);
	assert_string_equal(a.value[ARG_SOCKET], "/run/x");
	assert_int_equal(a.operand_count, 3);
	assert_string_equal(a.operands[0], "vps");
	assert_string_equal(a.operands[1], "nas");
	assert_string_equal(a.operands[2], "--odd");
	args_fini(&a);
}

static void
test_values_in_every_spelling(void **state)
{
	struct args a;
	struct err err;

	(void)state;
	assert_int_equal(PARSE(ALL, false, "--socket=/a=b"), 1);
	assert_string_equal(a.value[ARG_SOCKET], "/a=b");
	args_fini(&a);
	assert_int_equal(PARSE(ALL, false, "--socket", "--json"), 2);
	assert_string_equal(a.value[ARG_SOCKET], "--json");
	assert_false(a.seen[ARG_JSON]);
	args_fini(&a);
	assert_int_equal(PARSE(ALL, false, "-jS/a"), 1);
	assert_string_equal(a.value[ARG_SOCKET], "/a");
	assert_true(a.seen[ARG_JSON]);
	args_fini(&a);
	assert_int_equal(PARSE(ALL, false, "-"), 1);
	assert_string_equal(a.operands[0], "-");
	args_fini(&a);
}

static void
test_first_only_stops_at_the_command(void **state)
{
	struct args a;
	struct err err;

	(void)state;
	assert_int_equal(PARSE(ARG_COMMON | ARG_API, true, "--system", "status",
	    "--json"), 1);
	assert_true(a.seen[ARG_SYSTEM]);
	assert_int_equal(a.operand_count, 0);
	args_fini(&a);
	assert_int_equal(PARSE(ARG_COMMON, true, "--", "status"), 1);
	args_fini(&a);
}

static void
refuse(const char *word, const char *next, unsigned allowed,
    const char *text)
{
	struct args a;
	struct err err;

	assert_int_equal(PARSE(allowed, false, word, next), -1);
	assert_int_equal(err.code, ERR_INPUT);
	assert_string_equal(err.text, text);
	args_fini(&a);
}

static void
test_refusals(void **state)
{
	(void)state;
	refuse("--jsn", NULL, ALL, "unknown option --jsn (did you mean "
	    "--json?)");
	refuse("--frobnicate", NULL, ALL, "unknown option --frobnicate");
	refuse("--json", NULL, ARG_COMMON, "unknown option --json");
	refuse("--sock", NULL, ALL, "unknown option --sock (did you mean "
	    "--socket?)");
	refuse("-x", NULL, ALL, "unknown option -x");
	refuse("--json=yes", NULL, ALL, "option --json takes no value");
	refuse("--socket", NULL, ALL, "option --socket needs a PATH");
	refuse("-jS", NULL, ALL, "option -S needs a PATH");
}

static void
test_help_shows_what_is_allowed(void **state)
{
	struct str out;

	(void)state;
	str_init(&out);
	args_help(ARG_BIT(ARG_SOCKET) | ARG_BIT(ARG_SYSTEM), &out);
	assert_string_equal(out.p,
	    "  -S, --socket PATH  Talk to the hawserd behind this socket.\n"
	    "      --system       Talk to the machine's hawserd, not to your "
	    "own.\n");
	str_fini(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options_and_operands_mix),
		cmocka_unit_test(test_values_in_every_spelling),
		cmocka_unit_test(test_first_only_stops_at_the_command),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_help_shows_what_is_allowed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
