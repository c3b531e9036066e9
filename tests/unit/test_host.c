/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/str.h"
#include "supervisor/budget.h"
#include "supervisor/pulse.h"
#include "host_fixture.h"
#include "own_worker.h"
#include "wall_clock.h"

/* The host table with real processes: this program is its own worker. */

static void
up_and_down(void **state)
{
	struct fixture *f = *state;
	struct forward l = local(free_port());
	struct host h[] = { HOST("a", "good") };
	struct host_entry *e;

	h[0].forwards = &l;
	h[0].forward_count = 1;
	apply(f, h, 1);
	/* Bound before anything else: clients wait from the start. */
	assert_true(accepts(l.listen.port));
	wait_state(f, "a", "up");
	wait_field(f, forward_field, "a", "state", "\"up\"");
	assert_string_equal(field(f, "a", "attempt"), "0");
	assert_string_equal(field(f, "a", "phase"), "null");
	e = host_table_find(f->table, "a");
	host_down(e);
	assert_string_equal(field(f, "a", "state"), "\"disabled\"");
	assert_string_equal(field(f, "a", "pid"), "null");
	wait_field(f, field, "a", "workers", "[]");
	assert_false(accepts(l.listen.port));
	host_up(e);
	assert_true(accepts(l.listen.port));
	wait_state(f, "a", "up");
	/* Told again: nothing happens. */
	host_up(e);
	assert_string_equal(field(f, "a", "state"), "\"up\"");
}

static void
a_failure_waits_and_is_retried(void **state)
{
	struct fixture *f = *state;
	struct forward l = local(free_port());
	struct host h[] = { HOST("a", "refuse") };

	h[0].forwards = &l;
	h[0].forward_count = 1;
	apply(f, h, 1);
	wait_field(f, field, "a", "attempt", "1");
	wait_state(f, "a", "waiting");
	assert_non_null(strstr(field(f, "a", "last_end"), "nobody listens"));
	assert_string_not_equal(field(f, "a", "next_attempt_at"), "null");
	assert_string_equal(field(f, "a", "attempt"), "1");
	/* The next attempt lies beyond HawserHold: no use in waiting. */
	assert_false(accepts(l.listen.port));
	host_table_retry_all(f->table);
	wait_field(f, field, "a", "attempt", "2");
	wait_state(f, "a", "waiting");
}

static void
a_wrong_host_key_parks(void **state)
{
	struct fixture *f = *state;
	struct host h[] = { HOST("a", "wrong-key") };

	apply(f, h, 1);
	wait_state(f, "a", "parked");
	assert_string_equal(field(f, "a", "parked"),
	    "{\"class\": \"hostkey\", \"text\": \"the host key is "
	    "unknown\"}");
	assert_string_equal(field(f, "a", "next_attempt_at"), "null");
	host_retry(host_table_find(f->table, "a"));
	wait_field(f, field, "a", "attempt", "2");
	wait_state(f, "a", "parked");
}

static void
a_crash_names_the_signal(void **state)
{
	struct fixture *f = *state;
	struct host h[] = { HOST("a", "segv") };

	apply(f, h, 1);
	/* The first crash is retried at once, the second is not. */
	wait_field(f, field, "a", "attempt", "2");
	wait_state(f, "a", "waiting");
	assert_non_null(strstr(field(f, "a", "last_end"), "crash"));
	assert_non_null(strstr(field(f, "a", "last_end"), "signal 11"));
}

/* The table is one whose workers are judged after a second; its pulse. */
static struct pulse *
begin_pulse(struct fixture *f)
{
	struct pulse *pulse = pulse_new(f->base, 250);

	host_table_free(f->table);
	f->table = host_table_new(&(struct host_env){ .base = f->base,
	    .budget = f->budget, .resolver = f->resolver,
	    .worker = { "/proc/self/exe", -1, pulse } });
	return pulse;
}

