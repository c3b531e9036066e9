/* SPDX-License-Identifier: ISC */
/*
 * Global requests (RFC 4254 4, 7.1), channel requests, the outgoing queue,
 * and packets of each kind that are cut short.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "fake_peer.h"

#define BIG	0xfffffff0u
#define PING	"keepalive@openssh.com"

/* The answers, in their order, as "a+80 b- ": who, yes or no, the port. */
static char answers[256];

static void
on_answer(void *arg, bool ok, uint32_t port)
{
	size_t n = strlen(answers);

	snprintf(answers + n, sizeof(answers) - n, "%s%c%u ",
	    (const char *)arg, ok ? '+' : '-', port);
}

static int
setup(void **state)
{
	answers[0] = '\0';
	return peer_setup(state);
}

static void
ping_again(void *arg, bool ok, uint32_t port)
{
	on_answer(arg, ok, port);
	connection_ping(peer.c, on_answer, (void *)"again");
}

static void
listen_on(const char *bind, uint16_t port, char *name)
{
	connection_listen(peer.c, bind, port, name, on_answer, name);
	peer_turn();
	peer_hears(MSG_GLOBAL_REQUEST, "sbsu", "tcpip-forward", 1, bind,
	    (uint32_t)port);
}

/* A forwarded open for host:port; is it offered to the user? */
static bool
is_forwarded(const char *host, uint32_t port)
{
	int before = peer.asks;

	peer_says(MSG_CHANNEL_OPEN, "suuususu", "forwarded-tcpip", 1u, BIG,
	    32768u, host, port, "192.0.2.9", 5555u);
	if (peer.asks > before)
		channel_reject(peer.asked, OPEN_PROHIBITED, "");
	peer_turn();
	packet_free(fake_transport_take(peer.t));
	peer_hears_nothing();
	return peer.asks > before;
}

static void
test_either_answer_to_a_ping_will_do(void **state)
{
	(void)state;
	connection_ping(peer.c, on_answer, (void *)"a");
	connection_ping(peer.c, on_answer, (void *)"b");
	peer_turn();
	peer_hears(MSG_GLOBAL_REQUEST, "sb", PING, 1);
	peer_hears(MSG_GLOBAL_REQUEST, "sb", PING, 1);
	peer_hears_nothing();
	assert_string_equal(answers, "");
	peer_says(MSG_REQUEST_FAILURE, "");
	assert_string_equal(answers, "a-0 ");
	peer_says(MSG_REQUEST_SUCCESS, "");
	assert_string_equal(answers, "a-0 b+0 ");
	peer_is_fine();
}

static void
test_answers_find_their_requests(void **state)
{
	(void)state;
	connection_ping(peer.c, on_answer, (void *)"ping");
	connection_listen(peer.c, "", 80, NULL, on_answer, (void *)"held");
	connection_listen(peer.c, "", 0, NULL, on_answer, (void *)"any");
	connection_cancel(peer.c, "", 81, on_answer, (void *)"cancel");
	connection_listen(peer.c, "::1", 443, NULL, on_answer, (void *)"yes");
	connection_ping(peer.c, on_answer, (void *)"pong");
	peer_turn();
	peer_hears(MSG_GLOBAL_REQUEST, "sb", PING, 1);
	peer_hears(MSG_GLOBAL_REQUEST, "sbsu", "tcpip-forward", 1, "", 80u);
	peer_hears(MSG_GLOBAL_REQUEST, "sbsu", "tcpip-forward", 1, "", 0u);
	peer_hears(MSG_GLOBAL_REQUEST, "sbsu", "cancel-tcpip-forward", 1, "",
	    81u);
	peer_hears(MSG_GLOBAL_REQUEST, "sbsu", "tcpip-forward", 1, "::1",
	    443u);
	peer_hears(MSG_GLOBAL_REQUEST, "sb", PING, 1);
	peer_says(MSG_REQUEST_FAILURE, "");
	peer_says(MSG_REQUEST_FAILURE, "");
	peer_says(MSG_REQUEST_SUCCESS, "u", 40001u);
	peer_says(MSG_REQUEST_FAILURE, "");
	peer_says(MSG_REQUEST_SUCCESS, "");
	peer_says(MSG_REQUEST_SUCCESS, "");
	assert_string_equal(answers, "ping-0 held-80 any+40001 cancel-81 "
	    "yes+443 pong+0 ");
	assert_false(is_forwarded("", 80));
	assert_true(is_forwarded("", 40001));
	assert_true(is_forwarded("::1", 443));
	assert_false(is_forwarded("", 0));
	peer_is_fine();
}

