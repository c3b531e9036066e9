/* SPDX-License-Identifier: ISC */
/*
 * How channels end: by either side, in every order, inside every callback, and
 * when the link dies (RFC 4254 5.3).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "fake_peer.h"
#include "ssh/connection_impl.h"

#define BIG	0xfffffff0u

static void
ignore_reply(void *arg, bool ok, uint32_t port)
{
	(void)arg;
	(void)ok;
	(void)port;
}

/* An unanswered forwarded open is in peer.asked; 1 is its id at the server. */
static void
ask(void)
{
	connection_listen(peer.c, "", 80, NULL, ignore_reply, NULL);
	peer_turn();
	peer_hears(MSG_GLOBAL_REQUEST, "sbsu", "tcpip-forward", 1, "", 80u);
	peer_says(MSG_REQUEST_SUCCESS, "");
	peer_says(MSG_CHANNEL_OPEN, "suuususu", "forwarded-tcpip", 1u, BIG,
	    32768u, "", 80u, "192.0.2.9", 5555u);
	assert_non_null(peer.asked);
}

/* The server has been told and has answered: no channel is left. */
static void
nothing_is_left(uint32_t id)
{
	assert_true(LIST_EMPTY(&peer.c->every));
	assert_int_equal(peer.c->channel_count, 0);
	peer_says(MSG_CHANNEL_EOF, "u", id);
	peer_is_cut("a packet for no channel of ours");
}

enum step { PEER_EOF, PEER_CLOSE, OUR_EOF, OUR_FREE, STEPS };

static void
take(enum step step, struct user *u)
{
	switch (step) {
	case PEER_EOF:
		peer_says(MSG_CHANNEL_EOF, "u", u->id);
		break;
	case PEER_CLOSE:
		peer_says(MSG_CHANNEL_CLOSE, "u", u->id);
		break;
	case OUR_EOF:
		if (u->ch != NULL)
			channel_send_eof(u->ch);
		break;
	case OUR_FREE:
		user_leave(u);
		break;
	case STEPS:
	default:
		fail();
	}
	peer_is_fine();
}

/* What must have been sent and told after these steps, each at most once. */
static void
check_end(const enum step *order, size_t n, struct user *u)
{
	bool eof = false, close = false, left = false;
	char told[4] = "";

	for (size_t i = 0; i < n; i++) {
		eof |= order[i] == OUR_EOF && !close && !left;
		if (order[i] == PEER_EOF && !left)
			strcat(told, "E");
		if (order[i] == PEER_CLOSE && !left)
			strcat(told, "C");
		close |= order[i] == PEER_CLOSE;
		left |= order[i] == OUR_FREE;
	}
	if (eof)
		peer_hears(MSG_CHANNEL_EOF, "u", 9u);
	peer_hears(MSG_CHANNEL_CLOSE, "u", 9u);
	peer_hears_nothing();
	user_saw(u, told);
}

static void
run_order(const enum step *order, size_t n)
{
	struct user u = { .appetite = SIZE_MAX };

	peer_setup(NULL);
	user_connect(&u, "a", 9, BIG, BIG);
	for (size_t i = 0; i < n; i++)
		take(order[i], &u);
	check_end(order, n, &u);
	nothing_is_left(u.id);
	peer_teardown(NULL);
}

/* Every order of these steps in which the server's own two are in order. */
static void
test_eof_and_close_in_every_order(void **state)
{
	size_t runs = 0;

	(void)state;
	peer_teardown(NULL);
	/* mask says which of the two EOFs happen at all. */
	for (unsigned mask = 0; mask < 4; mask++)
		for (unsigned code = 0; code < 256; code++) {
			enum step order[STEPS];
			unsigned seen = 0;
			size_t n = 0;
			bool valid = true;

			for (unsigned c = code, i = 0; i < STEPS; i++, c /= 4) {
				valid &= !(seen & 1u << c % 4);
				seen |= 1u << c % 4;
				if (c % 4 == PEER_EOF)
					valid &= !(seen & 1u << PEER_CLOSE);
				if ((c % 4 == PEER_EOF && !(mask & 1)) ||
				    (c % 4 == OUR_EOF && !(mask & 2)))
					continue;
				order[n++] = (enum step)(c % 4);
			}
			if (!valid)
				continue;
			run_order(order, n);
			runs++;
		}
	assert_int_equal(runs, 4 * 12);
	peer_setup(NULL);
}