static void
end_pulse(struct fixture *f, struct pulse *pulse)
{
	host_table_free(f->table);
	pulse_free(pulse);
	f->table = host_table_new(&(struct host_env){ .base = f->base,
	    .budget = f->budget });
}

/* The others don't notice. */
static void
a_worker_that_spins_is_replaced(void **state)
{
	struct fixture *f = *state;
	struct pulse *pulse = begin_pulse(f);
	struct host h[] = { HOST("a", "spins"), HOST("b", "good") };
	char *other;

	apply(f, h, 2);
	wait_state(f, "b", "up");
	other = str_dup(field(f, "b", "pid"));
	/* Replaced at once the first time, then after a while. */
	wait_state(f, "a", "up");
	wait_state(f, "a", "waiting");
	assert_non_null(strstr(field(f, "a", "last_end"), "\"crash\""));
	assert_non_null(strstr(field(f, "a", "last_end"),
	    "the worker did not answer for "));
	wait_field(f, field, "a", "workers", "[]");
	assert_string_equal(field(f, "b", "pid"), other);
	assert_string_equal(field(f, "b", "last_end"), "null");
	free(other);
	end_pulse(f, pulse);
}

/* Its clients would have waited for ever: a replacement's drain has no end. */
static void
a_drain_that_freezes_is_ended(void **state)
{
	struct fixture *f = *state;
	struct pulse *pulse = begin_pulse(f);
	struct host old[] = { HOST("a", "freezes") };
	struct host new_[] = { HOST("a", "good") };

	apply(f, old, 1);
	wait_state(f, "a", "up");
	apply(f, new_, 1);
	while (strstr(field(f, "a", "workers"), "draining") == NULL)
		event_base_loop(f->base, EVLOOP_ONCE);
	while (strstr(field(f, "a", "workers"), "draining") != NULL)
		event_base_loop(f->base, EVLOOP_ONCE);
	assert_string_equal(field(f, "a", "state"), "\"up\"");
	assert_string_equal(field(f, "a", "last_end"), "null");
	end_pulse(f, pulse);
}

static void
a_phase_has_a_deadline(void **state)
{
	struct fixture *f = *state;
	struct host h[] = { HOST("a", "hang") };

	h[0].connect_timeout_s = 1;
	apply(f, h, 1);
	wait_field(f, field, "a", "phase", "\"connect\"");
	wait_state(f, "a", "waiting");
	assert_non_null(strstr(field(f, "a", "last_end"), "timeout"));
	assert_non_null(strstr(field(f, "a", "last_end"), "phase connect"));
}

static void
no_worker_program(void **state)
{
	struct fixture *f = *state;
	struct host h[] = { HOST("a", "good") };

	host_table_free(f->table);
	f->table = host_table_new(&(struct host_env){ .base = f->base,
	    .budget = f->budget, .resolver = f->resolver,
	    .worker = { "/nowhere/hawser-worker", -1, NULL } });
	apply(f, h, 1);
	wait_field(f, field, "a", "attempt", "2");
	wait_state(f, "a", "waiting");
	assert_non_null(strstr(field(f, "a", "last_end"),
	    "/nowhere/hawser-worker"));
}

static void
a_held_port_is_asked_for_again(void **state)
{
	struct fixture *f = *state;
	struct forward r = remote();
	struct host h[] = { HOST("a", "held-once") };

	h[0].forwards = &r;
	h[0].forward_count = 1;
	apply(f, h, 1);
	wait_state(f, "a", "degraded");
	assert_string_equal(forward_field(f, "a", "state"), "\"held\"");
	assert_string_not_equal(forward_field(f, "a", "retry_at"), "null");
	wait_state(f, "a", "up");
	assert_string_equal(forward_field(f, "a", "state"), "\"up\"");
	assert_string_equal(forward_field(f, "a", "retry_at"), "null");
}

