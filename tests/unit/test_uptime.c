/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "supervisor/uptime.h"

static void
fill(struct uptime_spans *s, const struct uptime_span *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		uptime_add(s, list[i].from, list[i].to);
	uptime_join(s);
}

static void
test_join(void **state)
{
	static const struct uptime_span list[] = { { 50, 60 }, { 10, 20 },
	    { 20, 30 }, { 15, 18 }, { 7, 7 }, { 9, 8 }, { 55, 58 },
	    { 59, 70 } };
	struct uptime_spans s = { 0 };

	(void)state;
	uptime_join(&s);
	assert_int_equal(s.count, 0);
	fill(&s, list, sizeof(list) / sizeof(list[0]));
	assert_int_equal(s.count, 2);
	assert_int_equal(s.list[0].from, 10);
	assert_int_equal(s.list[0].to, 30);
	assert_int_equal(s.list[1].from, 50);
	assert_int_equal(s.list[1].to, 70);
	uptime_spans_fini(&s);
}

static void
test_length(void **state)
{
	static const struct uptime_span list[] = { { 10, 30 }, { 50, 70 } };
	struct uptime_spans s = { 0 };

	(void)state;
	assert_int_equal(uptime_length(&s, 0, 100), 0);
	fill(&s, list, 2);
	assert_int_equal(uptime_length(&s, 0, 100), 40);
	assert_int_equal(uptime_length(&s, 20, 60), 20);
	assert_int_equal(uptime_length(&s, 30, 50), 0);
	assert_int_equal(uptime_length(&s, 12, 13), 1);
	assert_int_equal(uptime_length(&s, 70, 10), 0);
	assert_true(uptime_touches(&s, (struct uptime_span){ 20, 20 }));
	assert_true(uptime_touches(&s, (struct uptime_span){ 30, 40 }));
	assert_true(uptime_touches(&s, (struct uptime_span){ 0, 100 }));
	assert_false(uptime_touches(&s, (struct uptime_span){ 31, 49 }));
	uptime_spans_fini(&s);
}

static void
test_common(void **state)
{
	static const struct uptime_span known[] = { { 0, 20 }, { 40, 60 },
	    { 80, 90 } };
	static const struct uptime_span down[] = { { 10, 50 }, { 55, 58 },
	    { 70, 100 } };
	struct uptime_spans a = { 0 }, b = { 0 }, both = { 0 }, none = { 0 };

	(void)state;
	fill(&a, known, 3);
	fill(&b, down, 3);
	uptime_common(&a, &b, &both);
	assert_int_equal(both.count, 4);
	assert_int_equal(uptime_length(&both, 0, 100), 10 + 10 + 3 + 10);
	assert_int_equal(uptime_length(&both, 0, 45), 15);
	uptime_spans_fini(&both);
	uptime_common(&a, &none, &both);
	assert_int_equal(both.count, 0);
	uptime_common(&a, &a, &both);
	assert_int_equal(uptime_length(&both, 0, 100), 50);
	uptime_spans_fini(&a);
	uptime_spans_fini(&b);
	uptime_spans_fini(&none);
	uptime_spans_fini(&both);
}

static void
test_days(void **state)
{
	struct uptime_span s = { UPTIME_DAY_MS - 1000, 2 * UPTIME_DAY_MS + 5 };

	(void)state;
	assert_int_equal(uptime_of_day(s, 0), 1000);
	assert_int_equal(uptime_of_day(s, 1), UPTIME_DAY_MS);
	assert_int_equal(uptime_of_day(s, 2), 5);
	assert_int_equal(uptime_of_day(s, 3), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_join),
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_common),
		cmocka_unit_test(test_days),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
