/* SPDX-License-Identifier: ISC */
/*
 * Where the log's lines go, and what becomes of them when nobody reads.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"

static int reader = -1;
static int before = -1;		/* the real standard error */

static int
setup(void **state)
{
	int ends[2];

	(void)state;
	if (pipe(ends) == -1 || (before = dup(STDERR_FILENO)) == -1)
		return -1;
	reader = ends[0];
	dup2(ends[1], STDERR_FILENO);
	close(ends[1]);
	unsetenv("JOURNAL_STREAM");
	log_setup(LOG_INFO, "test");
	return fcntl(reader, F_SETFL, O_NONBLOCK);
}

static int
teardown(void **state)
{
	(void)state;
	dup2(before, STDERR_FILENO);
	close(before);
	close(reader);
	return 0;
}

/* The clauses of the lines that are there, each with a ';'. */
static const char *
read_clauses(void)
{
	static char all[1 << 18], out[1 << 18];
	size_t n = 0;
	ssize_t k;

	while ((k = read(reader, all + n, sizeof(all) - 1 - n)) > 0)
		n += (size_t)k;
	all[n] = '\0';
	out[0] = '\0';
	for (char *line = strtok(all, "\n"); line != NULL;
	    line = strtok(NULL, "\n")) {
		const char *text = strstr(line, "test: ");

		assert_non_null(text);
		strcat(strcat(out, text + 6), ";");
	}
	return out;
}

static void
lines_and_levels(void **state)
{
	(void)state;
	log_info("a\tb %d", 1);
	log_debug("c");
	log_error("d");
	assert_string_equal(read_clauses(), "a?b 1;d;");
}

static void
a_full_pipe_drops_lines(void **state)
{
	char pad[1001];
	int64_t begin = clock_now_ms();
	const char *text;

	(void)state;
	memset(pad, 'x', sizeof(pad) - 1);
	pad[sizeof(pad) - 1] = '\0';
	/* The largest pipe that an ordinary user gets is 1 MiB. */
	for (int i = 0; i < 2000; i++)
		log_info("%s", pad);
	assert_true(clock_now_ms() - begin < 5000);
	assert_non_null(strstr(read_clauses(), pad));
	log_info("again");
	text = read_clauses();
	assert_non_null(strstr(text, "nobody read the log: "));
	assert_string_equal(strchr(text, ';'), ";again;");
	log_info("and again");
	assert_string_equal(read_clauses(), "and again;");
}

int
main(void)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(lines_and_levels),
		TEST(a_full_pipe_drops_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