/* Its worker had no descriptor to spare for the listening socket. */
static void
a_listener_that_was_not_taken_is_lent_again(void **state)
{
	struct fixture *f = *state;
	struct forward l = local(free_port());
	struct host h[] = { HOST("a", "fumbles") };

	h[0].forwards = &l;
	h[0].forward_count = 1;
	apply(f, h, 1);
	wait_state(f, "a", "degraded");
	assert_string_equal(forward_field(f, "a", "state"),
	    "\"bind-failed\"");
	wait_state(f, "a", "up");
	assert_string_equal(forward_field(f, "a", "state"), "\"up\"");
	assert_true(accepts(l.listen.port));
}

/* Its worker says thrice that the command has run. */
static void
a_takeover_is_answered_once(void **state)
{
	struct fixture *f = *state;
	struct forward r = remote();
	struct host h[] = { HOST("a", "held") }, set[] = { HOST("a", "held") };

	h[0].forwards = set[0].forwards = &r;
	h[0].forward_count = set[0].forward_count = 1;
	h[0].takeover = set[0].takeover = (char *)"free it";
	set[0].alive_interval_s = 7;
	apply(f, h, 1);
	wait_field(f, forward_field, "a", "connections",
	    "{\"open\": 2, \"total\": 2, \"failed\": 2}");
	/* Asked for a third time by now, it would count thousands more. */
	apply(f, set, 1);
	wait_field(f, forward_field, "a", "connections",
	    "{\"open\": 2007, \"total\": 2007, \"failed\": 2007}");
}

static void
a_taken_port_leaves_the_rest_up(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_in in = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct host h[] = { HOST("a", "good") };
	struct forward l;
	char *want;

	assert_int_equal(bind(fd, (struct sockaddr *)&in, len), 0);
	assert_int_equal(listen(fd, 1), 0);
	getsockname(fd, (struct sockaddr *)&in, &len);
	l = local(ntohs(in.sin_port));
	h[0].forwards = &l;
	h[0].forward_count = 1;
	apply(f, h, 1);
	wait_state(f, "a", "degraded");
	assert_string_equal(forward_field(f, "a", "state"),
	    "\"bind-failed\"");
	want = str_dupf("\"127.0.0.1:%u is used by test_host (pid %ld)\"",
	    l.listen.port, (long)getpid());
	wait_field(f, forward_field, "a", "detail", want);
	free(want);
	close(fd);
	wait_state(f, "a", "up");
	wait_field(f, forward_field, "a", "state", "\"up\"");
}

static void
counters_outlive_the_worker(void **state)
{
	struct fixture *f = *state;
	struct forward r = remote();
	struct host h[] = { HOST("a", "counts") };

	h[0].forwards = &r;
	h[0].forward_count = 1;
	apply(f, h, 1);
	wait_state(f, "a", "up");
	wait_field(f, forward_field, "a", "connections",
	    "{\"open\": 1, \"total\": 2, \"failed\": 3}");
	host_down(host_table_find(f->table, "a"));
	wait_field(f, forward_field, "a", "connections",
	    "{\"open\": 0, \"total\": 2, \"failed\": 3}");
	host_up(host_table_find(f->table, "a"));
	wait_field(f, forward_field, "a", "connections",
	    "{\"open\": 1, \"total\": 4, \"failed\": 6}");
	assert_string_equal(forward_field(f, "a", "bytes"),
	    "{\"in\": 80, \"out\": 100}");
}

/* What a worker says of its counters hurts nobody. */
static void
a_liar_counts(void **state)
{
	struct fixture *f = *state;
	struct forward r = remote();
	struct host h[] = { HOST("a", "lies"), HOST("b", "good") };

	h[0].forwards = &r;
	h[0].forward_count = 1;
	apply(f, h, 2);
	wait_state(f, "b", "up");
	wait_field(f, forward_field, "a", "state", "\"up\"");
	while (strstr(forward_field(f, "a", "connections"),
	    "\"open\": 7,") == NULL)
		event_base_loop(f->base, EVLOOP_ONCE);
	assert_string_equal(field(f, "a", "state"), "\"up\"");
}

