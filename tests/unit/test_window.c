/* SPDX-License-Identifier: ISC */
/* Receive windows that follow their stream. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ssh/window.h"

#define RTT_US	100000

/* What the window, the pool and the peer agree on. */
static void
assert_sums(const struct window *w)
{
	assert_int_equal(w->left + w->taken, w->size + w->debt);
}

/*
 * The server sends all that it may, the user takes it within us
 * microseconds, step by step; what is given back comes for the next turn.
 */
static int64_t
carry(struct window *w, struct window_pool *pool, int64_t now_us, int64_t us)
{
	uint32_t all = w->left, steps = all / WINDOW_STEP;

	for (uint32_t i = 0; i < steps; i++) {
		assert_true(window_receive(w, WINDOW_STEP));
		now_us += us / steps;
		assert_true(window_take(w, WINDOW_STEP));
		window_give(w, pool, now_us);
		assert_sums(w);
	}
	return now_us;
}

static void
test_beyond_the_window(void **state)
{
	struct window w;

	(void)state;
	window_init(&w);
	assert_false(window_receive(&w, WINDOW_MIN + 1));
	assert_true(window_receive(&w, WINDOW_MIN));
	assert_false(window_receive(&w, 1));
	assert_true(window_receive(&w, 0));
}

static void
test_steps(void **state)
{
	struct window_pool pool = { 0 };
	struct window w;

	(void)state;
	window_init(&w);
	assert_true(window_receive(&w, WINDOW_MIN));
	assert_false(window_take(&w, WINDOW_STEP - 1));
	assert_true(window_take(&w, 1));
	assert_int_equal(window_give(&w, &pool, 1), WINDOW_STEP);
	assert_false(window_take(&w, 1));
}

static void
test_stays_on_a_short_line(void **state)
{
	struct window_pool pool = { .rtt_us = 100 };
	int64_t now = 1;
	struct window w;

	(void)state;
	window_init(&w);
	/* 1 GB/s over 100 us: 100 KB a round trip. */
	for (int i = 0; i < 100; i++)
		now = carry(&w, &pool, now, 2000);
	assert_int_equal(w.size, WINDOW_MIN);
	assert_int_equal(pool.used, 0);
}

static void
test_stays_without_a_round_trip(void **state)
{
	struct window_pool pool = { 0 };
	int64_t now = 1;
	struct window w;

	(void)state;
	window_init(&w);
	for (int i = 0; i < 100; i++)
		now = carry(&w, &pool, now, RTT_US);
	assert_int_equal(w.size, WINDOW_MIN);
}

static void
test_grows_on_a_long_line(void **state)
{
	struct window_pool pool = { .rtt_us = RTT_US };
	int64_t now = 1;
	struct window w;
	int turns;

	(void)state;
	window_init(&w);
	for (turns = 0; w.size < WINDOW_MAX && turns < 100; turns++)
		now = carry(&w, &pool, now, RTT_US);
	/* From 2 to 64 MiB by an eighth and 1 MiB in each round trip. */
	assert_in_range(turns, 17, 21);
	for (int i = 0; i < 20; i++)
		now = carry(&w, &pool, now, RTT_US);
	assert_int_equal(w.size, WINDOW_MAX);
	assert_int_equal(pool.used, WINDOW_MAX - WINDOW_MIN);
	window_fini(&w, &pool);
	assert_int_equal(pool.used, 0);
}

/* A line that carries no more than rate bytes per microsecond. */
static int64_t
carry_at(struct window *w, struct window_pool *pool, int64_t now, uint32_t rate)
{
	return carry(w, pool, now, w->left / rate > RTT_US ?
	    w->left / rate : RTT_US);
}

static void
test_grows_to_the_need(void **state)
{
	static const uint32_t rates[] = { 50, 120, 250, 400 };
	struct window_pool pool = { .rtt_us = RTT_US };
	int64_t now = 1;
	struct window w;

	(void)state;
	for (size_t r = 0; r < sizeof(rates) / sizeof(rates[0]); r++) {
		window_init(&w);
		for (int i = 0; i < 200; i++)
			now = carry_at(&w, &pool, now, rates[r]);
		assert_in_range(w.size, rates[r] * RTT_US,
		    rates[r] * RTT_US + 2 * WINDOW_SPARE(w.size));
		window_fini(&w, &pool);
	}
}

