/* SPDX-License-Identifier: ISC */
/* Opening channels both ways (RFC 4254 5.1, 7.2), and their ids. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "fake_peer.h"

#define WINDOW	(2u * 1024 * 1024)
#define BIG	0xfffffff0u
#define MANY	64

static void
confirm(struct user *u, uint32_t peer_id)
{
	peer_says(MSG_CHANNEL_OPEN_CONFIRMATION, "uuuu", u->id, peer_id, BIG,
	    32768u);
}

static void
ignore_reply(void *arg, bool ok, uint32_t port)
{
	(void)arg;
	(void)ok;
	(void)port;
}

/* We listen on bind:port, and the server confirms. */
static void
listen_on(const char *bind, uint16_t port, void *arg)
{
	connection_listen(peer.c, bind, port, arg, ignore_reply, NULL);
	peer_turn();
	peer_hears(MSG_GLOBAL_REQUEST, "sbsu", "tcpip-forward", 1, bind,
	    (uint32_t)port);
	peer_says(MSG_REQUEST_SUCCESS, "");
}

static void
forwarded(uint32_t peer_id, const char *host, uint32_t port)
{
	peer_says(MSG_CHANNEL_OPEN, "suuususu", "forwarded-tcpip", peer_id,
	    BIG, 32768u, host, port, "192.0.2.9", 5555u);
}

static void
test_opens_go_out_together_and_come_back_in_any_order(void **state)
{
	struct user users[MANY] = { 0 };

	(void)state;
	for (size_t i = 0; i < MANY; i++)
		user_open(&users[i], "host.example");
	for (size_t i = 0; i < MANY; i++)
		for (size_t j = 0; j < i; j++)
			assert_int_not_equal(users[i].id, users[j].id);
	for (size_t i = MANY; i-- > 0;)
		confirm(&users[i * 5 % MANY], (uint32_t)(i * 5 % MANY) + 500);
	for (size_t i = 0; i < MANY; i++) {
		user_saw(&users[i], "O");
		assert_int_equal(channel_write(users[i].ch,
		    (const uint8_t *)"x", 1), 1);
		peer_hears(MSG_CHANNEL_DATA, "us", (uint32_t)i + 500, "x");
	}
	peer_is_fine();
}

static void
test_a_unix_socket_is_asked_for_by_its_path(void **state)
{
	struct user u = { 0 };

	(void)state;
	u.ch = channel_open_unix(peer.c, "/run/x.sock", &user_ops, &u);
	assert_non_null(u.ch);
	peer_turn();
	peer_hears(MSG_CHANNEL_OPEN, "suuussu",
	    "direct-streamlocal@openssh.com", 0u, WINDOW, 32768u,
	    "/run/x.sock", "", 0u);
	confirm(&u, 3);
	user_saw(&u, "O");
	peer_is_fine();
}

static void
test_a_session_has_a_command_run(void **state)
{
	struct user u = { .appetite = 0 };

	(void)state;
	u.ch = channel_open_session(peer.c, &user_ops, &u);
	peer_turn();
	peer_hears(MSG_CHANNEL_OPEN, "suuu", "session", 0u, 2097152u, 32768u);
	peer_says(MSG_CHANNEL_OPEN_CONFIRMATION, "uuuu", 0u, 9u, 100u, 100u);
	channel_exec(u.ch, "true");
	peer_turn();
	peer_hears(MSG_CHANNEL_REQUEST, "usbs", 9u, "exec", 0, "true");
	assert_int_equal(channel_exit_status(u.ch), -1);
	peer_says(MSG_CHANNEL_REQUEST, "usbu", 0u, "exit-status", 0, 3u);
	peer_says(MSG_CHANNEL_DATA, "us", 0u, "said before it closed");
	peer_says(MSG_CHANNEL_CLOSE, "u", 0u);
	peer_turn();
	peer_hears(MSG_CHANNEL_CLOSE, "u", 9u);
	assert_int_equal(channel_exit_status(u.ch), 3);
	/* After our close nothing more is said of it. */
	channel_exec(u.ch, "true");
	user_leave(&u);
	peer_is_fine();
	peer_hears_nothing();
	user_fini(&u);
}