/* Its listener was lent already: the next client tells. */
static void
a_denied_local_forward_is_not_lent_again(void **state)
{
	struct fixture *f = *state;
	struct forward l = local(free_port());
	struct host h[] = { HOST("a", "denies") };

	h[0].forwards = &l;
	h[0].forward_count = 1;
	apply(f, h, 1);
	wait_field(f, forward_field, "a", "state", "\"denied\"");
	assert_string_equal(forward_field(f, "a", "retry_at"), "null");
}

static void
only_eight_connect_at_a_time(void **state)
{
	struct fixture *f = *state;
	static char names[20][16];
	struct host h[20];
	int connecting = 0;

	for (int i = 0; i < 20; i++) {
		snprintf(names[i], sizeof(names[i]), "h%d", i);
		h[i] = (struct host)HOST(names[i], "hang");
	}
	apply(f, h, 20);
	wait_field(f, field, "h7", "phase", "\"connect\"");
	for (int i = 0; i < 20; i++)
		if (str_equal(field(f, names[i], "state"), "\"connecting\""))
			connecting++;
	assert_int_equal(connecting, BUDGET_PLACES);
	assert_string_equal(field(f, "h8", "state"), "\"waiting\"");
	assert_non_null(strstr(field(f, "h8", "detail"), "one of 8 places"));
	host_down(host_table_find(f->table, "h0"));
	wait_state(f, "h8", "connecting");
}

/*
 * Fifteen find that the server does not answer, the others take turns; the
 * first answer is news for all.
 */
static void
a_silent_server_is_tried_in_turns(void **state)
{
	struct fixture *f = *state;
	static char names[18][16];
	struct host h[18];
	int64_t begin;

	for (int i = 0; i < 18; i++) {
		snprintf(names[i], sizeof(names[i]), "h%d", i);
		h[i] = (struct host)HOST(names[i], i < 16 ? "refuse" : "good");
	}
	apply(f, h, 18);
	wait_field(f, field, "h17", "detail", "\"127.0.0.1:22 does not answer: "
	    "its hosts take turns, one attempt a second\"");
	begin = clock_now_ms();
	wait_state(f, "h16", "up");
	/* h15 was before it. */
	assert_true(clock_now_ms() - begin >= 1000);
	wait_state(f, "h17", "up");
	/* Its own wait is an hour. */
	wait_field(f, field, "h0", "attempt", "2");
}

/* Who is up is asked for a sign of life; who waits is tried, if that helps. */
static void
after_sleep(void **state)
{
	struct fixture *f = *state;
	struct host h[] = { HOST("up", "good"), HOST("waits", "refuse"),
	    HOST("parked", "wrong-key") };

	apply(f, h, 3);
	wait_state(f, "up", "up");
	wait_state(f, "waits", "waiting");
	wait_state(f, "parked", "parked");
	/* No way has changed: nothing happens. */
	host_table_network_changed(f->table);
	host_table_slept(f->table, 60000);
	wait_field(f, field, "up", "rtt_ms", "3000.0");
	wait_field(f, field, "waits", "attempt", "2");
	wait_state(f, "waits", "waiting");
	/* Again at once: but once in 10 s is enough. */
	host_table_slept(f->table, 1000);
	assert_string_equal(field(f, "waits", "attempt"), "2");
	assert_string_equal(field(f, "parked", "attempt"), "1");
}

