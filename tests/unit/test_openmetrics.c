/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "supervisor/openmetrics.h"

static const struct metric_family gauge = { "a_seconds", METRIC_GAUGE,
    "seconds", "How long." };
static const struct metric_family counter = { "b", METRIC_COUNTER, NULL,
    "How often." };
static const struct metric_family states = { "c", METRIC_STATESET, NULL,
    "Which." };
static const struct metric_family info = { "d", METRIC_INFO, NULL, "What." };

static void
assert_text(struct str *s, const char *want)
{
	assert_string_equal(s->p, want);
	str_fini(s);
}

static void
families(void **state)
{
	struct str s;

	(void)state;
	str_init(&s);
	openmetrics_begin(&s, &gauge);
	openmetrics_real(&s, &gauge, NULL, 0.25);
	openmetrics_begin(&s, &counter);
	openmetrics_count(&s, &counter, "", 7);
	openmetrics_begin(&s, &states);
	openmetrics_count(&s, &states, "c=\"x\"", 1);
	openmetrics_begin(&s, &info);
	openmetrics_count(&s, &info, "e=\"f\"", 1);
	openmetrics_end(&s);
	assert_text(&s,
	    "# TYPE a_seconds gauge\n# UNIT a_seconds seconds\n"
	    "# HELP a_seconds How long.\na_seconds 0.25\n"
	    "# TYPE b counter\n# HELP b How often.\nb_total 7\n"
	    "# TYPE c stateset\n# HELP c Which.\nc{c=\"x\"} 1\n"
	    "# TYPE d info\n# HELP d What.\nd_info{e=\"f\"} 1\n"
	    "# EOF\n");
}

static void
labels_are_escaped(void **state)
{
	struct str s;

	(void)state;
	str_init(&s);
	openmetrics_label(&s, "host", "a\"b\\c\nd");
	openmetrics_label(&s, "forward", "");
	openmetrics_label(&s, "x", "\\");
	assert_text(&s, "host=\"a\\\"b\\\\c\\nd\",forward=\"\",x=\"\\\\\"");
}

static void
numbers(void **state)
{
	struct str s;

	(void)state;
	str_init(&s);
	openmetrics_count(&s, &counter, NULL, 0);
	openmetrics_count(&s, &counter, NULL, 10);
	openmetrics_count(&s, &counter, NULL, UINT64_MAX);
	openmetrics_real(&s, &gauge, NULL, 1795159611.123);
	openmetrics_real(&s, &gauge, NULL, 0.000001);
	assert_text(&s, "b_total 0\nb_total 10\n"
	    "b_total 18446744073709551615\n"
	    "a_seconds 1795159611.123\na_seconds 1e-06\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(families),
		cmocka_unit_test(labels_are_escaped),
		cmocka_unit_test(numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