static void
test_a_refusal_brings_reason_and_text(void **state)
{
	struct user u[3] = { 0 };
	char huge[1000];

	(void)state;
	for (size_t i = 0; i < 3; i++)
		user_open(&u[i], "a");
	peer_says(MSG_CHANNEL_OPEN_FAILURE, "uuss", u[1].id, 2u,
	    "Connection refused", "en");
	user_saw(&u[1], "F");
	assert_int_equal(u[1].reason, OPEN_CONNECT_FAILED);
	assert_string_equal(u[1].text, "Connection refused");
	peer_says(MSG_CHANNEL_OPEN_FAILURE, "uuxs", u[0].id, 0xffffffffu,
	    "a\x1b[2J\0\xff\n", (size_t)8, "");
	user_saw(&u[0], "F");
	assert_int_equal(u[0].reason, 0xffffffff);
	assert_string_equal(u[0].text, "a?[2J???");
	memset(huge, 'z', sizeof(huge));
	/* Without a language tag, as old servers do. */
	peer_says(MSG_CHANNEL_OPEN_FAILURE, "uux", u[2].id, 1u, huge,
	    sizeof(huge));
	user_saw(&u[2], "F");
	assert_in_range(strlen(u[2].text), 100, 255);
	peer_is_fine();
	peer_hears_nothing();
}

static void
test_an_answer_twice_ends_it(void **state)
{
	struct user u = { 0 };

	(void)state;
	user_open(&u, "a");
	confirm(&u, 1);
	confirm(&u, 1);
	peer_is_cut("a packet that the channel's state forbids");
	user_saw(&u, "OC");
}

static void
test_an_answer_to_nothing_ends_it(void **state)
{
	(void)state;
	peer_says(MSG_CHANNEL_OPEN_CONFIRMATION, "uuuu", 0u, 0u, BIG, BIG);
	peer_is_cut("a packet for no channel of ours");
}

static void
test_a_failure_after_success_ends_it(void **state)
{
	struct user u = { 0 };

	(void)state;
	user_connect(&u, "a", 1, BIG, BIG);
	peer_says(MSG_CHANNEL_OPEN_FAILURE, "uuss", u.id, 1u, "", "");
	peer_is_cut("a packet that the channel's state forbids");
	user_saw(&u, "C");
}

static void
test_a_packet_size_of_nothing_ends_it(void **state)
{
	struct user u = { 0 };

	(void)state;
	user_open(&u, "a");
	peer_says(MSG_CHANNEL_OPEN_CONFIRMATION, "uuuu", u.id, 0u, BIG, 0u);
	peer_is_cut("a malformed channel confirmation");
	user_saw(&u, "C");
}

/* The answer may be under way for as long as the server likes. */
static void
test_ids_that_the_server_may_name_are_not_reused(void **state)
{
	struct user opening = { 0 }, closing = { 0 }, other = { 0 };

	(void)state;
	user_connect(&closing, "a", 1, BIG, BIG);
	user_open(&opening, "b");
	user_leave(&opening);
	user_leave(&closing);
	peer_turn();
	peer_hears(MSG_CHANNEL_CLOSE, "u", 1u);
	for (int i = 0; i < 500; i++) {
		user_connect(&other, "c", 2, BIG, BIG);
		assert_int_not_equal(other.id, opening.id);
		assert_int_not_equal(other.id, closing.id);
		peer_says(MSG_CHANNEL_CLOSE, "u", other.id);
		peer_turn();
		peer_hears(MSG_CHANNEL_CLOSE, "u", 2u);
		user_saw(&other, "C");
		user_leave(&other);
	}
	/* The late answers still find their channels. */
	confirm(&opening, 7);
	peer_says_data(closing.id, 0, 100);
	peer_says(MSG_CHANNEL_WINDOW_ADJUST, "uu", closing.id, 5u);
	peer_says(MSG_CHANNEL_EOF, "u", closing.id);
	peer_says(MSG_CHANNEL_CLOSE, "u", closing.id);
	peer_is_fine();
	peer_hears(MSG_CHANNEL_CLOSE, "u", 7u);
	peer_says(MSG_CHANNEL_CLOSE, "u", opening.id);
	peer_is_fine();
	peer_hears_nothing();
	user_saw(&opening, "");
	user_saw(&closing, "");
	/* And now nobody may name them. */
	peer_says(MSG_CHANNEL_CLOSE, "u", closing.id);
	peer_is_cut("a packet for no channel of ours");
}