/* FAULTS, row 27: what is up stays so, and a wait ends when it should. */
static void
the_wall_clock_jumps(void **state)
{
	static const int64_t jumps[] = { WALL_YEAR, -WALL_YEAR, 0 };
	struct fixture *f = *state;
	struct host h[] = { HOST("a", "good"), HOST("b", "refuse") };
	int64_t begin, took;
	char *pid, want[16];

	h[1].backoff_min_ms = h[1].backoff_max_ms = 400;
	apply(f, h, 2);
	wait_state(f, "a", "up");
	pid = str_dup(field(f, "a", "pid"));
	for (size_t i = 0; i < sizeof(jumps) / sizeof(jumps[0]); i++) {
		int attempt = atoi(field(f, "b", "attempt"));

		snprintf(want, sizeof(want), "%d", attempt + 1);
		wait_field(f, field, "b", "attempt", want);
		wait_state(f, "b", "waiting");
		begin = clock_now_ms();
		wall_clock_set(jumps[i]);
		snprintf(want, sizeof(want), "%d", attempt + 2);
		wait_field(f, field, "b", "attempt", want);
		took = clock_now_ms() - begin;
		assert_in_range(took, 250, 2000);
		assert_string_equal(field(f, "a", "pid"), pid);
	}
	assert_string_equal(field(f, "a", "last_end"), "null");
	free(pid);
}

static void
on_stopped(void *arg)
{
	struct fixture *f = arg;

	f->stopped = true;
	event_base_loopbreak(f->base);
}

static void
a_stop_ends_even_the_deaf(void **state)
{
	struct fixture *f = *state;
	struct host h[] = { HOST("a", "good"), HOST("b", "deaf"),
	    HOST("c", "hang"), HOST("d", "refuse") };
	int64_t begin;

	apply(f, h, 4);
	wait_state(f, "a", "up");
	wait_state(f, "b", "up");
	wait_field(f, field, "d", "attempt", "1");
	begin = clock_now_ms();
	host_table_stop(f->table, 500, on_stopped, f);
	while (!f->stopped)
		event_base_loop(f->base, EVLOOP_ONCE);
	assert_true(clock_now_ms() - begin < 10000);
	assert_string_equal(field(f, "b", "workers"), "[]");
}

/* A tracer holds it at its exit, as the kernel would in state D. */
static void
a_stop_does_not_wait_for_the_undead(void **state)
{
	struct fixture *f = *state;
	struct host h[] = { HOST("a", "deaf") };
	int64_t begin;
	pid_t pid;

	apply(f, h, 1);
	wait_state(f, "a", "up");
	pid = (pid_t)atoi(field(f, "a", "pid"));
	if (ptrace(PTRACE_SEIZE, pid, NULL, PTRACE_O_TRACEEXIT) == -1)
		skip();
	begin = clock_now_ms();
	host_table_stop(f->table, 100, on_stopped, f);
	while (!f->stopped)
		event_base_loop(f->base, EVLOOP_ONCE);
	assert_true(clock_now_ms() - begin < 5000);
	assert_string_not_equal(field(f, "a", "workers"), "[]");
	while (ptrace(PTRACE_CONT, pid, NULL, NULL) == -1)
		assert_int_equal(errno, ESRCH);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(up_and_down),
		TEST(a_failure_waits_and_is_retried),
		TEST(a_wrong_host_key_parks),
		TEST(a_crash_names_the_signal),
		TEST(a_worker_that_spins_is_replaced),
		TEST(a_drain_that_freezes_is_ended),
		TEST(a_phase_has_a_deadline),
		TEST(no_worker_program),
		TEST(a_held_port_is_asked_for_again),
		TEST(a_listener_that_was_not_taken_is_lent_again),
		TEST(a_takeover_is_answered_once),
		TEST(a_taken_port_leaves_the_rest_up),
		TEST(counters_outlive_the_worker),
		TEST(a_liar_counts),
		TEST(a_denied_local_forward_is_not_lent_again),
		TEST(only_eight_connect_at_a_time),
		TEST(a_silent_server_is_tried_in_turns),
		TEST(after_sleep),
		TEST(the_wall_clock_jumps),
		TEST(a_stop_ends_even_the_deaf),
		TEST(a_stop_does_not_wait_for_the_undead),
	};

	return FIXTURE_MAIN(argc, argv, tests);
}