static void
test_a_listener_lasts_until_it_is_cancelled(void **state)
{
	(void)state;
	assert_false(is_forwarded("", 80));
	listen_on("", 80, (char *)"a");
	assert_false(is_forwarded("", 80));	/* not before the answer */
	peer_says(MSG_REQUEST_SUCCESS, "");
	assert_true(is_forwarded("", 80));
	connection_cancel(peer.c, "", 80, on_answer, (void *)"b");
	peer_turn();
	peer_hears(MSG_GLOBAL_REQUEST, "sbsu", "cancel-tcpip-forward", 1, "",
	    80u);
	assert_true(is_forwarded("", 80));
	peer_says(MSG_REQUEST_SUCCESS, "");
	assert_false(is_forwarded("", 80));
	assert_string_equal(answers, "a+80 b+80 ");
	peer_is_fine();
}

/* An open from a Unix socket; is it offered to the user? */
static bool
is_forwarded_unix(const char *path)
{
	int before = peer.asks;

	peer_says(MSG_CHANNEL_OPEN, "suuuss",
	    "forwarded-streamlocal@openssh.com", 1u, BIG, 32768u, path, "");
	if (peer.asks > before)
		channel_reject(peer.asked, OPEN_PROHIBITED, "");
	peer_turn();
	packet_free(fake_transport_take(peer.t));
	peer_hears_nothing();
	return peer.asks > before;
}

/* OpenSSH's PROTOCOL 2.4. */
static void
test_a_unix_socket_on_the_server(void **state)
{
	static char path[] = "/run/user/1000/h\303\266fe/s";

	(void)state;
	assert_false(is_forwarded_unix(path));
	connection_listen_unix(peer.c, path, path, on_answer, (void *)"a");
	peer_turn();
	peer_hears(MSG_GLOBAL_REQUEST, "sbs",
	    "streamlocal-forward@openssh.com", 1, path);
	assert_false(is_forwarded_unix(path));
	peer_says(MSG_REQUEST_SUCCESS, "");
	assert_true(is_forwarded_unix(path));
	assert_ptr_equal(peer.listener_arg, path);
	assert_string_equal(peer.connected, "/run/user/1000/h??fe/s");
	assert_string_equal(peer.originator, "");
	assert_false(is_forwarded_unix("/run/user/1000/h??fe/s"));
	assert_false(is_forwarded_unix(""));
	/* Neither is the other, even where the words are the same. */
	assert_false(is_forwarded(path, 0));
	listen_on(path, 80, (char *)"b");
	peer_says(MSG_REQUEST_SUCCESS, "");
	connection_cancel_unix(peer.c, path, on_answer, (void *)"c");
	peer_turn();
	peer_hears(MSG_GLOBAL_REQUEST, "sbs",
	    "cancel-streamlocal-forward@openssh.com", 1, path);
	assert_true(is_forwarded_unix(path));
	peer_says(MSG_REQUEST_SUCCESS, "");
	assert_false(is_forwarded_unix(path));
	assert_true(is_forwarded(path, 80));
	assert_string_equal(answers, "a+0 b+80 c+0 ");
	peer_is_fine();
}

static void
test_a_cut_unix_open_ends_it(void **state)
{
	(void)state;
	peer_says(MSG_CHANNEL_OPEN, "suuus",
	    "forwarded-streamlocal@openssh.com", 1u, BIG, 32768u, "/x");
	peer_is_cut("a malformed forwarded-streamlocal open");
	assert_int_equal(peer.asks, 0);
}

/* The user forgets a listener whose cancel was refused, too. */
static void
test_a_refused_cancel_is_the_end_too(void **state)
{
	(void)state;
	listen_on("", 0, (char *)"a");
	peer_says(MSG_REQUEST_SUCCESS, "u", 80u);
	/* A server that gives one port to two. */
	listen_on("", 0, (char *)"b");
	peer_says(MSG_REQUEST_SUCCESS, "u", 80u);
	assert_true(is_forwarded("", 80));
	connection_cancel(peer.c, "", 80, on_answer, (void *)"c");
	peer_turn();
	packet_free(fake_transport_take(peer.t));
	peer_says(MSG_REQUEST_FAILURE, "");
	assert_false(is_forwarded("", 80));
	assert_string_equal(answers, "a+80 b+80 c-80 ");
	peer_is_fine();
}

static void
test_an_allocated_port_is_a_port(void **state)
{
	static const uint32_t bad[] = { 0, 65536, 0xffffffff };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		listen_on("", 0, (char *)"a");
		peer_says(MSG_REQUEST_SUCCESS, "u", bad[i]);
		peer_is_cut("the server allocated a port that is none");
		peer_teardown(NULL);
		peer_setup(NULL);
	}
	listen_on("", 0, (char *)"a");
	peer_says(MSG_REQUEST_SUCCESS, "bbb", 0, 0, 1);
	peer_is_cut("the server allocated a port that is none");
	assert_string_equal(answers, "");
}

