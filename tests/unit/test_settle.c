/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "config/settle.h"

#define WHOLE	"Host a\nLocalForward 1 x:1\nHost b\nLocalForward 2 x:1\n"

static char dir[64], *path;

static int
set_up(void **state)
{
	(void)state;
	umask(022);
	strcpy(dir, "/tmp/hawser-test-XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	path = str_dupf("%s/config", dir);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	unlink(path);
	free(path);
	return rmdir(dir);
}

static void
put(const char *text, int flags)
{
	int fd = open(path, O_WRONLY | O_CREAT | flags, 0600);
	size_t n = strlen(text);

	if (fd == -1 || write(fd, text, n) != (ssize_t)n)
		abort();
	close(fd);
}

/* As if nobody had written for that long. */
static void
make_old(int seconds)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
	    { .tv_sec = time(NULL) - seconds } };

	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void
pause_ms(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

static struct config *
load(int64_t *took_ms)
{
	struct config_source source = { .file = path };
	int64_t start = clock_now_ms();
	struct config *c = settle_load(&source);

	*took_ms = clock_now_ms() - start;
	return c;
}

static void
old_files_are_believed_at_once(void **state)
{
	struct config *c;
	int64_t ms;

	(void)state;
	put(WHOLE, O_TRUNC);
	make_old(60);
	c = load(&ms);
	assert_int_equal(c->host_count, 2);
	assert_true(ms < SETTLE_QUIET_MS);
	config_free(c);
	/* A time to come doesn't hold anybody up. */
	make_old(-3600);
	config_free(load(&ms));
	assert_true(ms < SETTLE_QUIET_MS);
}

static void
fresh_files_rest_first(void **state)
{
	struct config *c;
	int64_t ms;

	(void)state;
	put(WHOLE, O_TRUNC);
	c = load(&ms);
	assert_int_equal(c->host_count, 2);
	assert_true(ms >= SETTLE_QUIET_MS / 2);
	config_free(c);
}

/* Writes the text in steps from another process. */
static pid_t
write_slowly(const char *text, size_t step, long ms)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid != 0)
		return pid;
	for (; *text != '\0'; text += strlen(text) < step ? strlen(text) :
	    step) {
		char *part = str_dupf("%.*s", (int)step, text);

		put(part, O_APPEND);
		free(part);
		pause_ms(ms);
	}
	_exit(0);
}

static void
a_writer_may_finish(void **state)
{
	struct config *c;
	int64_t ms;
	pid_t pid;

	(void)state;
	put("", O_TRUNC);
	pid = write_slowly(WHOLE, 5, 20);
	c = load(&ms);
	waitpid(pid, NULL, 0);
	assert_false(config_has_errors(c));
	assert_int_equal(c->host_count, 2);
	config_free(c);
}

static void
one_that_never_rests_is_an_error(void **state)
{
	struct str text;
	struct config *c;
	int64_t ms;
	pid_t pid;

	(void)state;
	str_init(&text);
	for (int i = 0; i < SETTLE_LIMIT_MS * 2 / 50; i++)
		str_append(&text, "#\n");
	put("", O_TRUNC);
	pid = write_slowly(text.p, 2, 50);
	c = load(&ms);
	assert_true(config_has_errors(c));
	assert_true(ms >= SETTLE_LIMIT_MS);
	kill(pid, 9);
	waitpid(pid, NULL, 0);
	config_free(c);
	str_fini(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(old_files_are_believed_at_once),
		cmocka_unit_test(fresh_files_rest_first),
		cmocka_unit_test(a_writer_may_finish),
		cmocka_unit_test(one_that_never_rests_is_an_error),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