/* Else the rest of the window would fill the server's buffer. */
static void
test_follows_a_line_that_slows_down(void **state)
{
	struct window_pool pool = { .rtt_us = RTT_US };
	int64_t now = 1;
	struct window w;

	(void)state;
	window_init(&w);
	for (int i = 0; i < 50; i++)
		now = carry_at(&w, &pool, now, 400);
	assert_in_range(w.size, 40000000, WINDOW_MAX);
	for (int i = 0; i < 3; i++)
		now = carry_at(&w, &pool, now, 200);
	assert_int_equal(w.debt, 0);
	assert_in_range(w.size, 20000000, 20000000 + 2 * WINDOW_SPARE(w.size));
	/* And back. */
	for (int i = 0; i < 10; i++)
		now = carry_at(&w, &pool, now, 400);
	assert_in_range(w.size, 40000000, WINDOW_MAX);
}

static void
test_shrinks_for_a_slow_reader(void **state)
{
	struct window_pool pool = { .rtt_us = RTT_US };
	int64_t now = 1;
	struct window w;

	(void)state;
	window_init(&w);
	while (w.size < WINDOW_MAX)
		now = carry(&w, &pool, now, RTT_US);
	/* A step each second: what was given out is not given again. */
	for (int i = 0; i < 300; i++) {
		assert_true(window_receive(&w, w.left < WINDOW_STEP ? w.left :
		    WINDOW_STEP));
		now += 1000000;
		assert_true(window_take(&w, WINDOW_STEP));
		window_give(&w, &pool, now);
	}
	assert_in_range(w.size, WINDOW_MIN, 2 * WINDOW_MIN);
	assert_int_equal(w.debt, 0);
	assert_int_equal(pool.used, w.size - WINDOW_MIN);
}

static void
test_the_pool_is_shared(void **state)
{
	struct window_pool pool = { .rtt_us = RTT_US };
	int64_t now = 1;
	struct window w[8];
	uint64_t sum = 0;

	(void)state;
	for (int i = 0; i < 8; i++) {
		window_init(&w[i]);
		for (int j = 0; j < 30; j++)
			now = carry(&w[i], &pool, now, RTT_US);
		sum += w[i].size - WINDOW_MIN;
		assert_int_equal(pool.used, sum);
		assert_true(sum <= WINDOW_POOL);
	}
	assert_int_equal(w[7].size, WINDOW_MIN);
	/* What one leaves the next one gets. */
	window_fini(&w[0], &pool);
	for (int j = 0; j < 30; j++)
		now = carry(&w[7], &pool, now, RTT_US);
	assert_true(w[7].size > WINDOW_MIN);
}

static void
test_the_shortest_round_trip_counts(void **state)
{
	struct window_pool pool = { 0 };

	(void)state;
	window_note_rtt(&pool, 300, 1);
	window_note_rtt(&pool, 100, 2);
	window_note_rtt(&pool, 200, 3);
	assert_int_equal(pool.rtt_us, 100);
	window_note_rtt(&pool, 0, 4);
	assert_int_equal(pool.rtt_us, 1);
}

static void
test_a_route_gets_longer(void **state)
{
	const int64_t start = 1000 * WINDOW_SPELL_US;
	struct window_pool pool = { 0 };

	(void)state;
	assert_true(window_needs_rtt(&pool, start));
	window_note_rtt(&pool, 100, start);
	assert_int_equal(pool.rtt_us, 100);
	for (int i = 1; i < 20; i++)
		window_note_rtt(&pool, 300, start + i * WINDOW_SPELL_US / 10);
	assert_int_equal(pool.rtt_us, 100);
	window_note_rtt(&pool, 300, start + 2 * WINDOW_SPELL_US);
	assert_int_equal(pool.rtt_us, 300);
	/* Nobody pings: the next stream asks. */
	assert_false(window_needs_rtt(&pool, start + 3 * WINDOW_SPELL_US));
	assert_true(window_needs_rtt(&pool, start + 4 * WINDOW_SPELL_US));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_beyond_the_window),
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_stays_on_a_short_line),
		cmocka_unit_test(test_stays_without_a_round_trip),
		cmocka_unit_test(test_grows_on_a_long_line),
		cmocka_unit_test(test_grows_to_the_need),
		cmocka_unit_test(test_follows_a_line_that_slows_down),
		cmocka_unit_test(test_shrinks_for_a_slow_reader),
		cmocka_unit_test(test_the_pool_is_shared),
		cmocka_unit_test(test_the_shortest_round_trip_counts),
		cmocka_unit_test(test_a_route_gets_longer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
