/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/backoff.h"

#define MINUTE	INT64_C(60000)

/* Between min and min(max, min * 2^(n+1)), whatever chance says. */
static void
stays_in_bounds(void **state)
{
	static const uint32_t chances[] = { 0, 1, UINT32_MAX / 2,
	    UINT32_MAX };

	(void)state;
	for (unsigned n = 0; n < 100; n++) {
		int64_t top = n < 9 ? INT64_C(1000) << (n + 1) : 5 * MINUTE;

		if (top > 5 * MINUTE)
			top = 5 * MINUTE;
		for (size_t i = 0; i < 4; i++) {
			int64_t d = backoff_delay(1000, 5 * MINUTE, n,
			    chances[i]);

			assert_in_range(d, 1000, top);
		}
	}
}

static void
is_evenly_spread(void **state)
{
	int64_t middle = backoff_delay(1000, 5 * MINUTE, 3, UINT32_MAX / 2);

	(void)state;
	assert_int_equal(backoff_delay(1000, 5 * MINUTE, 3, 0), 1000);
	assert_in_range(middle, 8499, 8501);
	assert_in_range(backoff_delay(1000, 5 * MINUTE, 3, UINT32_MAX),
	    15999, 16000);
}

static void
min_may_be_max(void **state)
{
	(void)state;
	assert_int_equal(backoff_delay(500, 500, 0, UINT32_MAX), 500);
	assert_int_equal(backoff_delay(500, 500, 4000000000U, 7), 500);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stays_in_bounds),
		cmocka_unit_test(is_evenly_spread),
		cmocka_unit_test(min_may_be_max),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
