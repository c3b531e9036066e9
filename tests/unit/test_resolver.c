/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <event2/event.h>
#include <netdb.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "supervisor/resolver.h"
#include "only_child.h"

/*
 * This program is its own resolver child. No name here asks a name server;
 * those that begin with "slow" take their time.
 */

#define SLOW_US	1000000

static int (*real)(const char *, const char *, const struct addrinfo *,
    struct addrinfo **);

int
getaddrinfo(const char *name, const char *service,
    const struct addrinfo *hints, struct addrinfo **out)
{
	if (strncmp(name, "slow", 4) == 0) {
		usleep(SLOW_US);
		name = "127.0.0.2";
	}
	return real(name, service, hints, out);
}

struct fixture {
	struct event_base *base;
	struct resolver *resolver;
	int answers;
	long long req;
	size_t count;
	bool has_loopback;
	char error[128];
};

static int
set_up(void **state)
{
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	f.base = event_base_new();
	f.resolver = resolver_new(f.base);
	*state = &f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	resolver_free(f->resolver);
	event_base_free(f->base);
	return 0;
}

static void
on_answer(void *arg, long long req, json_t *addresses, const char *error)
{
	struct fixture *f = arg;
	json_t *a;
	size_t i;

	f->answers++;
	f->req = req;
	f->count = json_array_size(addresses);
	f->has_loopback = false;
	json_array_foreach(addresses, i, a)
		if (str_equal(json_string_value(a), "127.0.0.1"))
			f->has_loopback = true;
	snprintf(f->error, sizeof(f->error), "%s", error != NULL ? error : "");
}

static void
wait_answers(struct fixture *f, int count)
{
	int64_t deadline = clock_now_ms() + 30000;

	while (f->answers < count) {
		assert_true(clock_now_ms() < deadline);
		event_base_loop(f->base, EVLOOP_ONCE);
	}
}

static void
a_name_has_addresses(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(only_child(), 0);
	resolver_ask(f->resolver, "localhost", 7, on_answer, f);
	assert_int_equal(f->answers, 0);
	wait_answers(f, 1);
	assert_int_equal(f->req, 7);
	assert_true(f->has_loopback);
	assert_string_equal(f->error, "");
}

static void
a_bad_name_has_an_error(void **state)
{
	struct fixture *f = *state;

	resolver_ask(f->resolver, "a..b", 8, on_answer, f);
	wait_answers(f, 1);
	assert_int_equal(f->req, 8);
	assert_int_equal(f->count, 0);
	assert_string_not_equal(f->error, "");
}

/* What a worker sends is no reason for the child to die. */
static void
a_name_too_long_is_not_asked_for(void **state)
{
	struct fixture *f = *state;
	char *name = mem_alloc(204700);

	memset(name, 'a', 204699);
	resolver_ask(f->resolver, name, 9, on_answer, f);
	wait_answers(f, 1);
	assert_int_equal(f->req, 9);
	assert_string_equal(f->error, "the name is too long");
	assert_int_equal(only_child(), 0);
	free(name);
}

static void
many_at_once(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 500; i++)
		resolver_ask(f->resolver, "127.0.0.1", i, on_answer, f);
	wait_answers(f, 500);
	assert_true(f->has_loopback);
}

/* Who asks for slow names without end waits for them alone. */
static void
one_leaves_room_for_others(void **state)
{
	struct fixture *f = *state, greedy = *f;
	int64_t begin = clock_now_ms();

	for (int i = 0; i < RESOLVER_ASKER_MAX + 10; i++)
		resolver_ask(f->resolver, "slow", i, on_answer, &greedy);
	resolver_ask(f->resolver, "localhost", 5000, on_answer, f);
	wait_answers(f, 1);
	assert_true(f->has_loopback);
	assert_true(clock_now_ms() - begin < SLOW_US / 1000);
	assert_int_equal(greedy.answers, 10);
	assert_string_equal(greedy.error,
	    "too many names are being looked up");
	/* Each answer makes room for one that waits. */
	wait_answers(&greedy, 10 + 2 * RESOLVER_ASKER_SENT);
	assert_string_equal(greedy.error, "");
	assert_in_range(clock_now_ms() - begin, 2 * SLOW_US / 1000, 5000);
	/* What is under way keeps its place, though nobody waits for it. */
	resolver_forget(f->resolver, &greedy);
	resolver_ask(f->resolver, "localhost", 5001, on_answer, f);
	wait_answers(f, 2);
	assert_int_equal(f->req, 5001);
}

static void
who_is_gone_hears_nothing(void **state)
{
	struct fixture *f = *state, other = *f;

	resolver_ask(f->resolver, "localhost", 1, on_answer, &other);
	resolver_ask(f->resolver, "localhost", 2, on_answer, f);
	resolver_forget(f->resolver, &other);
	wait_answers(f, 1);
	assert_int_equal(other.answers, 0);
}

static void
a_dead_child_is_replaced(void **state)
{
	struct fixture *f = *state;
	pid_t pid;

	resolver_ask(f->resolver, "localhost", 1, on_answer, f);
	wait_answers(f, 1);
	pid = only_child();
	assert_true(pid > 0);
	kill(pid, SIGSTOP);
	resolver_ask(f->resolver, "localhost", 2, on_answer, f);
	kill(pid, SIGKILL);
	wait_answers(f, 2);
	assert_string_equal(f->error, "the resolver process died");
	resolver_ask(f->resolver, "localhost", 3, on_answer, f);
	wait_answers(f, 3);
	assert_true(f->has_loopback);
	assert_int_not_equal(only_child(), pid);
}

static void
silence_has_a_deadline(void **state)
{
	struct fixture *f = *state;
	int64_t begin;
	pid_t pid;

	resolver_ask(f->resolver, "localhost", 1, on_answer, f);
	wait_answers(f, 1);
	pid = only_child();
	kill(pid, SIGSTOP);
	begin = clock_now_ms();
	resolver_ask(f->resolver, "localhost", 2, on_answer, f);
	wait_answers(f, 2);
	assert_in_range(clock_now_ms() - begin, RESOLVER_MS - 100,
	    RESOLVER_MS + 5000);
	assert_non_null(strstr(f->error, "within 5 s"));
	/* A late answer is nobody's. */
	kill(pid, SIGCONT);
	resolver_ask(f->resolver, "localhost", 3, on_answer, f);
	wait_answers(f, 3);
	assert_int_equal(f->req, 3);
}

int
main(int argc, char **argv)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_name_has_addresses),
		TEST(a_bad_name_has_an_error),
		TEST(a_name_too_long_is_not_asked_for),
		TEST(many_at_once),
		TEST(one_leaves_room_for_others),
		TEST(who_is_gone_hears_nothing),
		TEST(a_dead_child_is_replaced),
		TEST(silence_has_a_deadline),
	};

	real = (int (*)(const char *, const char *, const struct addrinfo *,
	    struct addrinfo **))dlsym(RTLD_NEXT, "getaddrinfo");
	if (argc == 3 && strcmp(argv[1], RESOLVER_OPTION) == 0)
		return resolver_child_main();
	log_setup(LOG_ERROR, "test");
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
