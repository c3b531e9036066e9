/* SPDX-License-Identifier: ISC */
/* What is read from the descriptor that brings a secret. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/fdio.h"
#include "worker/ask_secret.h"

static struct secret s;
static struct err err;

/* What becomes of n bytes in a pipe. */
static int
through_pipe(const char *bytes, size_t n)
{
	int fds[2], rc;

	secret_fini(&s);
	assert_int_equal(secret_init(&s, &err), 0);
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(fd_write_all(fds[1], bytes, n), 0);
	close(fds[1]);
	rc = ask_secret_read(fds[0], &s, &err);
	close(fds[0]);
	return rc;
}

static void
one_end_of_line_goes(void **state)
{
	static const struct {
		const char *bytes;
		const char *text;
	} rows[] = {
		{ "secret", "secret" }, { "secret\n", "secret" },
		{ "secret\r\n", "secret" }, { "secret\n\n", "secret\n" },
		{ "secret\r", "secret\r" }, { " s \n", " s " },
		{ "two\nlines\n", "two\nlines" }, { "", "" }, { "\n", "" },
		{ "\r\n", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(through_pipe(rows[i].bytes,
		    strlen(rows[i].bytes)), 0);
		assert_string_equal(s.text, rows[i].text);
		assert_int_equal(s.len, strlen(rows[i].text));
	}
	assert_int_equal(through_pipe("a\0b\n", 4), 0);
	assert_int_equal(s.len, 3);
	assert_memory_equal(s.text, "a\0b", 4);
}

static void
lengths(void **state)
{
	char bytes[SECRET_TEXT_MAX + 1];

	(void)state;
	memset(bytes, 'x', sizeof(bytes));
	bytes[SECRET_TEXT_MAX - 1] = '\n';
	assert_int_equal(through_pipe(bytes, SECRET_TEXT_MAX), 0);
	assert_int_equal(s.len, SECRET_TEXT_MAX - 1);
	bytes[SECRET_TEXT_MAX - 1] = 'x';
	assert_int_equal(through_pipe(bytes, SECRET_TEXT_MAX), 0);
	assert_int_equal(s.len, SECRET_TEXT_MAX);
	assert_int_equal(through_pipe(bytes, SECRET_TEXT_MAX + 1), -1);
	assert_int_equal(err.code, ERR_INPUT);
}

/* As systemd's credentials are. */
static void
a_file(void **state)
{
	int fd = memfd_create("secret", 0);

	(void)state;
	secret_fini(&s);
	assert_int_equal(secret_init(&s, &err), 0);
	assert_int_equal(fd_write_all(fd, "from a file\n", 12), 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(ask_secret_read(fd, &s, &err), 0);
	assert_string_equal(s.text, "from a file");
	close(fd);
}

/* Whoever holds the other end open does not hold us. */
static void
a_pipe_without_an_end(void **state)
{
	int64_t begin = clock_now_ms();
	int fds[2];

	(void)state;
	secret_fini(&s);
	assert_int_equal(secret_init(&s, &err), 0);
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(fd_write_all(fds[1], "secret\n", 7), 0);
	assert_int_equal(ask_secret_read(fds[0], &s, &err), -1);
	assert_int_equal(err.code, ERR_TIMEOUT);
	assert_true(clock_now_ms() - begin >= ASK_SECRET_READ_MS - 10);
	close(fds[0]);
	close(fds[1]);
}

static int
teardown(void **state)
{
	(void)state;
	secret_fini(&s);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_end_of_line_goes),
		cmocka_unit_test(lengths),
		cmocka_unit_test(a_file),
		cmocka_unit_test(a_pipe_without_an_end),
	};

	return cmocka_run_group_tests_name("ask_secret", tests, NULL,
	    teardown);
}
