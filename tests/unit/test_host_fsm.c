/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "supervisor/host_fsm.h"

/*
 * The whole matrix against tests/unit/golden/host_fsm.txt. After a change that
 * is meant, run the test with HAWSER_WRITE_GOLDEN=1 and read the difference.
 */

static char *
golden_path(void)
{
	const char *dir = getenv("HAWSER_SOURCE_DIR");

	return str_dupf("%s/tests/unit/golden/host_fsm.txt",
	    dir != NULL ? dir : ".");
}

static void
print_cell(struct str *out, enum host_state s, enum host_event e)
{
	struct host_step step = host_fsm_step(s, e);

	if (step.next == s && step.actions == 0)
		return;
	str_printf(out, "%-11s %-11s -> %-11s", host_state_label(s),
	    host_event_label(e), host_state_label(step.next));
	for (unsigned i = 0; i < ACTION_COUNT; i++)
		if (step.actions & (1u << i))
			str_printf(out, " %s", host_action_label(i));
	while (out->len > 0 && out->p[out->len - 1] == ' ')
		out->p[--out->len] = '\0';
	str_append(out, "\n");
}

static void
print_matrix(struct str *out)
{
	str_append(out, "# state     event          next        actions\n");
	for (int s = 0; s < HOST_STATE_COUNT; s++)
		for (int e = 0; e < HOST_EVENT_COUNT; e++)
			print_cell(out, (enum host_state)s,
			    (enum host_event)e);
}

static void
matrix_is_as_documented(void **state)
{
	char *path = golden_path(), *want;
	struct str got;
	size_t n;
	FILE *f;

	(void)state;
	str_init(&got);
	print_matrix(&got);
	if (getenv("HAWSER_WRITE_GOLDEN") != NULL) {
		f = fopen(path, "w");
		assert_non_null(f);
		fputs(got.p, f);
		fclose(f);
	}
	f = fopen(path, "r");
	assert_non_null(f);
	want = mem_alloc(65536);
	n = fread(want, 1, 65535, f);
	want[n] = '\0';
	fclose(f);
	assert_string_equal(got.p, want);
	free(want);
	free(path);
	str_fini(&got);
}

/* What must hold whatever the table says. */
static void
invariants(void **state)
{
	(void)state;
	for (int s = 0; s < HOST_STATE_COUNT; s++) {
		struct host_step off = host_fsm_step((enum host_state)s,
		    EVENT_DISABLE);

		assert_int_equal(off.next, HOST_DISABLED);
		for (int e = 0; e < HOST_EVENT_COUNT; e++) {
			struct host_step step = host_fsm_step(
			    (enum host_state)s, (enum host_event)e);

			/* One attempt at a time, and only with a place. */
			if (step.actions & ACTION_SPAWN)
				assert_true(s == HOST_QUEUED &&
				    step.next == HOST_CONNECTING);
			if (step.actions & ACTION_QUEUE)
				assert_int_equal(step.next, HOST_QUEUED);
			if (step.actions & ACTION_SCHEDULE)
				assert_int_equal(step.next, HOST_WAITING);
			if (step.next == HOST_WAITING && s != HOST_WAITING)
				assert_true(step.actions & ACTION_SCHEDULE);
		}
	}
}

static void
an_operator_unparks(void **state)
{
	(void)state;
	assert_int_equal(host_fsm_step(HOST_PARKED, EVENT_RETRY).next,
	    HOST_QUEUED);
	assert_int_equal(host_fsm_step(HOST_PARKED, EVENT_DUE).next,
	    HOST_PARKED);
}

static void
names(void **state)
{
	(void)state;
	assert_string_equal(host_state_name(HOST_QUEUED), "waiting");
	assert_string_equal(host_state_name(HOST_DEGRADED), "degraded");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(matrix_is_as_documented),
		cmocka_unit_test(invariants),
		cmocka_unit_test(an_operator_unparks),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