static void
test_an_answer_to_nothing_is_ignored(void **state)
{
	(void)state;
	peer_says(MSG_REQUEST_SUCCESS, "");
	peer_says(MSG_REQUEST_FAILURE, "");
	peer_says(MSG_REQUEST_SUCCESS, "u", 5u);
	peer_is_fine();
	connection_ping(peer.c, on_answer, (void *)"a");
	assert_string_equal(answers, "");
	peer_says(MSG_REQUEST_SUCCESS, "");
	assert_string_equal(answers, "a+0 ");
	peer_is_fine();
}

static void
on_proof(void *arg, bool ok, const uint8_t *bytes, size_t n)
{
	on_answer(arg, ok, (uint32_t)n);
	if (n > 0)
		assert_memory_equal(bytes, "\0\0\0\3sig", 7);
}

/* OpenSSH's PROTOCOL 2.5: bytes there and back, in order with the others. */
static void
test_a_proof_is_the_answers_bytes(void **state)
{
	static const char keys[] = "\0\0\0\1k\0\0\0\1l";

	(void)state;
	connection_ping(peer.c, on_answer, (void *)"a");
	connection_prove(peer.c, keys, sizeof(keys) - 1, on_proof,
	    (void *)"b");
	connection_prove(peer.c, keys, 5, on_proof, (void *)"c");
	connection_ping(peer.c, on_answer, (void *)"d");
	peer_turn();
	peer_hears(MSG_GLOBAL_REQUEST, "sb", PING, 1);
	peer_hears(MSG_GLOBAL_REQUEST, "sbss",
	    "hostkeys-prove-00@openssh.com", 1, "k", "l");
	peer_hears(MSG_GLOBAL_REQUEST, "sbs",
	    "hostkeys-prove-00@openssh.com", 1, "k");
	peer_hears(MSG_GLOBAL_REQUEST, "sb", PING, 1);
	peer_says(MSG_REQUEST_FAILURE, "");
	peer_says(MSG_REQUEST_SUCCESS, "s", "sig");
	/* A refusal has none, whatever comes with it. */
	peer_says(MSG_REQUEST_FAILURE, "s", "sig");
	peer_says(MSG_REQUEST_SUCCESS, "");
	assert_string_equal(answers, "a-0 b+7 c-0 d+0 ");
	peer_dies();
	connection_prove(peer.c, keys, 5, on_proof, (void *)"e");
	assert_string_equal(answers, "a-0 b+7 c-0 d+0 ");
}

static void
test_a_request_inside_an_answer(void **state)
{
	(void)state;
	connection_ping(peer.c, ping_again, (void *)"once");
	peer_turn();
	peer_hears(MSG_GLOBAL_REQUEST, "sb", PING, 1);
	peer_says(MSG_REQUEST_SUCCESS, "");
	peer_turn();
	peer_hears(MSG_GLOBAL_REQUEST, "sb", PING, 1);
	peer_says(MSG_REQUEST_SUCCESS, "");
	assert_string_equal(answers, "once+0 again+0 ");
	peer_is_fine();
}

static void
test_death_answers_nothing(void **state)
{
	(void)state;
	listen_on("", 0, (char *)"a");
	connection_ping(peer.c, on_answer, (void *)"b");
	peer_dies();
	connection_ping(peer.c, on_answer, (void *)"c");
	connection_listen(peer.c, "", 1, NULL, on_answer, (void *)"d");
	connection_cancel(peer.c, "", 1, on_answer, (void *)"e");
	assert_string_equal(answers, "");
	assert_int_equal(peer.ended, 1);
}

static void
test_unknown_global_requests(void **state)
{
	static const char *const names[] = { "hostkeys-00@openssh.com", PING,
	    "tcpip-forward", "" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		peer_says(MSG_GLOBAL_REQUEST, "sbss", names[i], 0, "x", "y");
		peer_is_fine();
		peer_hears_nothing();
		peer_says(MSG_GLOBAL_REQUEST, "sb", names[i], 1);
		peer_says(MSG_GLOBAL_REQUEST, "sbs", names[i], 255, "x");
		peer_is_fine();
		peer_hears(MSG_REQUEST_FAILURE, "");
		peer_hears(MSG_REQUEST_FAILURE, "");
		peer_hears_nothing();
	}
}

