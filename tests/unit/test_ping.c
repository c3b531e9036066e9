/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <event2/event.h>

#include "base/clock.h"
#include "ssh/connection.h"
#include "worker/ping.h"
#include "wall_clock.h"

/* A connection that answers only when the test says so. */
static request_reply *pending;
static void *pending_arg;
static int asked;

void
connection_ping(struct connection *c, request_reply *reply, void *arg)
{
	(void)c;
	assert_null(pending);
	pending = reply;
	pending_arg = arg;
	asked++;
}

static void
answer(void)
{
	request_reply *reply = pending;

	pending = NULL;
	reply(pending_arg, false, 0);
}

static struct {
	int rtt;
	int silent;
	int back;
	int64_t lost_ms;
	uint64_t heard;
	bool hears;
} seen;

static struct loop loop;

static void
on_rtt(void *arg, int64_t us)
{
	(void)arg;
	assert_true(us >= 0);
	seen.rtt++;
}

static void
on_silent(void *arg)
{
	(void)arg;
	seen.silent++;
}

static void
on_back(void *arg)
{
	(void)arg;
	seen.back++;
}

static void
on_lost(void *arg, int64_t silence_ms)
{
	(void)arg;
	seen.lost_ms = silence_ms;
}

static const struct ping_ops ops = { on_rtt, on_silent, on_back, on_lost };

static uint64_t
heard(void *arg)
{
	(void)arg;
	return seen.hears ? ++seen.heard : seen.heard;
}

static int
set_up(void **state)
{
	(void)state;
	memset(&seen, 0, sizeof(seen));
	pending = NULL;
	asked = 0;
	return loop_init(&loop, NULL);
}

static int
tear_down(void **state)
{
	(void)state;
	loop_fini(&loop);
	return 0;
}

static void
turn(void)
{
	event_base_loop(loop.base, EVLOOP_ONCE);
}

static void
asks_again_after_each_answer(void **state)
{
	struct ping *p = ping_new(&loop, 1, 3, heard, &ops, NULL);

	(void)state;
	assert_int_equal(asked, 1);
	answer();
	assert_int_equal(seen.rtt, 1);
	turn();
	assert_int_equal(asked, 2);
	answer();
	assert_int_equal(seen.rtt, 2);
	assert_int_equal(seen.silent, 0);
	ping_free(p);
}

static void
loses_in_time(void **state)
{
	struct ping *p = ping_new(&loop, 1, 1, heard, &ops, NULL);
	int64_t start = clock_now_ms(), took;

	(void)state;
	answer();
	while (seen.lost_ms == 0)
		turn();
	took = clock_now_ms() - start;
	assert_in_range(took, 1900, 2600);
	assert_in_range(seen.lost_ms, 1900, 2600);
	ping_free(p);
}

static void
is_silent_then_back(void **state)
{
	struct ping *p = ping_new(&loop, 1, 30, heard, &ops, NULL);

	(void)state;
	while (seen.silent == 0)
		turn();
	assert_int_equal(seen.back, 0);
	answer();
	assert_int_equal(seen.silent, 1);
	assert_int_equal(seen.back, 1);
	ping_free(p);
}

static void
a_slow_link_is_not_lost(void **state)
{
	struct ping *p = ping_new(&loop, 1, 1, heard, &ops, NULL);
	int64_t start = clock_now_ms();

	(void)state;
	seen.hears = true;
	while (clock_now_ms() - start < 3500)
		turn();
	assert_int_equal(seen.lost_ms, 0);
	assert_int_equal(seen.silent, 0);
	seen.hears = false;
	while (seen.lost_ms == 0)
		turn();
	ping_free(p);
}

/* Neither a loss nor a wait: with a question open, and between two. */
static void
the_wall_clock_jumps(void **state)
{
	static const int64_t jumps[] = { WALL_YEAR, -WALL_YEAR };
	struct ping *p = ping_new(&loop, 1, 1, heard, &ops, NULL);
	int64_t begin;

	(void)state;
	for (size_t i = 0; i < sizeof(jumps) / sizeof(jumps[0]); i++) {
		wall_clock_set(jumps[i]);
		answer();
		begin = clock_now_ms();
		while (pending == NULL)
			turn();
		assert_in_range(clock_now_ms() - begin, 900, 1500);
	}
	assert_int_equal(seen.lost_ms, 0);
	assert_int_equal(seen.silent, 0);
	wall_clock_set(0);
	ping_free(p);
}

static void
zero_never_asks(void **state)
{
	struct ping *p = ping_new(&loop, 0, 3, heard, &ops, NULL);

	(void)state;
	assert_int_equal(asked, 0);
	ping_free(p);
}

static void
is_lost_by_the_new_limit(int64_t from)
{
	int64_t took;

	while (seen.lost_ms == 0)
		turn();
	took = clock_now_ms() - from;
	assert_in_range(took, 1000, 2600);
}

static void
a_shorter_interval_counts_at_once(void **state)
{
	struct ping *p = ping_new(&loop, 3600, 3, heard, &ops, NULL);

	(void)state;
	answer();
	ping_set(p, 1, 1);
	is_lost_by_the_new_limit(clock_now_ms());
	assert_int_equal(asked, 2);
	ping_free(p);
}

