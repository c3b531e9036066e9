/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "supervisor/schedule.h"

#define MOST	UINT32_MAX	/* the random number of the longest delay */

static const struct schedule_limits limits = {
	.min_ms = 1000, .max_ms = 300000, .stable_ms = 60000,
};

static int64_t
delay(struct schedule *s, enum end_class class_, int64_t up_ms,
    uint32_t random)
{
	struct schedule_verdict v = schedule_next(s, &limits, class_, up_ms,
	    random);

	assert_false(v.park);
	return v.delay_ms;
}

/* The first, second... longest delay of a class, and where it ends. */
static void
check_ladder(enum end_class class_, const int64_t *want, size_t n)
{
	struct schedule s = { 0 };

	for (size_t i = 0; i < n; i++) {
		int64_t got = delay(&s, class_, -1, MOST);

		/* Full jitter never reaches its end. */
		assert_in_range(got, want[i] > 0 ? want[i] - 1 : 0, want[i]);
	}
}

#define LADDER(class_, ...) do {					\
	static const int64_t want[] = { __VA_ARGS__ };			\
	check_ladder((class_), want, sizeof(want) / sizeof(want[0]));	\
} while (0)

static void
ladders(void **state)
{
	(void)state;
	LADDER(END_RESOLVE, 2000, 4000, 8000, 16000);
	LADDER(END_UNREACHABLE, 2000, 4000);
	LADDER(END_REFUSED, 2000, 4000);
	LADDER(END_TIMEOUT, 2000, 4000);
	LADDER(END_CLOSED, 2000, 4000);
	LADDER(END_PROXY, 2000, 4000);
	LADDER(END_FORWARD, 2000, 4000);
	LADDER(END_STOPPED, 2000, 4000);
	LADDER(END_LOST, 0, 2000, 4000);
	LADDER(END_CRASH, 0, 10000, 20000, 40000, 80000, 160000, 300000,
	    300000);
	LADDER(END_CLOSED_EARLY, 30000, 60000, 120000, 240000, 480000,
	    600000, 600000);
	LADDER(END_KEX, 120000, 240000, 480000, 900000, 900000);
	LADDER(END_PROTOCOL, 120000, 240000, 480000, 900000);
	LADDER(END_AUTH, 120000, 240000, 480000, 900000, 900000);
}