static char leave_at;

static void
leave(struct user *u, char call)
{
	if (call == leave_at)
		user_leave(u);
}

/* Whatever the call, free may come inside it, and no other call follows. */
static void
test_free_inside_every_call(void **state)
{
	static const struct {
		char at;
		const char *log;
	} rows[] = {
		{ 'O', "O" }, { 'W', "OW" }, { 'D', "OWD" },
		{ 'E', "OWDE" }, { 'C', "OWDEC" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct user u = { .appetite = SIZE_MAX, .act = leave };

		leave_at = rows[i].at;
		user_open(&u, "a");
		peer_says(MSG_CHANNEL_OPEN_CONFIRMATION, "uuuu", u.id, 9u, BIG,
		    BIG);
		if (u.ch != NULL)
			channel_want_write(u.ch);
		peer_turn();
		peer_says(MSG_CHANNEL_DATA, "us", u.id, "abc");
		peer_says(MSG_CHANNEL_DATA, "us", u.id, "def");
		peer_says(MSG_CHANNEL_EOF, "u", u.id);
		peer_says(MSG_CHANNEL_CLOSE, "u", u.id);
		peer_is_fine();
		peer_hears(MSG_CHANNEL_CLOSE, "u", 9u);
		peer_hears_nothing();
		user_saw(&u, rows[i].log);
		assert_true(LIST_EMPTY(&peer.c->every));
		user_fini(&u);
	}
}

/* Also inside a call that channel_pull made; the queue's memory goes. */
static void
test_free_inside_a_pull(void **state)
{
	for (int closed = 0; closed < 2; closed++) {
		struct user u = { .appetite = 0 };

		(void)state;
		user_connect(&u, "a", 9, BIG, BIG);
		for (int i = 0; i < 10; i++)
			peer_says_data(u.id, 0, 30000);
		peer_says(MSG_CHANNEL_EOF, "u", u.id);
		if (closed)
			peer_says(MSG_CHANNEL_CLOSE, "u", u.id);
		user_saw(&u, "D");
		u.act = leave;
		u.appetite = 10;
		leave_at = 'D';
		channel_pull(u.ch);
		user_saw(&u, "D");
		assert_null(u.ch);
		assert_int_equal(LIST_FIRST(&peer.c->every)->queued, 0);
		assert_true(STAILQ_EMPTY(&LIST_FIRST(&peer.c->every)->queue));
		if (!closed)
			peer_says(MSG_CHANNEL_CLOSE, "u", u.id);
		peer_is_fine();
		assert_true(LIST_EMPTY(&peer.c->every));
		user_saw(&u, "");
		peer_hears(MSG_CHANNEL_CLOSE, "u", 9u);
		peer_hears_nothing();
		user_fini(&u);
	}
}

static void
pull(struct user *u, char call)
{
	size_t before = strlen(u->log);

	if (call == 'D' || call == 'E') {
		channel_pull(u->ch);
		assert_int_equal(strlen(u->log), before);
	}
}

/* Calls come one at a time: a pull inside one starts no other. */
static void
test_a_pull_inside_a_call_does_nothing(void **state)
{
	struct user u = { .appetite = 0 };

	(void)state;
	user_connect(&u, "a", 9, BIG, BIG);
	peer_says(MSG_CHANNEL_DATA, "us", u.id, "abc");
	peer_says(MSG_CHANNEL_EOF, "u", u.id);
	peer_says(MSG_CHANNEL_CLOSE, "u", u.id);
	user_saw(&u, "D");
	u.act = pull;
	u.appetite = SIZE_MAX;
	channel_pull(u.ch);
	user_saw(&u, "DEC");
	assert_string_equal(u.got.p, "abc");
	user_leave(&u);
	peer_is_fine();
	user_fini(&u);
}

static struct user *both[2];

static void
leave_both(struct user *u, char call)
{
	(void)u;
	(void)call;
	user_leave(both[0]);
	user_leave(both[1]);
}

/* One channel's call frees another one that waits for the same. */
static void
test_free_of_another_inside_a_call(void **state)
{
	(void)state;
	for (int first = 0; first < 2; first++) {
		struct user a = { 0 }, b = { 0 };

		both[0] = &a;
		both[1] = &b;
		user_open(&a, "a");
		user_open(&b, "b");
		peer_says(MSG_CHANNEL_OPEN_CONFIRMATION, "uuuu", a.id, 1u, BIG,
		    BIG);
		peer_says(MSG_CHANNEL_OPEN_CONFIRMATION, "uuuu", b.id, 2u, BIG,
		    BIG);
		a.act = b.act = leave_both;
		channel_want_write(first ? b.ch : a.ch);
		channel_want_write(first ? a.ch : b.ch);
		peer_is_fine();
		peer_hears(MSG_CHANNEL_CLOSE, "u", 1u);
		peer_hears(MSG_CHANNEL_CLOSE, "u", 2u);
		peer_hears_nothing();
		peer_says(MSG_CHANNEL_CLOSE, "u", a.id);
		peer_says(MSG_CHANNEL_CLOSE, "u", b.id);
		peer_is_fine();
		peer_hears_nothing();
		assert_true(LIST_EMPTY(&peer.c->every));
	}
}

static void
test_free_while_opening(void **state)
{
	struct user a = { 0 }, b = { 0 };

	(void)state;
	user_open(&a, "a");
	user_open(&b, "b");
	user_leave(&a);
	user_leave(&b);
	peer_is_fine();
	peer_hears_nothing();		/* there is no id to close yet */
	peer_says(MSG_CHANNEL_OPEN_FAILURE, "uuss", a.id, 1u, "no", "");
	peer_says(MSG_CHANNEL_OPEN_CONFIRMATION, "uuuu", b.id, 8u, BIG, BIG);
	peer_is_fine();
	peer_hears(MSG_CHANNEL_CLOSE, "u", 8u);
	peer_hears_nothing();
	peer_says_data(b.id, 0, 10000);
	peer_says(MSG_CHANNEL_CLOSE, "u", b.id);
	peer_is_fine();
	user_saw(&a, "");
	user_saw(&b, "");
	nothing_is_left(b.id);
}

/* After our CLOSE nothing goes out, whatever the server still says. */
static void
test_nothing_is_sent_after_our_close(void **state)
{
	struct user u = { .appetite = SIZE_MAX };

	(void)state;
	user_connect(&u, "a", 9, BIG, BIG);
	user_leave(&u);
	peer_is_fine();
	peer_hears(MSG_CHANNEL_CLOSE, "u", 9u);
	for (int i = 0; i < 40; i++)
		peer_says_data(u.id, 0, 32768);
	peer_says(MSG_CHANNEL_REQUEST, "usb", u.id, "keepalive@openssh.com", 1);
	peer_says(MSG_CHANNEL_EXTENDED_DATA, "uus", u.id, 1u, "x");
	peer_says(MSG_CHANNEL_WINDOW_ADJUST, "uu", u.id, 1u);
	peer_says(MSG_CHANNEL_EOF, "u", u.id);
	peer_is_fine();
	peer_hears_nothing();
	peer_says(MSG_CHANNEL_CLOSE, "u", u.id);
	peer_is_fine();
	peer_hears_nothing();
	user_saw(&u, "");
	nothing_is_left(u.id);
}

static void
open_another(struct user *u, char call)
{
	assert_int_equal(call, 'C');
	assert_null(channel_open_tcp(peer.c, "a", 1, "", 1, &user_ops, u));
	channel_send_eof(u->ch);
	channel_want_write(u->ch);
	assert_int_equal(channel_room(u->ch), 0);
	channel_pull(u->ch);
	user_leave(u);
}

/* Each channel that its user holds is told once, then comes the end. */
static void
test_death_in_every_state(void **state)
{
	struct user opening = { .act = NULL }, open = { 0 }, queued = { 0 },
	    closed = { 0 }, freed = { 0 }, freed_opening = { 0 };
	struct user *told[] = { &opening, &open, &queued, &closed };

	(void)state;
	ask();
	user_connect(&open, "a", 1, BIG, BIG);
	user_connect(&queued, "a", 2, BIG, BIG);
	user_connect(&closed, "a", 3, BIG, BIG);
	user_connect(&freed, "a", 4, BIG, BIG);
	user_open(&freed_opening, "a");
	user_open(&opening, "a");
	peer_says_data(queued.id, 0, 100);
	peer_says_data(closed.id, 0, 100);
	peer_says(MSG_CHANNEL_CLOSE, "u", closed.id);
	user_leave(&freed);
	user_leave(&freed_opening);
	for (size_t i = 0; i < 4; i++) {
		told[i]->act = open_another;
		told[i]->log[0] = '\0';
	}
	queued.log[0] = closed.log[0] = 'D';	/* offers end in one D */
	peer_dies();
	assert_int_equal(peer.ended, 1);
	user_saw(&opening, "C");
	user_saw(&open, "C");
	user_saw(&queued, "DC");
	user_saw(&closed, "DC");
	user_saw(&freed, "");
	user_saw(&freed_opening, "");
	/* The unanswered open is still the user's. */
	channel_reject(peer.asked, OPEN_CONNECT_FAILED, "late");
	connection_ping(peer.c, ignore_reply, NULL);
	peer_turn();
	user_fini(&queued);
	user_fini(&closed);
}

static void
test_death_while_asked_and_accepted_late(void **state)
{
	struct user u = { 0 };

	(void)state;
	ask();
	peer_dies();
	channel_accept(peer.asked, &user_ops, &u);
	assert_int_equal(channel_room(peer.asked), 0);
	channel_free(peer.asked);
	user_saw(&u, "");
}

static void
test_death_while_asked_and_freed_late(void **state)
{
	(void)state;
	ask();
	peer_dies();
	channel_free(peer.asked);
}

static void
test_death_with_users_that_keep_their_channels(void **state)
{
	struct user a = { 0 }, b = { 0 };

	(void)state;
	user_connect(&a, "a", 1, BIG, BIG);
	user_open(&b, "b");
	peer_dies();
	user_saw(&a, "C");
	user_saw(&b, "C");
	assert_int_equal(peer.ended, 1);
	user_leave(&a);		/* b's goes with the connection */
}

/* Quiet is when the server has closed the last one, not when its user left. */
static void
test_quiet_comes_with_the_last_close(void **state)
{
	struct user a = { 0 }, b = { 0 };

	(void)state;
	assert_true(connection_is_quiet(peer.c));
	user_connect(&a, "a", 1, BIG, BIG);
	user_connect(&b, "b", 2, BIG, BIG);
	user_leave(&a);
	user_leave(&b);
	peer_turn();
	peer_hears(MSG_CHANNEL_CLOSE, "u", 1u);
	peer_hears(MSG_CHANNEL_CLOSE, "u", 2u);
	peer_says(MSG_CHANNEL_CLOSE, "u", a.id);
	peer_turn();
	assert_int_equal(peer.quiet, 0);
	assert_false(connection_is_quiet(peer.c));
	peer_says(MSG_CHANNEL_CLOSE, "u", b.id);
	peer_turn();
	assert_int_equal(peer.quiet, 1);
	peer_is_fine();
	assert_int_equal(peer.quiet, 1);
	/* One that is refused is over, too. */
	user_open(&a, "a");
	peer_turn();
	peer_says(MSG_CHANNEL_OPEN_FAILURE, "uuss", a.id, 2u, "no", "");
	peer_turn();
	assert_int_equal(peer.quiet, 2);
}

int
main(void)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, peer_setup, peer_teardown)
	static const struct CMUnitTest tests[] = {
		TEST(test_eof_and_close_in_every_order),
		TEST(test_free_inside_every_call),
		TEST(test_free_inside_a_pull),
		TEST(test_a_pull_inside_a_call_does_nothing),
		TEST(test_free_of_another_inside_a_call),
		TEST(test_free_while_opening),
		TEST(test_nothing_is_sent_after_our_close),
		TEST(test_death_in_every_state),
		TEST(test_death_while_asked_and_accepted_late),
		TEST(test_death_while_asked_and_freed_late),
		TEST(test_death_with_users_that_keep_their_channels),
		TEST(test_quiet_comes_with_the_last_close),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
