/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cli/table.h"

static struct table *
make(void)
{
	struct table *t = table_new(3);

	table_row(t, 0);
	table_cell(t, TINT_HEAD, "vps");
	table_cell(t, TINT_GOOD, "up");
	table_cell(t, TINT_NONE, "");
	table_row(t, 2);
	table_cell(t, TINT_NONE, "R:Grüße");
	table_cell(t, TINT_BAD, "held");
	table_cell(t, TINT_NONE, "a\nlong sentence");
	table_row(t, 0);
	table_row(t, 0);
	table_cell(t, TINT_NONE, NULL);
	table_cell(t, TINT_NONE, NULL);
	table_cell(t, TINT_NONE, "only here");
	return t;
}

static void
prints(bool colour, const char *expected)
{
	struct table *t = make();
	struct str out;

	str_init(&out);
	table_print(t, colour, &out);
	assert_string_equal(out.p, expected);
	str_fini(&out);
	table_free(t);
}

static void
test_plain(void **state)
{
	(void)state;
	prints(false,
	    "vps        up\n"
	    "  R:Grüße  held  a?long sentence\n"
	    "\n"
	    "                 only here\n");
}

static void
test_colours_take_no_columns(void **state)
{
	(void)state;
	prints(true,
	    "\033[1mvps\033[0m        \033[32mup\033[0m\n"
	    "  R:Grüße  \033[31mheld\033[0m  a?long sentence\n"
	    "\n"
	    "                 only here\n");
}

static void
test_nothing(void **state)
{
	struct table *t = table_new(1);
	struct str out;

	(void)state;
	str_init(&out);
	table_print(t, true, &out);
	assert_int_equal(out.len, 0);
	table_free(t);
	table_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_colours_take_no_columns),
		cmocka_unit_test(test_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
