/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "supervisor/budget.h"
#include "supervisor/host.h"
#include "supervisor/resolver.h"
#include "supervisor/view.h"
#include "own_worker.h"

/* The host table with real processes: this program is its own worker. */

struct fixture {
	struct event_base *base;
	struct budget *budget;
	struct resolver *resolver;
	struct host_table *table;
	struct config config;		/* in force */
	bool stopped;
};

static int
set_up(void **state)
{
	struct fixture *f = mem_alloc(sizeof(*f));

	f->base = event_base_new();
	f->budget = budget_new(BUDGET_PLACES);
	f->resolver = resolver_new(f->base);
	f->table = host_table_new(&(struct host_env){ f->base, f->budget,
	    f->resolver, "/proc/self/exe" });
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	host_table_free(f->table);
	resolver_free(f->resolver);
	budget_free(f->budget);
	event_base_free(f->base);
	free(f);
	return 0;
}

#define HOST(name_, user_)						\
	{ .name = (char *)(name_), .hostname = (char *)"127.0.0.1",	\
	    .port = 22, .user = (char *)(user_), .connect_timeout_s = 10, \
	    .alive_count_max = 3, .enabled = true,			\
	    .backoff_min_ms = 3600000, .backoff_max_ms = 3600000,	\
	    .stable_ms = 60000, .hold_ms = 30000, .drain_ms = 1000 }

static void
apply(struct fixture *f, struct host *hosts, size_t count)
{
	struct config c = { .hosts = hosts, .host_count = count };
	struct plan *plan = plan_make(f->config.host_count > 0 ? &f->config :
	    NULL, &c);

	host_table_apply(f->table, plan, &c);
	plan_free(plan);
	f->config = c;
}

/* A copy of a field of a host, as a JSON text; valid until the next call. */
static const char *
field(struct fixture *f, const char *name, const char *key)
{
	static char *text;
	json_t *host = view_host(f->table, name);

	free(text);
	text = host == NULL ? NULL :
	    json_dumps(json_object_get(host, key), JSON_ENCODE_ANY);
	json_decref(host);
	return text;
}

static const char *
forward_field(struct fixture *f, const char *name, const char *key)
{
	static char *text;
	json_t *host = view_host(f->table, name);

	free(text);
	text = json_dumps(json_object_get(json_array_get(
	    json_object_get(host, "forwards"), 0), key), JSON_ENCODE_ANY);
	json_decref(host);
	return text;
}

/* Turns the loop until the field has this value; 20 s at most. */
static void
wait_field(struct fixture *f, const char *(*get)(struct fixture *,
    const char *, const char *), const char *name, const char *key,
    const char *want)
{
	int64_t deadline = clock_now_ms() + 20000;
	struct timeval tick = { 0, 50000 };

	while (!str_equal(get(f, name, key), want)) {
		if (clock_now_ms() > deadline)
			fail_msg("%s %s is %s, not %s", name, key,
			    get(f, name, key), want);
		event_base_loopexit(f->base, &tick);
		event_base_loop(f->base, EVLOOP_ONCE);
	}
}

static void
wait_state(struct fixture *f, const char *name, const char *want)
{
	char *quoted = str_dupf("\"%s\"", want);

	wait_field(f, field, name, "state", quoted);
	free(quoted);
}

static uint16_t
free_port(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	bind(fd, (struct sockaddr *)&in, len);
	getsockname(fd, (struct sockaddr *)&in, &len);
	close(fd);
	return ntohs(in.sin_port);
}

static bool
accepts(uint16_t port)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
	    .sin_port = htons(port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), rc;

	rc = connect(fd, (struct sockaddr *)&in, sizeof(in));
	close(fd);
	return rc == 0;
}

static struct forward
local(uint16_t port)
{
	return (struct forward){ (char *)"L:test", FORWARD_LOCAL,
	    { ENDPOINT_TCP, NULL, port },
	    { ENDPOINT_TCP, (char *)"localhost", 80 } };
}