static void
floors(void **state)
{
	static const struct {
		enum end_class class_;
		int64_t floor_ms;
	} rows[] = {
		{ END_REFUSED, 1000 }, { END_CLOSED_EARLY, 15000 },
		{ END_KEX, 60000 }, { END_AUTH, 60000 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct schedule s = { 0 };

		for (int n = 0; n < 50; n++)
			assert_int_equal(delay(&s, rows[i].class_, -1, 0),
			    rows[i].floor_ms);
	}
}

static void
every_class_has_a_verdict(void **state)
{
	(void)state;
	for (int c = 0; c < END_CLASS_COUNT; c++) {
		struct schedule s = { 0 };
		struct schedule_verdict v = schedule_next(&s, &limits,
		    (enum end_class)c, -1, MOST);

		assert_int_equal(v.park, c == END_HOSTKEY);
		assert_in_range(v.delay_ms, 0, 900000);
	}
}

static void
only_a_stable_link_resets(void **state)
{
	struct schedule s = { 0 };

	(void)state;
	for (int i = 0; i < 5; i++)
		delay(&s, END_REFUSED, -1, MOST);
	/* Up, but not for long: the ladder goes on, and "at once" is new. */
	assert_int_equal(delay(&s, END_LOST, 59999, MOST), 0);
	assert_true(delay(&s, END_LOST, 59999, MOST) > 32000);
	assert_int_equal(delay(&s, END_LOST, 60000, MOST), 0);
	assert_in_range(delay(&s, END_REFUSED, -1, MOST), 1999, 2000);
}

static void
stable_zero_resets_with_every_up(void **state)
{
	struct schedule_limits zero = limits;
	struct schedule s = { 0 };

	(void)state;
	zero.stable_ms = 0;
	for (int i = 0; i < 10; i++)
		assert_int_equal(schedule_next(&s, &zero, END_CRASH, 0,
		    MOST).delay_ms, 0);
	schedule_next(&s, &zero, END_REFUSED, -1, MOST);
	assert_true(schedule_next(&s, &zero, END_REFUSED, -1,
	    MOST).delay_ms > 2000);
}

static void
ladders_do_not_mix(void **state)
{
	struct schedule s = { 0 };

	(void)state;
	for (int i = 0; i < 20; i++)
		delay(&s, END_UNREACHABLE, -1, MOST);
	assert_in_range(delay(&s, END_CLOSED_EARLY, -1, MOST), 29999, 30000);
	assert_int_equal(delay(&s, END_CRASH, -1, MOST), 0);
}

static void
a_larger_backoff_wins(void **state)
{
	struct schedule_limits slow = { 3600000, 3600000, 60000 };
	struct schedule s = { 0 };

	(void)state;
	for (int c = 0; c < END_CLASS_COUNT; c++) {
		struct schedule_verdict v;

		if (c == END_HOSTKEY)
			continue;
		memset(&s, 0, sizeof(s));
		s.used_first[LADDER_NORMAL] = true;
		s.used_first[LADDER_CRASH] = true;
		v = schedule_next(&s, &slow, (enum end_class)c, -1, MOST);
		assert_int_equal(v.delay_ms, 3600000);
	}
}

/* What the network may be the reason of; nothing else. */
static void
only_some_classes_wake(void **state)
{
	static const bool wakes[END_CLASS_COUNT] = {
		[END_RESOLVE] = true, [END_UNREACHABLE] = true,
		[END_REFUSED] = true, [END_TIMEOUT] = true,
		[END_LOST] = true, [END_PROXY] = true,
	};

	(void)state;
	for (int c = 0; c < END_CLASS_COUNT; c++) {
		struct schedule s = { 0 };
		int64_t ms = schedule_wake(&s, (enum end_class)c, 1000, 60000,
		    MOST);

		assert_int_equal(ms, wakes[c] ? SCHEDULE_JITTER_MS - 1 :
		    60000);
	}
}

static void
some_classes_are_silence(void **state)
{
	static const bool silent[END_CLASS_COUNT] = {
		[END_RESOLVE] = true, [END_UNREACHABLE] = true,
		[END_REFUSED] = true, [END_TIMEOUT] = true,
		[END_CLOSED_EARLY] = true, [END_LOST] = true,
		[END_PROXY] = true,
	};

	(void)state;
	for (int c = 0; c < END_CLASS_COUNT; c++)
		assert_int_equal(schedule_is_silence((enum end_class)c),
		    silent[c]);
}

static void
a_wake_begins_the_backoff_anew(void **state)
{
	struct schedule s = { 0 };

	(void)state;
	for (int i = 0; i < 9; i++)
		delay(&s, END_REFUSED, -1, MOST);
	assert_int_equal(schedule_wake(&s, END_REFUSED, 1000, 60000, 0), 0);
	assert_in_range(delay(&s, END_REFUSED, -1, MOST), 1999, 2000);
	/* But "at once" is not given again: the link was not stable. */
	assert_int_equal(delay(&s, END_LOST, -1, MOST), 0);
	schedule_wake(&s, END_LOST, 20000, 60000, 0);
	assert_true(delay(&s, END_LOST, -1, MOST) > 0);
}

static void
one_wake_in_ten_seconds(void **state)
{
	struct schedule s = { 0 };

	(void)state;
	assert_int_equal(schedule_wake(&s, END_TIMEOUT, 5000, 300000, 0), 0);
	/* The next one is put off, not lost, and the one after is the same. */
	assert_int_equal(schedule_wake(&s, END_TIMEOUT, 7000, 300000, 0),
	    8000);
	assert_int_equal(schedule_wake(&s, END_TIMEOUT, 8000, 7000, 0), 7000);
	assert_int_equal(schedule_wake(&s, END_TIMEOUT, 25001, 300000, 0), 0);
	/* Never later than it was to be. */
	assert_int_equal(schedule_wake(&s, END_TIMEOUT, 40000, 0, MOST), 0);
	assert_int_equal(schedule_wake(&s, END_TIMEOUT, 40000, 10, MOST), 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ladders),
		cmocka_unit_test(floors),
		cmocka_unit_test(every_class_has_a_verdict),
		cmocka_unit_test(only_a_stable_link_resets),
		cmocka_unit_test(stable_zero_resets_with_every_up),
		cmocka_unit_test(ladders_do_not_mix),
		cmocka_unit_test(a_larger_backoff_wins),
		cmocka_unit_test(only_some_classes_wake),
		cmocka_unit_test(some_classes_are_silence),
		cmocka_unit_test(a_wake_begins_the_backoff_anew),
		cmocka_unit_test(one_wake_in_ten_seconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
