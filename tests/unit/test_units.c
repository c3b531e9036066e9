/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "cli/units.h"

#define SECOND	INT64_C(1000)
#define MINUTE	(60 * SECOND)
#define HOUR	(60 * MINUTE)
#define DAY	(24 * HOUR)

static void
duration_is(int64_t ms, const char *expected)
{
	struct str out;

	str_init(&out);
	units_duration(&out, ms);
	assert_string_equal(out.p, expected);
	str_fini(&out);
}

static void
bytes_are(int64_t bytes, const char *expected)
{
	struct str out;

	str_init(&out);
	units_bytes(&out, bytes);
	assert_string_equal(out.p, expected);
	str_fini(&out);
}

static void
round_trip_is(double ms, const char *expected)
{
	struct str out;

	str_init(&out);
	units_round_trip(&out, ms);
	assert_string_equal(out.p, expected);
	str_fini(&out);
}

static void
test_duration(void **state)
{
	(void)state;
	duration_is(0, "0 s");
	duration_is(-5 * SECOND, "0 s");
	duration_is(999, "0 s");
	duration_is(43 * SECOND, "43 s");
	duration_is(3 * MINUTE + 12 * SECOND, "3 m 12 s");
	duration_is(HOUR, "1 h");
	duration_is(2 * HOUR + 5 * MINUTE + 59 * SECOND, "2 h 5 m");
	duration_is(9 * DAY + 4 * HOUR, "9 d 4 h");
	duration_is(400 * DAY + 59 * MINUTE, "400 d");
}

static void
test_bytes(void **state)
{
	(void)state;
	bytes_are(0, "0 B");
	bytes_are(999, "999 B");
	bytes_are(1000, "1.0 kB");
	bytes_are(1234, "1.2 kB");
	bytes_are(9949, "9.9 kB");
	bytes_are(9950, "10 kB");
	bytes_are(999499, "999 kB");
	bytes_are(999500, "1.0 MB");
	bytes_are(45000000, "45 MB");
	bytes_are(INT64_MAX, "9223 PB");
}

static void
test_round_trip(void **state)
{
	(void)state;
	round_trip_is(0.062, "0.06 ms");
	round_trip_is(12.34, "12.3 ms");
	round_trip_is(250, "250 ms");
	round_trip_is(1530, "1.5 s");
}

static void
test_time_is_what_clock_formats(void **state)
{
	static const int64_t times[] = { 0, 1, 1763621211123,
	    1709164800000, 4102444799999 };
	char text[CLOCK_TEXT_SIZE];
	int64_t ms;

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		clock_format(text, sizeof(text), times[i]);
		assert_int_equal(clock_parse(&ms, text, NULL), 0);
		assert_true(ms == times[i]);
	}
	assert_int_equal(clock_parse(&ms, "2026-11-20T06:46:51Z", NULL),
	    0);
	assert_true(ms == INT64_C(1795157211000));
}

static void
test_time_refusals(void **state)
{
	static const char *const bad[] = { "", "now", "2026-11-20",
	    "2026-11-20T06:46:51", "2026-11-20T06:46:51.123Zx",
	    "2026-11-20T06:46:51+01:00" };
	struct err err;
	int64_t ms;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(clock_parse(&ms, bad[i], &err), -1);
		assert_int_equal(err.code, ERR_INPUT);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_duration),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_time_is_what_clock_formats),
		cmocka_unit_test(test_time_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
