/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "supervisor/budget.h"

static int grants[32];
static int grant_count;

static void
on_grant(void *arg)
{
	grants[grant_count++] = (int)(intptr_t)arg;
}

static void
init(struct budget_claim *claims, int n)
{
	grant_count = 0;
	for (int i = 0; i < n; i++)
		budget_claim_init(&claims[i], on_grant, (void *)(intptr_t)i);
}

static void
first_come_first_served(void **state)
{
	struct budget *b = budget_new(2);
	struct budget_claim c[6];

	(void)state;
	init(c, 6);
	assert_true(budget_ask(b, &c[0], "a", 22));
	assert_true(budget_ask(b, &c[1], "a", 22));
	for (int i = 2; i < 6; i++)
		assert_false(budget_ask(b, &c[i], "a", 22));
	budget_give_back(b, &c[1]);
	assert_int_equal(grant_count, 1);
	assert_int_equal(grants[0], 2);
	/* One that waits goes without taking a place along. */
	budget_give_back(b, &c[3]);
	assert_int_equal(grant_count, 1);
	budget_give_back(b, &c[0]);
	assert_int_equal(grants[1], 4);
	budget_give_back(b, &c[2]);
	assert_int_equal(grants[2], 5);
	budget_give_back(b, &c[4]);
	budget_give_back(b, &c[5]);
	/* Nothing to give back: nothing happens. */
	budget_give_back(b, &c[5]);
	assert_int_equal(grant_count, 3);
	budget_free(b);
}

static void
endpoints_are_apart(void **state)
{
	struct budget *b = budget_new(1);
	struct budget_claim c[4];

	(void)state;
	init(c, 4);
	assert_true(budget_ask(b, &c[0], "a", 22));
	assert_true(budget_ask(b, &c[1], "a", 2222));
	assert_true(budget_ask(b, &c[2], "b", 22));
	assert_false(budget_ask(b, &c[3], "b", 22));
	budget_give_back(b, &c[0]);
	budget_give_back(b, &c[1]);
	assert_int_equal(grant_count, 0);
	budget_give_back(b, &c[2]);
	assert_int_equal(grants[0], 3);
	budget_give_back(b, &c[3]);
	budget_free(b);
}

static void
a_claim_is_used_again(void **state)
{
	struct budget *b = budget_new(1);
	struct budget_claim c[2];

	(void)state;
	init(c, 2);
	for (int i = 0; i < 100; i++) {
		assert_true(budget_ask(b, &c[0], "a", 22));
		assert_false(budget_ask(b, &c[1], "a", 22));
		budget_give_back(b, &c[0]);
		assert_true(c[1].granted);
		budget_give_back(b, &c[1]);
		grant_count = 0;
	}
	budget_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_come_first_served),
		cmocka_unit_test(endpoints_are_apart),
		cmocka_unit_test(a_claim_is_used_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
