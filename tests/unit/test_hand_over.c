/* SPDX-License-Identifier: ISC */
/* A channel that changes its user: the second one misses nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "fake_peer.h"
#include "ssh/connection_impl.h"

#define BIG	0xfffffff0u

/* u's channel becomes v's, with what u had taken. */
static void
hand_over(struct user *u, struct user *v)
{
	v->ch = u->ch;
	v->id = u->id;
	u->ch = NULL;
	channel_hand_over(v->ch, &user_ops, v, (const uint8_t *)u->got.p,
	    u->got.len);
	channel_pull(v->ch);
}

static void
test_all_bytes_in_order(void **state)
{
	/* What the first user takes of each of two packets. */
	for (size_t appetite = 0; appetite <= 3; appetite++) {
		struct user u = { .appetite = appetite };
		struct user v = { .appetite = SIZE_MAX };

		(void)state;
		user_connect(&u, "a", 7, BIG, BIG);
		peer_says(MSG_CHANNEL_DATA, "us", u.id, "abc");
		peer_says(MSG_CHANNEL_DATA, "us", u.id, "def");
		hand_over(&u, &v);
		peer_says(MSG_CHANNEL_DATA, "us", v.id, "ghi");
		peer_is_fine();
		assert_string_equal(v.got.p, "abcdefghi");
		user_leave(&v);
		peer_turn();
		peer_hears(MSG_CHANNEL_CLOSE, "u", 7u);
		peer_says(MSG_CHANNEL_CLOSE, "u", v.id);
		peer_turn();
		user_fini(&u);
		user_fini(&v);
	}
}

static void
test_eof_is_told_again(void **state)
{
	struct user u = { .appetite = SIZE_MAX }, v = { .appetite = SIZE_MAX };

	(void)state;
	user_connect(&u, "a", 7, BIG, BIG);
	peer_says(MSG_CHANNEL_DATA, "us", u.id, "abc");
	peer_says(MSG_CHANNEL_EOF, "u", u.id);
	user_saw(&u, "DE");
	hand_over(&u, &v);
	user_saw(&v, "DE");
	assert_string_equal(v.got.p, "abc");
	peer_says(MSG_CHANNEL_CLOSE, "u", v.id);
	user_saw(&v, "C");
	user_leave(&v);
	user_fini(&u);
	user_fini(&v);
}

/* What was given back unread counts once against the window. */
static void
test_window_is_given_back_once(void **state)
{
	struct user u = { .appetite = SIZE_MAX }, v = { .appetite = SIZE_MAX };

	(void)state;
	user_connect(&u, "a", 7, BIG, BIG);
	peer_says_data(u.id, 0, 32768);
	hand_over(&u, &v);
	for (int i = 1; i < 16; i++) {
		peer_turn();
		peer_hears_nothing();
		peer_says_data(v.id, 0, 32768);
	}
	peer_turn();
	peer_hears(MSG_CHANNEL_WINDOW_ADJUST, "uu", 7u, WINDOW_STEP);
	peer_hears_nothing();
	user_fini(&u);
	user_fini(&v);
}

int
main(void)
{
#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, peer_setup, peer_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_all_bytes_in_order),
		TEST(test_eof_is_told_again),
		TEST(test_window_is_given_back_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