static void
test_there_is_a_limit_of_channels(void **state)
{
	static struct user users[32768];
	struct user one_more = { 0 };

	(void)state;
	memset(users, 0, sizeof(users));
	for (size_t i = 0; i < 32768; i++)
		user_open(&users[i], "a");
	assert_null(channel_open_tcp(peer.c, "a", 1, "", 1, &user_ops,
	    &one_more));
	listen_on("", 80, NULL);
	forwarded(9, "", 80);
	peer_is_fine();
	peer_hears(MSG_CHANNEL_OPEN_FAILURE, "uuss", 9u, 4u,
	    "too many channels", "");
	assert_int_equal(peer.asks, 0);
	peer_says(MSG_CHANNEL_OPEN_FAILURE, "uuss", users[77].id, 1u, "", "");
	user_open(&one_more, "b");
	assert_int_equal(one_more.id, users[77].id);
	peer_is_fine();
}

static void
test_a_forwarded_open_is_accepted(void **state)
{
	struct user u = { .appetite = SIZE_MAX };
	int listener;

	(void)state;
	listen_on("", 8080, &listener);
	forwarded(77, "", 8080);
	assert_int_equal(peer.asks, 1);
	assert_ptr_equal(peer.listener_arg, &listener);
	assert_string_equal(peer.connected, "");
	assert_int_equal(peer.connected_port, 8080);
	assert_string_equal(peer.originator, "192.0.2.9");
	assert_int_equal(peer.originator_port, 5555);
	peer_is_fine();
	peer_hears_nothing();		/* until the user has decided */
	u.ch = peer.asked;
	channel_accept(peer.asked, &user_ops, &u);
	assert_int_equal(channel_write(u.ch, (const uint8_t *)"hi", 2), 2);
	/* The confirmation goes before the data. */
	peer_hears(MSG_CHANNEL_OPEN_CONFIRMATION, "uuuu", 77u, 0u, WINDOW,
	    32768u);
	peer_hears(MSG_CHANNEL_DATA, "us", 77u, "hi");
	peer_says(MSG_CHANNEL_DATA, "us", 0u, "hello");
	assert_string_equal(u.got.p, "hello");
	peer_is_fine();
	user_saw(&u, "D");		/* no on_open for these */
	user_fini(&u);
}

static void
test_a_forwarded_open_is_rejected(void **state)
{
	(void)state;
	listen_on("localhost", 80, NULL);
	for (uint32_t i = 0; i < 100; i++) {
		forwarded(i, "localhost", 80);
		channel_reject(peer.asked, OPEN_CONNECT_FAILED, "refused");
		peer_is_fine();
		peer_hears(MSG_CHANNEL_OPEN_FAILURE, "uuss", i, 2u, "refused",
		    "");
	}
	assert_int_equal(peer.asks, 100);
	/* Freeing it unanswered refuses it, too. */
	forwarded(5, "localhost", 80);
	channel_free(peer.asked);
	peer_is_fine();
	peer_hears(MSG_CHANNEL_OPEN_FAILURE, "uuss", 5u, 1u, "not accepted",
	    "");
	peer_hears_nothing();
}

