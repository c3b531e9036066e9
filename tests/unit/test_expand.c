/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "config/expand.h"
#include "config/index.h"

static const struct expand_user user = { .name = (char *)"me",
    .home = (char *)"/home/me/", .machine = (char *)"box.example.net",
    .uid = 1000 };

static const struct expand_tokens tokens = { .user = &user,
    .original = "vps", .host = "vps.example", .port = "22",
    .remote_user = "root", .alias = "key", .jump = "hop" };

static void
expect(const char *text, const char *wanted)
{
	struct err err = { 0 };
	char *got = expand_all(text, "CdhijkLlnpru", &tokens, &err);

	if (!str_equal(got, wanted))
		fail_msg("%s became %s (%s)", text, got ? got : "an error",
		    err.text);
	free(got);
}

static void
tokens_and_variables_are_replaced(void **state)
{
	(void)state;
	setenv("HAWSER_TEST_X", "value%h", 1);
	unsetenv("HAWSER_TEST_NOTHING");
	expect("", "");
	expect("%%h %h", "%h vps.example");
	expect("%d|%i|%j|%k|%L|%l", "/home/me/|1000|hop|key|box|"
	    "box.example.net");
	expect("%n|%p|%r|%u", "vps|22|root|me");
	/* printf %s box.example.netvps.example22roothop | sha1sum */
	expect("%C", "b238e228c8985d202acaa8993f495a5848493c11");
	expect("a${HAWSER_TEST_X}b", "avalue%hb");
	expect("$HAWSER_TEST_X ${", NULL);
	expect("${}", NULL);
	expect("${HAWSER_TEST_NOTHING}", NULL);
	expect("%", NULL);
	expect("/%", NULL);
	expect("%x", NULL);
	expect("$ { }", "$ { }");
}

static void
homes_are_found(void **state)
{
	static const struct {
		const char *path, *wanted;
	} rows[] = {
		{ "~", "/home/me/" },
		{ "~/", "/home/me/" },
		{ "~//x", "/home/me/x" },
		{ "~root/x", "/root/x" },
		{ "/x", "/x" },
		{ "x~", "x~" },
		{ "~no-such-user-here/x", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err err;
		char *got = expand_tilde(rows[i].path, &user, &err);

		if (!str_equal(got, rows[i].wanted))
			fail_msg("%s became %s", rows[i].path,
			    got ? got : err.text);
		free(got);
	}
}

static void
an_index_gives_what_matters_in_order(void **state)
{
	static const size_t wanted[] = { 0, 2, 3, 5, 6 };
	struct index x = { 0 };
	struct index_walk w;
	size_t item, n = 0;

	(void)state;
	w = index_walk(&x, "a");
	assert_false(index_next(&w, &item));
	index_add_for_all(&x, 0);
	index_add(&x, "b", 1);
	index_add(&x, "a", 2);
	index_add(&x, "a", 2);
	index_add_for_all(&x, 3);
	index_add(&x, "a", 3);
	index_add(&x, "b", 4);
	index_add(&x, "a", 5);
	index_add_for_all(&x, 6);
	w = index_walk(&x, "a");
	while (index_next(&w, &item)) {
		assert_true(n < 5);
		assert_int_equal(item, wanted[n++]);
	}
	assert_int_equal(n, 5);
	w = index_walk(&x, "c");
	assert_true(index_next(&w, &item) && item == 0);
	assert_true(index_has(&x, "b"));
	assert_false(index_has(&x, "c"));
	index_fini(&x);
}

static void
an_index_grows(void **state)
{
	struct index x = { 0 };
	char names[1000][8];

	(void)state;
	for (size_t i = 0; i < 1000; i++) {
		snprintf(names[i], sizeof(names[i]), "n%zu", i);
		index_add(&x, names[i], i);
	}
	for (size_t i = 0; i < 1000; i++) {
		struct index_walk w = index_walk(&x, names[i]);
		size_t item;

		assert_true(index_next(&w, &item));
		assert_int_equal(item, i);
		assert_false(index_next(&w, &item));
	}
	index_fini(&x);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tokens_and_variables_are_replaced),
		cmocka_unit_test(homes_are_found),
		cmocka_unit_test(an_index_gives_what_matters_in_order),
		cmocka_unit_test(an_index_grows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
