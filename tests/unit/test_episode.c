/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/episode.h"

static int64_t now = 5;

static int64_t
get_now(void)
{
	return now;
}

static void
is_told_once(void **state)
{
	struct episode e = { 0 };

	(void)state;
	assert_false(episode_ends(&e));
	assert_true(episode_begins(&e));
	now += 10 * EPISODE_MS;
	assert_false(episode_begins(&e));
	assert_true(episode_ends(&e));
	assert_false(episode_ends(&e));
}

static void
is_told_once_a_minute(void **state)
{
	struct episode e = { 0 };
	int begins = 0, ends = 0;

	(void)state;
	for (int i = 0; i < 600; i++, now += EPISODE_MS / 60) {
		begins += episode_begins(&e);
		ends += episode_ends(&e);
	}
	assert_int_equal(begins, 10);
	assert_int_equal(ends, 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_told_once),
		cmocka_unit_test(is_told_once_a_minute),
	};

	clock_inject(get_now);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