/* The failure names the channel as the server does. */
static void
test_channel_requests(void **state)
{
	struct user a = { 0 }, b = { 0 };

	(void)state;
	user_connect(&a, "a", 77, BIG, BIG);
	user_connect(&b, "b", 88, BIG, BIG);
	peer_says(MSG_CHANNEL_REQUEST, "usb", b.id, PING, 1);
	peer_says(MSG_CHANNEL_REQUEST, "usbu", a.id, "exit-status", 0, 1u);
	peer_says(MSG_CHANNEL_REQUEST, "usb", a.id, PING, 1);
	peer_is_fine();
	peer_hears(MSG_CHANNEL_FAILURE, "u", 88u);
	peer_hears(MSG_CHANNEL_FAILURE, "u", 77u);
	peer_hears_nothing();
	user_saw(&a, "");
}

static void
test_answers_to_channel_requests_end_it(void **state)
{
	struct user u = { 0 };

	(void)state;
	user_connect(&u, "a", 77, BIG, BIG);
	peer_says(MSG_CHANNEL_SUCCESS, "u", u.id);
	peer_is_cut("an answer to a channel request that was never made");
}

/* A rekey that begins between any two packets delays them, and that is all. */
static void
test_a_rekey_loses_nothing(void **state)
{
	(void)state;
	for (int after = 0; after <= 8; after++) {
		struct user u = { .appetite = SIZE_MAX };

		user_connect(&u, "a", 9, BIG, BIG);
		peer.t->rekeying = after == 0;
		peer.t->rekey_after = after;
		connection_ping(peer.c, on_answer, (void *)"a");
		for (int i = 0; i < 4; i++)
			peer_says(MSG_GLOBAL_REQUEST, "sb", "x", 1);
		for (int i = 0; i < 16; i++)
			peer_says_data(u.id, 0, 32768);
		u.to_write = 1;
		channel_want_write(u.ch);
		peer_is_fine();
		assert_int_equal(peer.t->rekeying, after < 8);
		if (after < 7) {
			assert_int_equal(channel_room(u.ch), 0);
			assert_int_equal(channel_write(u.ch,
			    (const uint8_t *)"y", 1), 0);
		}
		connection_ping(peer.c, on_answer, (void *)"b");
		peer.t->rekeying = false;
		peer.t->rekey_after = 0;
		transport_wake(peer.t);
		peer_is_fine();
		peer_hears(MSG_GLOBAL_REQUEST, "sb", PING, 1);
		for (int i = 0; i < 4; i++)
			peer_hears(MSG_REQUEST_FAILURE, "");
		peer_hears(MSG_CHANNEL_WINDOW_ADJUST, "uu", 9u, 524288u);
		if (after >= 7)
			peer_hears(MSG_CHANNEL_DATA, "ux", 9u, "\0", (size_t)1);
		peer_hears(MSG_GLOBAL_REQUEST, "sb", PING, 1);
		if (after < 7)
			peer_hears(MSG_CHANNEL_DATA, "ux", 9u, "\0", (size_t)1);
		peer_hears_nothing();
		user_leave(&u);
		peer_says(MSG_CHANNEL_CLOSE, "u", u.id);
		peer_turn();
		peer_hears(MSG_CHANNEL_CLOSE, "u", 9u);
		user_fini(&u);
		peer_says(MSG_REQUEST_SUCCESS, "");
		peer_says(MSG_REQUEST_SUCCESS, "");
		assert_string_equal(answers, "a+0 b+0 ");
		answers[0] = '\0';
	}
}

/* What we owe a server that makes us wait is bounded. */
static void
test_a_flood_of_requests_ends_it(void **state)
{
	int i;

	(void)state;
	peer.t->rekeying = true;
	for (i = 0; i < 100000 && !peer.t->failed; i++) {
		peer_says(MSG_GLOBAL_REQUEST, "sb", "x", 1);
		peer_turn();
	}
	assert_in_range(i, 1000, 70000);
	assert_string_equal(peer.end.text,
	    "the server asks faster than it reads");
}

/*
 * Each packet that a server may send, on channel 0, cut after every byte.
 * From cut on it is acceptable; before, it ends the connection.
 */