/* The one ping is asked again of nobody, but waited for less long. */
static void
a_shorter_interval_counts_for_a_late_answer(void **state)
{
	struct ping *p = ping_new(&loop, 3600, 3, heard, &ops, NULL);

	(void)state;
	ping_set(p, 1, 1);
	is_lost_by_the_new_limit(clock_now_ms());
	assert_int_equal(asked, 1);
	ping_free(p);
}

/* However long it was silent: there is time for the answer. */
static void
an_old_silence_is_no_loss(void **state)
{
	struct ping *p = ping_new(&loop, 0, 3, heard, &ops, NULL);
	int64_t begin = clock_now_ms();

	(void)state;
	while (clock_now_ms() - begin < 2200)
		event_base_loop(loop.base, EVLOOP_NONBLOCK);
	ping_set(p, 1, 1);
	turn();
	assert_int_equal(asked, 1);
	assert_int_equal(seen.lost_ms, 0);
	answer();
	assert_int_equal(seen.rtt, 1);
	turn();
	assert_int_equal(asked, 2);
	ping_free(p);
}

static void
zero_ends_the_pings(void **state)
{
	struct ping *p = ping_new(&loop, 1, 30, heard, &ops, NULL);

	(void)state;
	while (seen.silent == 0)
		turn();
	/* Nobody waits for the answer: clients need not either. */
	ping_set(p, 0, 3);
	assert_int_equal(seen.back, 1);
	assert_int_equal(event_base_get_num_events(loop.base,
	    EVENT_BASE_COUNT_ADDED), 0);
	answer();
	assert_int_equal(seen.back, 1);
	assert_int_equal(seen.rtt, 1);
	assert_int_equal(event_base_get_num_events(loop.base,
	    EVENT_BASE_COUNT_ADDED), 0);
	ping_free(p);
}

static void
a_question_now_is_answered(void **state)
{
	struct ping *p = ping_new(&loop, 3600, 3, heard, &ops, NULL);

	(void)state;
	answer();
	ping_now(p, 200);
	assert_int_equal(asked, 2);
	answer();
	assert_int_equal(seen.rtt, 2);
	for (int64_t begin = clock_now_ms(); clock_now_ms() - begin < 400;)
		event_base_loop(loop.base, EVLOOP_NONBLOCK);
	assert_int_equal(seen.lost_ms, 0);
	ping_free(p);
}

static void
is_lost_after(int64_t from, int64_t ms)
{
	while (seen.lost_ms == 0)
		turn();
	assert_in_range(clock_now_ms() - from, ms, ms + 300);
	assert_in_range(seen.lost_ms, ms, ms + 300);
}

/* Whatever was heard before, and whether pings are due at all. */
static void
a_question_now_has_its_deadline(void **state)
{
	(void)state;
	for (int interval = 0; interval < 7200; interval += 3600) {
		struct ping *p = ping_new(&loop, interval, 3, heard, &ops,
		    NULL);

		if (interval > 0)
			answer();
		seen.lost_ms = 0;
		ping_now(p, 300);
		assert_non_null(pending);
		is_lost_after(clock_now_ms(), 300);
		pending = NULL;
		ping_free(p);
	}
}

/* One that is open: what was heard before the new question is no answer. */
static void
an_open_question_has_the_deadline(void **state)
{
	struct ping *p = ping_new(&loop, 3600, 3, heard, &ops, NULL);

	(void)state;
	seen.heard++;
	ping_now(p, 300);
	assert_int_equal(asked, 1);
	is_lost_after(clock_now_ms(), 300);
	ping_free(p);
}

/* A byte is enough; then the usual limit holds. */
static void
a_byte_answers_the_question(void **state)
{
	struct ping *p = ping_new(&loop, 3600, 3, heard, &ops, NULL);
	int64_t begin = clock_now_ms();

	(void)state;
	ping_now(p, 300);
	seen.heard++;
	while (clock_now_ms() - begin < 600)
		event_base_loop(loop.base, EVLOOP_NONBLOCK);
	assert_int_equal(seen.lost_ms, 0);
	ping_free(p);
}

/* Without an interval nothing is asked after the answer. */
static void
a_question_now_is_the_only_one(void **state)
{
	struct ping *p = ping_new(&loop, 0, 3, heard, &ops, NULL);

	(void)state;
	ping_now(p, 300);
	answer();
	assert_int_equal(event_base_get_num_events(loop.base,
	    EVENT_BASE_COUNT_ADDED), 0);
	ping_free(p);
}

int
main(void)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(asks_again_after_each_answer),
		TEST(loses_in_time),
		TEST(is_silent_then_back),
		TEST(a_slow_link_is_not_lost),
		TEST(the_wall_clock_jumps),
		TEST(zero_never_asks),
		TEST(a_shorter_interval_counts_at_once),
		TEST(a_shorter_interval_counts_for_a_late_answer),
		TEST(an_old_silence_is_no_loss),
		TEST(zero_ends_the_pings),
		TEST(a_question_now_is_answered),
		TEST(a_question_now_has_its_deadline),
		TEST(an_open_question_has_the_deadline),
		TEST(a_byte_answers_the_question),
		TEST(a_question_now_is_the_only_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
