/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "supervisor/availability.h"

#define HOUR	((int64_t)3600 * 1000)

static void
assert_near(double got, double want, double most)
{
	assert_true(got - want < most && want - got < most);
}

static void
assert_ratio(struct availability *a, int64_t now, double want)
{
	assert_near(availability_ratio(a, now), want, 1e-9);
}

static void
nothing_is_known_at_first(void **state)
{
	struct availability a;

	(void)state;
	availability_init(&a, 1000);
	assert_true(availability_ratio(&a, 5 * HOUR) < 0);
	assert_int_equal(availability_outages(&a, 5 * HOUR), 0);
}

static void
time_is_weighed(void **state)
{
	struct availability a;

	(void)state;
	availability_init(&a, 12345);
	availability_set(&a, AVAILABILITY_DOWN, 12345);
	availability_set(&a, AVAILABILITY_UP, 12345 + HOUR);
	assert_int_equal(availability_outages(&a, 12345 + HOUR), 0);
	assert_ratio(&a, 12345 + 4 * HOUR, 0.75);
	availability_set(&a, AVAILABILITY_DOWN, 12345 + 4 * HOUR);
	assert_int_equal(availability_outages(&a, 12345 + 8 * HOUR), 1);
	assert_ratio(&a, 12345 + 8 * HOUR, 3.0 / 8);
	/* Not wanted: neither up nor down, and no outage. */
	availability_set(&a, AVAILABILITY_UP, 12345 + 8 * HOUR);
	availability_set(&a, AVAILABILITY_UNKNOWN, 12345 + 8 * HOUR);
	assert_ratio(&a, 12345 + 14 * HOUR, 3.0 / 8);
	assert_int_equal(availability_outages(&a, 12345 + 14 * HOUR), 1);
}

static void
a_day_later_it_is_forgotten(void **state)
{
	struct availability a;

	(void)state;
	availability_init(&a, 0);
	availability_set(&a, AVAILABILITY_UP, 0);
	availability_set(&a, AVAILABILITY_DOWN, HOUR);
	availability_set(&a, AVAILABILITY_UP, 2 * HOUR);
	assert_int_equal(availability_outages(&a, 24 * HOUR), 1);
	assert_int_equal(availability_outages(&a, 26 * HOUR), 0);
	assert_ratio(&a, 27 * HOUR, 1);
	/* A look after years costs no more, and is right. */
	availability_set(&a, AVAILABILITY_DOWN, 100000 * HOUR);
	/* The oldest slot goes as a whole: 23.75 h to 24 h are counted. */
	assert_near(availability_ratio(&a, 100006 * HOUR), 0.75, 0.01);
}

static void
flapping_costs_nothing(void **state)
{
	struct availability a;
	int64_t t = 0;

	(void)state;
	availability_init(&a, 0);
	for (int i = 0; i < 86400; i++) {
		availability_set(&a, AVAILABILITY_UP, t += 500);
		availability_set(&a, AVAILABILITY_DOWN, t += 500);
	}
	assert_in_range(availability_outages(&a, t), 85500, 86400);
	assert_near(availability_ratio(&a, t), 0.5, 1e-3);
}

/* What the ledger knows is added, also from before the clock's zero. */
static void
the_past_is_added(void **state)
{
	struct availability a;

	(void)state;
	availability_init(&a, HOUR);
	availability_seed(&a, HOUR, 8, AVAILABILITY_SLOT_MS / 2,
	    AVAILABILITY_SLOT_MS / 2, 2);
	availability_seed(&a, HOUR, AVAILABILITY_SLOTS - 1,
	    INT64_MAX, -5, 1);
	assert_ratio(&a, HOUR, 0.75);
	assert_int_equal(availability_outages(&a, HOUR), 3);
	availability_set(&a, AVAILABILITY_UP, HOUR);
	assert_ratio(&a, HOUR + 2 * AVAILABILITY_SLOT_MS, 2.5 / 3);
	assert_int_equal(availability_outages(&a,
	    HOUR + 2 * AVAILABILITY_SLOT_MS), 2);
}

/* A start is no outage, but one that fails is, as the ledger counts it. */
static void
a_start_that_fails_is_an_outage(void **state)
{
	struct availability a;

	(void)state;
	availability_init(&a, 0);
	availability_fail(&a, 1);	/* not wanted: it doesn't matter */
	availability_set(&a, AVAILABILITY_DOWN, 10);
	assert_int_equal(availability_outages(&a, 20), 0);
	availability_fail(&a, 30);
	availability_fail(&a, 40);
	assert_int_equal(availability_outages(&a, 50), 1);
	availability_set(&a, AVAILABILITY_UP, 60);
	availability_fail(&a, 70);	/* the loss tells it itself */
	assert_int_equal(availability_outages(&a, 80), 1);
	availability_set(&a, AVAILABILITY_DOWN, 80);
	availability_fail(&a, 90);
	assert_int_equal(availability_outages(&a, 100), 2);
	assert_int_equal(a.outages, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_known_at_first),
		cmocka_unit_test(time_is_weighed),
		cmocka_unit_test(a_day_later_it_is_forgotten),
		cmocka_unit_test(flapping_costs_nothing),
		cmocka_unit_test(the_past_is_added),
		cmocka_unit_test(a_start_that_fails_is_an_outage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