static void
test_packets_cut_anywhere(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		size_t enough;
		bool opening;		/* channel 0 has no answer yet */
	} rows[] = {
#define ROW(bytes, enough, opening) \
		{ bytes, sizeof(bytes) - 1, enough, opening }
#define CHANNEL	"\0\0\0\0"
		ROW("\x50" "\0\0\0\1" "x" "\1" "more", 7, false),
		ROW("\x5a" "\0\0\0\1" "x" "\0\0\0\1" "\0\0\1\0" "\0\0\1\0",
		    18, false),
		ROW("\x5b" CHANNEL "\0\0\0\1" "\0\0\1\0" "\0\0\1\0", 17, true),
		ROW("\x5c" CHANNEL "\0\0\0\1" "\0\0\0\2" "no" "\0\0\0\0", 15,
		    true),
		ROW("\x5d" CHANNEL "\0\0\0\1", 9, false),
		ROW("\x5e" CHANNEL "\0\0\0\3" "abc", 12, false),
		ROW("\x5f" CHANNEL "\0\0\0\1" "\0\0\0\3" "abc", 16, false),
		ROW("\x60" CHANNEL, 5, false),
		ROW("\x61" CHANNEL, 5, false),
		ROW("\x62" CHANNEL "\0\0\0\1" "x" "\1" "more", 11, false),
	};

	(void)state;
	peer_teardown(NULL);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t cut = 1; cut <= rows[i].n; cut++) {
			struct user u = { .appetite = SIZE_MAX };

			peer_setup(NULL);
			if (rows[i].opening)
				user_open(&u, "a");
			else
				user_connect(&u, "a", 9, 100, 100);
			assert_int_equal(u.id, 0);
			fake_transport_say(peer.t, rows[i].bytes, cut);
			peer_turn();
			assert_int_equal(peer.t->failed,
			    cut < rows[i].enough);
			peer_teardown(NULL);
			user_fini(&u);
		}
	peer_setup(NULL);
}

static bool
is_known(int msg)
{
	return (msg >= MSG_GLOBAL_REQUEST && msg <= MSG_REQUEST_FAILURE) ||
	    (msg >= MSG_CHANNEL_OPEN && msg <= MSG_CHANNEL_FAILURE);
}

/* RFC 4253 11.4: by the number of the packet, and that is all. */
static void
test_unknown_messages_are_answered(void **state)
{
	(void)state;
	for (int msg = 0; msg < 256; msg++) {
		uint32_t seq = peer.t->seq;

		if (is_known(msg) || msg == MSG_UNIMPLEMENTED)
			continue;
		peer_says((uint8_t)msg, "uuuuu", 0u, 0u, 0u, 0u, 0u);
		peer_says((uint8_t)msg, "");
		peer_is_fine();
		peer_hears(MSG_UNIMPLEMENTED, "u", seq);
		peer_hears(MSG_UNIMPLEMENTED, "u", seq + 1);
	}
	peer_says(MSG_UNIMPLEMENTED, "u", 0u);
	peer_is_fine();
	peer_hears_nothing();
}

/* We make no channel requests, and have asked for no other channel. */
static void
test_answers_that_nobody_asked_for_end_it(void **state)
{
	static const uint8_t msgs[] = { MSG_CHANNEL_OPEN_CONFIRMATION,
	    MSG_CHANNEL_OPEN_FAILURE, MSG_CHANNEL_SUCCESS,
	    MSG_CHANNEL_FAILURE };

	(void)state;
	peer_teardown(NULL);
	for (size_t i = 0; i < sizeof(msgs); i++) {
		struct user u = { .appetite = SIZE_MAX };

		peer_setup(NULL);
		user_connect(&u, "a", 9, 100, 100);
		peer_says(msgs[i], "uuuuu", u.id, 0u, 0u, 0u, 0u);
		peer_turn();
		assert_true(peer.t->failed);
		assert_int_equal(peer.ended, 1);
		peer_teardown(NULL);
		user_fini(&u);
	}
	peer_setup(NULL);
}

int
main(void)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, setup, peer_teardown)
	static const struct CMUnitTest tests[] = {
		TEST(test_either_answer_to_a_ping_will_do),
		TEST(test_answers_find_their_requests),
		TEST(test_a_listener_lasts_until_it_is_cancelled),
		TEST(test_a_refused_cancel_is_the_end_too),
		TEST(test_a_unix_socket_on_the_server),
		TEST(test_a_cut_unix_open_ends_it),
		TEST(test_an_allocated_port_is_a_port),
		TEST(test_an_answer_to_nothing_is_ignored),
		TEST(test_a_proof_is_the_answers_bytes),
		TEST(test_a_request_inside_an_answer),
		TEST(test_death_answers_nothing),
		TEST(test_unknown_global_requests),
		TEST(test_channel_requests),
		TEST(test_answers_to_channel_requests_end_it),
		TEST(test_a_rekey_loses_nothing),
		TEST(test_a_flood_of_requests_ends_it),
		TEST(test_packets_cut_anywhere),
		TEST(test_unknown_messages_are_answered),
		TEST(test_answers_that_nobody_asked_for_end_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
