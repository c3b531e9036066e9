/* SPDX-License-Identifier: ISC */
/*
 * Where the log's lines go, and what becomes of them when nobody reads.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
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
	assert_non_null(strstr(text, "the log was full: "));
	assert_string_equal(strchr(text, ';'), ";again;");
	log_info("and again");
	assert_string_equal(read_clauses(), "and again;");
}

/* Others who have the same pipe may wait for it; we don't. */
static void
nobody_waits_for_a_pipe(void **state)
{
	int shared = dup(STDERR_FILENO);
	char pad[4096] = { 0 };
	int64_t begin;

	(void)state;
	log_detach();
	assert_false(fcntl(shared, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK);
	while (write(STDERR_FILENO, pad, sizeof(pad)) == sizeof(pad))
		continue;
	begin = clock_now_ms();
	log_info("lost");
	log_info("lost, too");
	assert_true(clock_now_ms() - begin < 1000);
	while (read(reader, pad, sizeof(pad)) > 0)
		continue;
	log_info("again");
	assert_string_equal(read_clauses(),
	    "the log was full: 2 lines are missing here;again;");
	close(shared);
}

static void
nobody_waits_for_a_socket(void **state)
{
	int pair[2], size = 1;
	char all[65536];
	int64_t begin = clock_now_ms();
	ssize_t n;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	dup2(pair[1], STDERR_FILENO);
	log_detach();
	for (int i = 0; i < 1000; i++)
		log_info("%d", i);
	assert_true(clock_now_ms() - begin < 5000);
	n = recv(pair[0], all, sizeof(all) - 1, 0);
	assert_true(n > 0);
	while (recv(pair[0], all, sizeof(all) - 1, MSG_DONTWAIT) > 0)
		continue;
	log_info("again");
	n = recv(pair[0], all, sizeof(all) - 1, MSG_DONTWAIT);
	assert_true(n > 0);
	all[n] = '\0';
	assert_non_null(strstr(all, " lines are missing here\n"));
	close(pair[0]);
	close(pair[1]);
}

/* One that always makes room, but late, would hold us up with each line. */
static void
a_slow_reader_holds_nobody_up(void **state)
{
	char pad[1500], page[4096];
	int64_t begin;

	(void)state;
	memset(pad, 'x', sizeof(pad) - 1);
	pad[sizeof(pad) - 1] = '\0';
	begin = clock_now_ms();
	for (int i = 0; i < 40; i++) {
		for (int j = 0; j < 5; j++)
			log_info("%s", pad);
		assert_true(read(reader, page, sizeof(page)) > 0);
	}
	assert_true(clock_now_ms() - begin < 500);
	while (read(reader, page, sizeof(page)) > 0)
		continue;
	log_info("again");
}

/* As on a disk that is full: what was torn is ended by the next line. */
static void
a_full_disk_is_told_later(void **state)
{
	struct rlimit none, usual;
	char path[] = "/tmp/hawser-log-XXXXXX", all[4096];
	int file = mkstemp(path);
	ssize_t n;

	(void)state;
	assert_int_not_equal(file, -1);
	unlink(path);
	dup2(file, STDERR_FILENO);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &usual);
	none = (struct rlimit){ 100, usual.rlim_max };
	setrlimit(RLIMIT_FSIZE, &none);
	log_info("the first");
	log_info("the second is longer than what is left of the 100 bytes");
	log_info("the third");
	setrlimit(RLIMIT_FSIZE, &usual);
	log_info("again");
	n = pread(file, all, sizeof(all) - 1, 0);
	assert_true(n > 0);
	all[n] = '\0';
	assert_non_null(strstr(all, "test: the first\n"));
	assert_non_null(strstr(all,
	    "test: the log was full: 2 lines are missing here\n"));
	assert_non_null(strstr(all, "test: again\n"));
	assert_null(strstr(all, "the third"));
	/* The line that has no end has one now. */
	assert_int_equal(all[100], '\n');
	close(file);
}

int
main(void)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(lines_and_levels),
		TEST(a_full_pipe_drops_lines),
		TEST(nobody_waits_for_a_pipe),
		TEST(nobody_waits_for_a_socket),
		TEST(a_slow_reader_holds_nobody_up),
		TEST(a_full_disk_is_told_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
