/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include <errno.h>
#include <event2/event.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fdio.h"
#include "base/log.h"
#include "base/str.h"
#include "supervisor/guard.h"
#include "supervisor/proxy.h"

/* ProxyCommands with real shells: this program is its own guard. */

struct fixture {
	struct event_base *base;
	struct proxy *proxy;
	int link;
};

static int
set_up(void **state)
{
	struct fixture *f = mem_alloc(sizeof(*f));

	f->base = event_base_new();
	f->link = -1;
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	proxy_free(f->proxy);
	fd_close(&f->link);
	event_base_free(f->base);
	free(f);
	return 0;
}

static void
on_exit_of_proxy(void *arg)
{
	struct fixture *f = arg;

	event_base_loopbreak(f->base);
}

static void
start(struct fixture *f, const char *command)
{
	struct err err;

	f->proxy = proxy_start(f->base, "host", command, &f->link,
	    on_exit_of_proxy, f, &err);
	if (f->proxy == NULL)
		fail_msg("%s", err.text);
	assert_true(proxy_pid(f->proxy) > 0);
	assert_null(proxy_how(f->proxy));
}

static void
wait_exit(struct fixture *f, bool failed, const char *how)
{
	event_base_dispatch(f->base);
	assert_true(proxy_is_over(f->proxy));
	assert_int_equal(proxy_pid(f->proxy), -1);
	assert_string_equal(proxy_how(f->proxy), how);
	assert_int_equal(proxy_failed(f->proxy), failed);
}

static void
its_input_and_output_are_the_link(void **state)
{
	struct fixture *f = *state;
	char bytes[4];

	start(f, "cat | cat");
	assert_int_equal(write(f->link, "abcd", 4), 4);
	assert_int_equal(read(f->link, bytes, 4), 4);
	assert_memory_equal(bytes, "abcd", 4);
	/* Nobody but the command holds its end. */
	fd_close(&f->link);
	wait_exit(f, false, "ProxyCommand ended with exit code 0");
}

static void
its_end_and_last_line_are_told(void **state)
{
	struct fixture *f = *state;

	start(f, "sh -c 'echo one >&2; "
	    "printf \"t\\033w\\303\\266\\r\\n\\n\" >&2; exit 3'");
	wait_exit(f, true, "ProxyCommand ended with exit code 3: t?w??");
}

static void
a_signal_is_a_failure(void **state)
{
	struct fixture *f = *state;

	start(f, "sh -c 'kill -KILL $$'");
	wait_exit(f, true, "ProxyCommand ended with exit code 137");
}

static void
a_long_line_is_cut(void **state)
{
	struct fixture *f = *state;

	start(f, "sh -c 'head -c 100000 /dev/zero >&2; exit 1'");
	event_base_dispatch(f->base);
	assert_true(strlen(proxy_how(f->proxy)) < 600);
}

/* Is a process of the group left, zombies apart? */
static bool
has_group(pid_t group)
{
	return kill(-group, 0) == 0 || errno != ESRCH;
}

static void
nothing_of_a_pipeline_is_left(void **state)
{
	struct fixture *f = *state;
	char byte;
	pid_t group;

	start(f, "sleep 600 & sleep 600 | (echo x; sleep 600)");
	group = proxy_pid(f->proxy);
	assert_int_equal(read(f->link, &byte, 1), 1);
	assert_true(has_group(group));
	proxy_kill(f->proxy);
	wait_exit(f, true, "ProxyCommand ended with signal 9 (Killed)");
	while (has_group(group))
		wait(NULL);
}

/* We might have died meanwhile: nobody else would do it then. */
static void
the_guard_ends_what_sh_leaves(void **state)
{
	struct fixture *f = *state;
	siginfo_t info = { 0 };
	pid_t group;

	start(f, "sleep 600 & exit 3");
	group = proxy_pid(f->proxy);
	/* An orphan, so ours; and nobody has dealt with the guard's end. */
	assert_int_equal(waitid(P_PGID, (id_t)group, &info,
	    WEXITED | WNOWAIT), 0);
	assert_int_not_equal(info.si_pid, group);
	assert_int_equal(info.si_code, CLD_KILLED);
	assert_int_equal(waitpid(info.si_pid, NULL, 0), info.si_pid);
	wait_exit(f, true, "ProxyCommand ended with exit code 3");
}

/* Starts a pipeline, says its group's number, and waits to be killed. */
static void
be_killed(int fd)
{
	struct fixture *f;
	pid_t group;
	char byte;

	set_up((void **)&f);
	start(f, "sleep 600 & sleep 600 | (echo x; sleep 600)");
	group = proxy_pid(f->proxy);
	if (read(f->link, &byte, 1) != 1 ||
	    write(fd, &group, sizeof(group)) != sizeof(group))
		_exit(1);
	for (;;)
		pause();
}

static void
nothing_outlives_us(void **state)
{
	int ends[2];
	pid_t pid, group;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	if ((pid = fork()) == 0)
		be_killed(ends[1]);
	close(ends[1]);
	assert_int_equal(read(ends[0], &group, sizeof(group)), sizeof(group));
	close(ends[0]);
	assert_true(has_group(group));
	kill(pid, SIGKILL);
	/* The orphans are ours: the group is gone when all are reaped. */
	while (has_group(group))
		wait(NULL);
}

int
main(int argc, char **argv)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(its_input_and_output_are_the_link),
		TEST(its_end_and_last_line_are_told),
		TEST(a_signal_is_a_failure),
		TEST(a_long_line_is_cut),
		TEST(nothing_of_a_pipeline_is_left),
		TEST(the_guard_ends_what_sh_leaves),
		TEST(nothing_outlives_us),
	};

	if (argc == 3 && strcmp(argv[1], GUARD_OPTION) == 0)
		return guard_main(argv[2]);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	log_setup(LOG_ERROR, "test");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
