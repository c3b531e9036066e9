/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "supervisor/options.h"

static enum options_verdict
parse(struct options *o, const char *line)
{
	char copy[256], *argv[16], *p = copy;
	enum options_verdict verdict;
	struct err err;
	int argc = 0;

	snprintf(copy, sizeof(copy), "%s", line);
	for (p = strtok(copy, " "); p != NULL; p = strtok(NULL, " "))
		argv[argc++] = p;
	argv[argc] = NULL;
	memset(o, 0, sizeof(*o));
	assert_int_equal(options_parse(o, argc, argv, &verdict, &err), 0);
	return verdict;
}

static void
defaults(void **state)
{
	struct options o;

	(void)state;
	setenv("HAWSER_SOCKET", "/run/mine.sock", 1);
	assert_int_equal(parse(&o, "hawserd"), OPTIONS_RUN);
	assert_non_null(o.config_dir);
	assert_null(o.config_file);
	assert_string_equal(o.socket, "/run/mine.sock");
	assert_non_null(strstr(o.worker, "/hawser-worker"));
	assert_false(o.verbose);
	assert_false(o.daemon);
	assert_null(o.user);
	options_fini(&o);
}

static void
every_option(void **state)
{
	struct options o;

	(void)state;
	assert_int_equal(parse(&o, "hawserd -v -F f --socket s --worker w "
	    "--daemon --user u"), OPTIONS_RUN);
	assert_null(o.config_dir);
	assert_string_equal(o.config_file, "f");
	assert_string_equal(o.socket, "s");
	assert_string_equal(o.worker, "w");
	assert_string_equal(o.user, "u");
	assert_true(o.verbose);
	assert_true(o.daemon);
	options_fini(&o);
	assert_int_equal(parse(&o, "hawserd --config=a -c b"), OPTIONS_RUN);
	assert_string_equal(o.config_dir, "b");
	options_fini(&o);
}

static void
usage(void **state)
{
	static const char *const lines[] = {
		"hawserd -x", "hawserd --nonsense", "hawserd -c",
		"hawserd word", "hawserd -c a -F b",
	};
	struct options o;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		assert_int_equal(parse(&o, lines[i]), OPTIONS_USAGE);
		options_fini(&o);
	}
}

static void
paths_become_absolute(void **state)
{
	struct options o;
	struct err err;

	(void)state;
	assert_int_equal(parse(&o, "hawserd -c conf --socket /s --worker w"),
	    OPTIONS_RUN);
	assert_int_equal(options_make_absolute(&o, &err), 0);
	assert_true(o.config_dir[0] == '/');
	assert_string_equal(strrchr(o.config_dir, '/'), "/conf");
	assert_string_equal(o.socket, "/s");
	assert_true(o.worker[0] == '/');
	assert_null(o.config_file);
	options_fini(&o);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(every_option),
		cmocka_unit_test(usage),
		cmocka_unit_test(paths_become_absolute),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