/* A server may name the address it bound; two listeners on a port may not. */
static void
test_which_listener_a_forwarded_open_is_for(void **state)
{
	int a, b, c;

	(void)state;
	listen_on("", 80, &a);
	listen_on("127.0.0.1", 81, &b);
	listen_on("::1", 81, &c);
	forwarded(1, "0.0.0.0", 80);
	assert_ptr_equal(peer.listener_arg, &a);
	forwarded(2, "::1", 81);
	assert_ptr_equal(peer.listener_arg, &c);
	forwarded(3, "127.0.0.1", 81);
	assert_ptr_equal(peer.listener_arg, &b);
	assert_int_equal(peer.asks, 3);
	forwarded(4, "localhost", 81);
	forwarded(5, "", 82);
	forwarded(6, "", 0x10000 + 80);
	assert_int_equal(peer.asks, 3);
	peer_is_fine();
	for (uint32_t i = 4; i < 7; i++)
		peer_hears(MSG_CHANNEL_OPEN_FAILURE, "uuss", i, 1u,
		    "nothing was forwarded from there", "");
	peer_hears_nothing();
}

static void
test_unknown_types_are_refused_with_3(void **state)
{
	static const char *const types[] = { "session", "x11",
	    "auth-agent@openssh.com", "direct-tcpip", "forwarded-tcpip ",
	    "forwarded-tcpi", "forwarded-streamlocal@openssh.co", "" };

	(void)state;
	for (uint32_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		peer_says(MSG_CHANNEL_OPEN, "suuu", types[i], i, BIG, BIG);
		peer_is_fine();
		peer_hears(MSG_CHANNEL_OPEN_FAILURE, "uuss", i, 3u,
		    "hawser opens no such channel", "");
	}
	assert_int_equal(peer.asks, 0);
	peer_hears_nothing();
}

static void
test_a_cut_open_ends_it(void **state)
{
	struct packet *p;
	size_t whole;

	(void)state;
	peer_teardown(NULL);
	p = packet_new(MSG_CHANNEL_OPEN);
	packet_cstring(p, "forwarded-tcpip");
	packet_u32(p, 1);
	packet_u32(p, BIG);
	packet_u32(p, 32768);
	packet_cstring(p, "");
	packet_u32(p, 80);
	packet_cstring(p, "192.0.2.9");
	packet_u32(p, 5555);
	whole = p->len;
	for (size_t cut = 1; cut <= whole; cut++) {
		peer_setup(NULL);
		listen_on("", 80, NULL);
		fake_transport_say(peer.t, p->bytes, cut);
		peer_turn();
		assert_int_equal(peer.t->failed, cut < whole);
		assert_int_equal(peer.asks, cut < whole ? 0 : 1);
		if (cut < whole)
			peer_teardown(NULL);
	}
	packet_free(p);
}

int
main(void)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, peer_setup, peer_teardown)
	static const struct CMUnitTest tests[] = {
		TEST(test_opens_go_out_together_and_come_back_in_any_order),
		TEST(test_a_unix_socket_is_asked_for_by_its_path),
		TEST(test_a_session_has_a_command_run),
		TEST(test_a_refusal_brings_reason_and_text),
		TEST(test_an_answer_twice_ends_it),
		TEST(test_an_answer_to_nothing_ends_it),
		TEST(test_a_failure_after_success_ends_it),
		TEST(test_a_packet_size_of_nothing_ends_it),
		TEST(test_ids_that_the_server_may_name_are_not_reused),
		TEST(test_there_is_a_limit_of_channels),
		TEST(test_a_forwarded_open_is_accepted),
		TEST(test_a_forwarded_open_is_rejected),
		TEST(test_which_listener_a_forwarded_open_is_for),
		TEST(test_unknown_types_are_refused_with_3),
		TEST(test_a_cut_open_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
