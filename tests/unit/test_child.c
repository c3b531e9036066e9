/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include <errno.h>
#include <event2/event.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "supervisor/child.h"

static struct process_exit seen;
static int exits;

static void
on_exit_of_child(void *arg, const struct process_exit *how)
{
	(void)arg;
	seen = *how;
	exits++;
}

static int
run(int fd, void *arg)
{
	const char *what = arg;

	(void)fd;
	while (strcmp(what, "wait") == 0)
		pause();
	return 7;
}

/* Its pid. */
static pid_t
start(struct event_base *base, struct child *c, const char *what)
{
	struct process p;
	struct err err;
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(spawn_fork(&p, ends[0], run, (void *)(uintptr_t)what,
	    &err), 0);
	close(ends[0]);
	close(ends[1]);
	child_init(c, base, &p, on_exit_of_child, NULL);
	return c->process.pid;
}

static bool
is_reaped(pid_t pid)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG |
	    WNOWAIT) == -1 && errno == ECHILD;
}

static void
an_end_is_told(void **state)
{
	struct event_base *base = event_base_new();
	struct child c;
	pid_t pid = start(base, &c, "end");

	(void)state;
	while (exits == 0)
		event_base_loop(base, EVLOOP_ONCE);
	assert_int_equal(seen.code, 7);
	assert_true(is_reaped(pid));
	child_fini(&c);
	event_base_free(base);
}

static void
one_that_runs_is_killed_and_reaped(void **state)
{
	struct event_base *base = event_base_new();
	struct child c;
	pid_t pid = start(base, &c, "wait");
	int before = exits;

	(void)state;
	child_fini(&c);
	assert_true(is_reaped(pid));
	event_base_loop(base, EVLOOP_NONBLOCK);
	assert_int_equal(exits, before);
	event_base_free(base);
}

/* As many as the kernel doesn't tell of at a time. */
#define CROWD	50

static void
on_late(evutil_socket_t fd, short what, void *arg)
{
	int *before = arg;

	(void)fd;
	(void)what;
	assert_int_equal(exits - *before, CROWD);
	*before = -1;
}

/* After we were stopped: whose time is judged has long ended. */
static void
an_end_comes_before_a_late_timer(void **state)
{
	struct event_base *base = event_base_new();
	struct timeval soon = { 0, 1000 };
	struct child c[CROWD];
	int before = exits;
	struct event *timer;
	siginfo_t info;

	(void)state;
	event_base_priority_init(base, CHILD_PRIORITIES);
	timer = evtimer_new(base, on_late, &before);
	evtimer_add(timer, &soon);
	for (int i = 0; i < CROWD; i++)
		assert_int_equal(waitid(P_PID, (id_t)start(base, &c[i], "end"),
		    &info, WEXITED | WNOWAIT), 0);
	while (before != -1)
		event_base_loop(base, EVLOOP_ONCE);
	event_free(timer);
	event_base_free(base);
}

/* As in the kernel's hands (state D): here a tracer holds it at its exit. */
static void
one_that_does_not_die_is_reaped_later(void **state)
{
	struct event_base *base = event_base_new();
	struct child c;
	pid_t pid = start(base, &c, "wait");
	int64_t begin = clock_now_ms();

	(void)state;
	if (ptrace(PTRACE_SEIZE, pid, NULL, PTRACE_O_TRACEEXIT) == -1) {
		child_fini(&c);
		event_base_free(base);
		skip();
	}
	child_fini(&c);
	assert_true(clock_now_ms() - begin < 2000);
	assert_false(is_reaped(pid));
	while (ptrace(PTRACE_CONT, pid, NULL, NULL) == -1)
		assert_int_equal(errno, ESRCH);
	while (!is_reaped(pid))
		event_base_loop(base, EVLOOP_ONCE);
	event_base_free(base);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_end_is_told),
		cmocka_unit_test(an_end_comes_before_a_late_timer),
		cmocka_unit_test(one_that_runs_is_killed_and_reaped),
		cmocka_unit_test(one_that_does_not_die_is_reaped_later),
	};

	alarm(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