static struct forward
remote(void)
{
	return (struct forward){ (char *)"R:9", FORWARD_REMOTE,
	    { ENDPOINT_TCP, NULL, 9 },
	    { ENDPOINT_TCP, (char *)"localhost", 80 } };
}

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
	f->table = host_table_new(&(struct host_env){ f->base, f->budget,
	    f->resolver, "/nowhere/hawser-worker" });
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
	assert_non_null(strstr(forward_field(f, "a", "detail"),
	    "is used by test_host (pid"));
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

/* A forward that comes again counts from nothing. */
static void
counters_begin_anew_with_the_forward(void **state)
{
	struct fixture *f = *state;
	struct forward r = remote();
	struct host with[] = { HOST("a", "one-each") };
	struct host without[] = { HOST("a", "one-each") };

	with[0].forwards = &r;
	with[0].forward_count = 1;
	apply(f, with, 1);
	wait_field(f, forward_field, "a", "connections",
	    "{\"open\": 1, \"total\": 1, \"failed\": 1}");
	apply(f, without, 1);
	assert_string_equal(field(f, "a", "forwards"), "[]");
	apply(f, with, 1);
	wait_field(f, forward_field, "a", "connections",
	    "{\"open\": 1, \"total\": 1, \"failed\": 1}");
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

/* What the old link never had need not be waited for. */
static void
a_new_target_does_not_wait_for_the_old_link(void **state)
{
	struct fixture *f = *state;
	struct forward r = remote();
	struct host old[] = { HOST("a", "narrow") };
	struct host new_[] = { HOST("a", "narrow") };
	int64_t begin;

	new_[0].forwards = &r;
	new_[0].forward_count = 1;
	apply(f, old, 1);
	wait_state(f, "a", "up");
	apply(f, new_, 1);
	wait_field(f, forward_field, "a", "state", "\"down\"");
	begin = clock_now_ms();
	wait_field(f, forward_field, "a", "state", "\"up\"");
	assert_non_null(strstr(field(f, "a", "workers"), "draining"));
	assert_true(clock_now_ms() - begin < 2500);
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

static void
a_reload_touches_what_changed(void **state)
{
	struct fixture *f = *state;
	struct forward r = remote();
	struct host old[] = { HOST("a", "good"), HOST("b", "good"),
	    HOST("c", "good") };
	struct host new_[] = { HOST("d", "good"), HOST("b", "good"),
	    HOST("a", "good") };
	char *pid;

	apply(f, old, 3);
	wait_state(f, "a", "up");
	wait_state(f, "b", "up");
	wait_state(f, "c", "up");
	pid = str_dup(field(f, "a", "pid"));
	new_[1].forwards = &r;
	new_[1].forward_count = 1;
	apply(f, new_, 3);
	assert_null(field(f, "c", "state"));
	assert_string_equal(field(f, "a", "pid"), pid);
	wait_state(f, "d", "up");
	wait_field(f, forward_field, "b", "state", "\"up\"");
	apply(f, old, 3);
	assert_string_equal(field(f, "b", "forwards"), "[]");
	assert_string_equal(field(f, "a", "pid"), pid);
	wait_state(f, "c", "up");
	free(pid);
}

/* The worker counts the interval of its pings when it is told one. */
static void
a_reload_sets_what_is_live(void **state)
{
	struct fixture *f = *state;
	struct forward r = remote();
	struct host old[] = { HOST("a", "good") };
	struct host new_[] = { HOST("a", "good") };
	char *pid;

	old[0].forwards = new_[0].forwards = &r;
	old[0].forward_count = new_[0].forward_count = 1;
	old[0].alive_interval_s = 7;
	new_[0].alive_interval_s = 5;
	apply(f, old, 1);
	wait_field(f, forward_field, "a", "state", "\"up\"");
	pid = str_dup(field(f, "a", "pid"));
	/* What it knows is not told again. */
	apply(f, old, 1);
	apply(f, new_, 1);
	wait_field(f, forward_field, "a", "connections",
	    "{\"open\": 5, \"total\": 5, \"failed\": 5}");
	/* The log's too, though the host is kept. */
	log_set_format(LOG_JSON);
	apply(f, new_, 1);
	log_set_format(LOG_TEXT);
	wait_field(f, forward_field, "a", "connections",
	    "{\"open\": 105, \"total\": 105, \"failed\": 105}");
	assert_string_equal(field(f, "a", "pid"), pid);
	free(pid);
}

/* It was told of other pings while it connected. */
static void
a_reload_while_it_connects_counts(void **state)
{
	struct fixture *f = *state;
	struct forward r = remote();
	struct host old[] = { HOST("a", "good") };
	struct host new_[] = { HOST("a", "good") };

	old[0].forwards = new_[0].forwards = &r;
	old[0].forward_count = new_[0].forward_count = 1;
	new_[0].alive_interval_s = 5;
	apply(f, old, 1);
	wait_state(f, "a", "connecting");
	apply(f, new_, 1);
	wait_field(f, forward_field, "a", "connections",
	    "{\"open\": 5, \"total\": 5, \"failed\": 5}");
}

static void
a_new_link_comes_before_the_old_one_goes(void **state)
{
	struct fixture *f = *state;
	struct forward r = remote();
	struct host old[] = { HOST("a", "good") };
	struct host new_[] = { HOST("a", "good") };
	struct host bad[] = { HOST("a", "refuse") };
	char *pid;

	old[0].forwards = new_[0].forwards = bad[0].forwards = &r;
	old[0].forward_count = new_[0].forward_count = 1;
	bad[0].forward_count = 1;
	new_[0].hostname = (char *)"127.0.0.2";
	apply(f, old, 1);
	wait_field(f, forward_field, "a", "state", "\"up\"");
	pid = str_dup(field(f, "a", "pid"));
	/* One that fails changes nothing. */
	apply(f, bad, 1);
	wait_field(f, field, "a", "state", "\"up\"");
	while (str_equal(field(f, "a", "last_end"), "null"))
		event_base_loop(f->base, EVLOOP_ONCE);
	assert_string_equal(field(f, "a", "state"), "\"up\"");
	assert_string_equal(field(f, "a", "pid"), pid);
	apply(f, new_, 1);
	while (str_equal(field(f, "a", "pid"), pid)) {
		assert_string_equal(field(f, "a", "state"), "\"up\"");
		event_base_loop(f->base, EVLOOP_ONCE);
	}
	assert_string_equal(field(f, "a", "state"), "\"up\"");
	wait_field(f, forward_field, "a", "state", "\"up\"");
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

int
main(int argc, char **argv)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(up_and_down),
		TEST(a_failure_waits_and_is_retried),
		TEST(a_wrong_host_key_parks),
		TEST(a_crash_names_the_signal),
		TEST(a_phase_has_a_deadline),
		TEST(no_worker_program),
		TEST(a_held_port_is_asked_for_again),
		TEST(a_taken_port_leaves_the_rest_up),
		TEST(counters_outlive_the_worker),
		TEST(counters_begin_anew_with_the_forward),
		TEST(a_liar_counts),
		TEST(a_denied_local_forward_is_not_lent_again),
		TEST(a_new_target_does_not_wait_for_the_old_link),
		TEST(only_eight_connect_at_a_time),
		TEST(a_reload_touches_what_changed),
		TEST(a_reload_sets_what_is_live),
		TEST(a_reload_while_it_connects_counts),
		TEST(a_new_link_comes_before_the_old_one_goes),
		TEST(a_stop_ends_even_the_deaf),
	};

	if (argc == 2 && strcmp(argv[0], "hawser-worker") == 0)
		return own_worker_main();
	signal(SIGPIPE, SIG_IGN);
	log_setup(LOG_ERROR, "test");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
