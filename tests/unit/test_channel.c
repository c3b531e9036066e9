/* SPDX-License-Identifier: ISC */
/* Data, windows, EOF and CLOSE of open channels (RFC 4254 5.2, 5.3). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "fake_peer.h"
#include "ssh/connection_impl.h"

#define WINDOW	(2u * 1024 * 1024)
#define BIG	0xfffffff0u

/* Sent data packets for a peer's id: takes them all; how many bytes. */
static size_t
hear_data(uint32_t peer_id, size_t packet_max)
{
	struct packet *p;
	size_t sum = 0;

	while ((p = fake_transport_take(peer.t)) != NULL) {
		struct reader r;
		size_t n;

		assert_int_equal(p->bytes[0], MSG_CHANNEL_DATA);
		reader_init(&r, p->bytes + 1, p->len - 1);
		assert_int_equal(reader_u32(&r), peer_id);
		reader_string(&r, &n);
		assert_false(r.broken);
		assert_int_equal(r.left, 0);
		assert_in_range(n, 1, packet_max);
		sum += n;
		packet_free(p);
	}
	return sum;
}

static void
test_data_arrives(void **state)
{
	struct user u = { .appetite = SIZE_MAX };

	(void)state;
	user_connect(&u, "a", 7, BIG, BIG);
	peer_says(MSG_CHANNEL_DATA, "us", u.id, "hello ");
	peer_says(MSG_CHANNEL_DATA, "us", u.id, "world");
	peer_is_fine();
	assert_string_equal(u.got.p, "hello world");
	user_saw(&u, "D");
	peer_says(MSG_CHANNEL_DATA, "us", u.id, "");	/* no call */
	user_saw(&u, "");
	peer_is_fine();
	peer_hears_nothing();
	user_fini(&u);
}

static void
test_window_comes_back_at_a_quarter(void **state)
{
	struct user u = { .appetite = SIZE_MAX };

	(void)state;
	user_connect(&u, "a", 7, BIG, BIG);
	for (size_t i = 0; i < 15; i++)
		peer_says_data(u.id, 0, 32768);
	peer_says_data(u.id, 0, 32767);
	peer_turn();
	peer_hears_nothing();
	peer_says_data(u.id, 0, 1);
	peer_turn();
	peer_hears(MSG_CHANNEL_WINDOW_ADJUST, "uu", 7u, WINDOW / 4);
	peer_hears_nothing();
	/* For ever: what was taken comes back. */
	for (size_t i = 0; i < 1600; i++)
		peer_says_data(u.id, 0, 32768);
	peer_is_fine();
	for (size_t i = 0; i < 100; i++)
		peer_hears(MSG_CHANNEL_WINDOW_ADJUST, "uu", 7u, WINDOW / 4);
	peer_hears_nothing();
	user_fini(&u);
}

static void
test_data_beyond_the_window_ends_it(void **state)
{
	struct user u = { .appetite = 0 };

	(void)state;
	user_connect(&u, "a", 7, BIG, BIG);
	for (size_t i = 0; i < 64; i++)
		peer_says_data(u.id, 0, 32768);
	peer_is_fine();
	assert_int_equal(channel_queued(u.ch), WINDOW);
	peer_hears_nothing();
	peer_says_data(u.id, 0, 1);
	peer_is_cut("more data than the window allows");
	user_saw(&u, "DC");
	user_fini(&u);
}

static void
test_extended_data_beyond_the_window_ends_it(void **state)
{
	struct user u = { .appetite = 0 };

	(void)state;
	user_connect(&u, "a", 7, BIG, BIG);
	for (size_t i = 0; i < 63; i++)
		peer_says_data(u.id, 0, 32768);
	peer_says_data(u.id, 0, 32767);
	peer_says(MSG_CHANNEL_EXTENDED_DATA, "uus", u.id, 1u, "xy");
	peer_is_cut("more data than the window allows");
	user_fini(&u);
}

/* No user wants it; its window comes back all the same. */
static void
test_extended_data_is_dropped(void **state)
{
	struct user u = { .appetite = SIZE_MAX };
	uint8_t *bytes = calloc(1, 32768);

	(void)state;
	assert_non_null(bytes);
	user_connect(&u, "a", 7, BIG, BIG);
	for (size_t i = 0; i < 200; i++)
		peer_says(MSG_CHANNEL_EXTENDED_DATA, "uux", u.id, 1u, bytes,
		    (size_t)32768);
	peer_is_fine();
	user_saw(&u, "");
	assert_int_equal(u.got.len, 0);
	for (size_t i = 0; i < 12; i++)
		peer_hears(MSG_CHANNEL_WINDOW_ADJUST, "uu", 7u, WINDOW / 4);
	free(bytes);
	user_fini(&u);
}

static void
test_a_packet_larger_than_agreed_ends_it(void **state)
{
	struct user u = { .appetite = SIZE_MAX };

	(void)state;
	user_connect(&u, "a", 7, BIG, BIG);
	peer_says_data(u.id, 0, 32769);
	peer_is_cut("a malformed data packet");
	user_fini(&u);
}

static void
test_extended_data_larger_than_agreed_ends_it(void **state)
{
	static const uint8_t bytes[32769];
	struct user u = { .appetite = SIZE_MAX };

	(void)state;
	user_connect(&u, "a", 7, BIG, BIG);
	peer_says(MSG_CHANNEL_EXTENDED_DATA, "uux", u.id, 1u, bytes,
	    sizeof(bytes));
	peer_is_cut("a malformed extended data packet");
	user_fini(&u);
}

static void
test_a_users_tail_is_kept_in_order(void **state)
{
	struct user u = { .appetite = 3 };

	(void)state;
	user_connect(&u, "a", 7, BIG, BIG);
	peer_says(MSG_CHANNEL_DATA, "us", u.id, "abcdef");
	assert_string_equal(u.got.p, "abc");
	assert_int_equal(channel_queued(u.ch), 3);
	peer_says(MSG_CHANNEL_DATA, "us", u.id, "ghi");
	assert_string_equal(u.got.p, "abc");
	assert_int_equal(channel_queued(u.ch), 6);
	u.appetite = 1;
	channel_pull(u.ch);
	assert_string_equal(u.got.p, "abcd");
	u.appetite = SIZE_MAX;
	peer_says_data(u.id, 'j', 5000);	/* a packet kept as it is */
	peer_says(MSG_CHANNEL_DATA, "us", u.id, "!");
	assert_int_equal(channel_queued(u.ch), 5 + 5000 + 1);
	channel_pull(u.ch);
	assert_int_equal(channel_queued(u.ch), 0);
	assert_int_equal(u.got.len, 9 + 5000 + 1);
	assert_memory_equal(u.got.p, "abcdefghijkl", 12);
	assert_int_equal((uint8_t)u.got.p[9 + 4999], (uint8_t)('j' + 4999));
	assert_int_equal(u.got.p[9 + 5000], '!');
	peer_is_fine();
	user_fini(&u);
}

/* Random sizes, appetites and pulls: every byte, once, in order. */
static void
test_no_byte_is_lost_in_the_queue(void **state)
{
	struct user u = { .appetite = 0 };
	uint32_t random = 1;
	size_t sent = 0;

	(void)state;
	user_connect(&u, "a", 7, BIG, BIG);
	for (int i = 0; i < 4000; i++) {
		size_t n;

		random = random * 1664525 + 1013904223;
		n = (random >> 8) % (random >> 30 == 0 ? 9000 : 60);
		if (channel_queued(u.ch) + n < WINDOW / 2) {
			peer_says_data(u.id, (uint8_t)sent, n);
			sent += n;
		}
		u.appetite = (random >> 4) % 5000;
		if (random % 3 == 0)
			channel_pull(u.ch);
		assert_int_equal(u.got.len + channel_queued(u.ch), sent);
		peer_turn();
	}
	u.appetite = SIZE_MAX;
	channel_pull(u.ch);
	assert_int_equal(u.got.len, sent);
	for (size_t i = 0; i < sent; i++)
		assert_int_equal((uint8_t)u.got.p[i], (uint8_t)i);
	peer_is_fine();
	user_fini(&u);
}

/* Memory that the channel's queue holds, in bytes. */
static size_t
queue_memory(const struct channel *ch)
{
	const struct chunk *k;
	size_t sum = 0;

	STAILQ_FOREACH(k, &ch->queue, next)
		sum += sizeof(*k) + k->len + k->room;
	return sum;
}

/* A whole window in packets of one byte must not cost a packet each. */
static void
test_tiny_packets_stay_bounded(void **state)
{
	struct user u = { .appetite = 0 };

	(void)state;
	user_connect(&u, "a", 7, BIG, BIG);
	for (uint32_t i = 0; i < WINDOW; i++) {
		uint8_t bytes[10] = { MSG_CHANNEL_DATA, [8] = 1,
		    [9] = (uint8_t)i };

		packet_store_u32(bytes + 1, u.id);
		fake_transport_say(peer.t, bytes, sizeof(bytes));
	}
	peer_is_fine();
	assert_int_equal(channel_queued(u.ch), WINDOW);
	assert_in_range(queue_memory(u.ch), WINDOW, WINDOW + WINDOW / 8);
	u.appetite = SIZE_MAX;
	channel_pull(u.ch);
	assert_int_equal(u.got.len, WINDOW);
	peer_turn();
	peer_hears(MSG_CHANNEL_WINDOW_ADJUST, "uu", 7u, WINDOW / 4);
	user_fini(&u);
}

static void
test_writes_keep_to_the_peers_limits(void **state)
{
	static const uint8_t bytes[100000];
	struct user u = { .appetite = SIZE_MAX };

	(void)state;
	user_open(&u, "a");
	assert_int_equal(channel_room(u.ch), 0);
	assert_int_equal(channel_write(u.ch, bytes, 10), 0);
	peer_says(MSG_CHANNEL_OPEN_CONFIRMATION, "uuuu", u.id, 9u, 10000u,
	    1000u);
	assert_int_equal(channel_room(u.ch), 10000);
	assert_int_equal(channel_write(u.ch, bytes, 2500), 2500);
	assert_int_equal(hear_data(9, 1000), 2500);
	assert_int_equal(channel_write(u.ch, bytes, sizeof(bytes)), 7500);
	assert_int_equal(hear_data(9, 1000), 7500);
	assert_int_equal(channel_room(u.ch), 0);
	assert_int_equal(channel_write(u.ch, bytes, 1), 0);
	peer_says(MSG_CHANNEL_WINDOW_ADJUST, "uu", u.id, 1u);
	assert_int_equal(channel_write(u.ch, bytes, 5), 1);
	assert_int_equal(hear_data(9, 1000), 1);
	peer_is_fine();
	user_fini(&u);
}

/* A peer may take larger packets than the transport can send. */
static void
test_packets_stay_small_for_generous_peers(void **state)
{
	static const uint8_t bytes[200000];
	struct user u = { .appetite = SIZE_MAX };
	size_t n;

	(void)state;
	user_connect(&u, "a", 9, 0xffffffff, 0xffffffff);
	n = channel_write(u.ch, bytes, sizeof(bytes));
	assert_in_range(n, 1, TRANSPORT_BULK_MAX + 32768);
	assert_int_equal(hear_data(9, 32768), n);
	peer_is_fine();
	user_fini(&u);
}

static void
test_a_full_transport_takes_no_bulk(void **state)
{
	struct user u = { .appetite = SIZE_MAX };
	struct packet *p;
	uint8_t last = 0;

	(void)state;
	user_connect(&u, "a", 9, BIG, BIG);
	peer.t->stuck = true;
	u.to_write = 1000000;
	channel_want_write(u.ch);
	peer_turn();
	assert_in_range(peer.t->pending, TRANSPORT_BULK_MAX,
	    TRANSPORT_BULK_MAX + 40000);
	assert_int_equal(channel_room(u.ch), 0);
	assert_int_equal(channel_write(u.ch, (const uint8_t *)"x", 1), 0);
	/* A small packet does not wait. */
	channel_send_eof(u.ch);
	peer_turn();
	while ((p = fake_transport_take(peer.t)) != NULL) {
		last = p->bytes[0];
		packet_free(p);
	}
	assert_int_equal(last, MSG_CHANNEL_EOF);
	peer_is_fine();
}

static void
test_window_overflow_ends_it(void **state)
{
	struct user u = { .appetite = SIZE_MAX };

	(void)state;
	user_connect(&u, "a", 9, 0xffffff00, BIG);
	peer_says(MSG_CHANNEL_WINDOW_ADJUST, "uu", u.id, 0xffu);
	peer_is_fine();
	peer_says(MSG_CHANNEL_WINDOW_ADJUST, "uu", u.id, 0u);
	peer_is_fine();
	peer_says(MSG_CHANNEL_WINDOW_ADJUST, "uu", u.id, 1u);
	peer_is_cut("a window beyond 2^32 - 1");
	user_fini(&u);
}

static void
test_a_waiting_writer_hears_of_the_window(void **state)
{
	struct user u = { .appetite = SIZE_MAX };

	(void)state;
	user_connect(&u, "a", 9, 100, BIG);
	u.to_write = 250;
	channel_want_write(u.ch);
	channel_want_write(u.ch);
	peer_turn();
	user_saw(&u, "W");
	assert_int_equal(hear_data(9, 32768), 100);
	peer_turn();
	user_saw(&u, "");
	peer_says(MSG_CHANNEL_WINDOW_ADJUST, "uu", u.id, 100u);
	peer_turn();
	user_saw(&u, "W");
	assert_int_equal(hear_data(9, 32768), 100);
	peer_says(MSG_CHANNEL_WINDOW_ADJUST, "uu", u.id, 100u);
	peer_turn();
	assert_int_equal(hear_data(9, 32768), 50);
	user_saw(&u, "W");
	/* It did not ask again. */
	peer_says(MSG_CHANNEL_WINDOW_ADJUST, "uu", u.id, 100u);
	peer_turn();
	user_saw(&u, "");
	peer_is_fine();
	user_fini(&u);
}

static void
test_writers_take_turns(void **state)
{
	struct user users[5] = { 0 };
	size_t per_user[5] = { 0 };
	struct packet *p;
	uint32_t last = 99;

	(void)state;
	for (uint32_t i = 0; i < 5; i++) {
		user_connect(&users[i], "a", 100 + i, BIG, BIG);
		users[i].to_write = 500000;
		users[i].portion = 4096;
	}
	for (uint32_t i = 0; i < 5; i++)
		channel_want_write(users[i].ch);
	peer_turn();
	while ((p = fake_transport_take(peer.t)) != NULL) {
		struct reader r;
		uint32_t id;
		size_t n;

		reader_init(&r, p->bytes + 1, p->len - 1);
		id = reader_u32(&r) - 100;
		reader_string(&r, &n);
		assert_in_range(id, 0, 4);
		assert_int_not_equal(id, last);		/* never twice */
		per_user[id] += n;
		last = id;
		for (size_t i = 0; i < 5; i++)
			assert_in_range(per_user[i] + 4096, per_user[id],
			    per_user[id] + 8192);
		packet_free(p);
	}
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(per_user[i], 500000);
}

static void
test_eof_is_told_after_the_tail(void **state)
{
	struct user u = { .appetite = 2 };

	(void)state;
	user_connect(&u, "a", 9, BIG, BIG);
	peer_says(MSG_CHANNEL_DATA, "us", u.id, "abcdef");
	peer_says(MSG_CHANNEL_EOF, "u", u.id);
	user_saw(&u, "D");
	assert_int_equal(u.got.len, 4);		/* the EOF offered again */
	u.appetite = SIZE_MAX;
	channel_pull(u.ch);
	user_saw(&u, "DE");
	channel_pull(u.ch);
	user_saw(&u, "");
	peer_is_fine();
	/* The other way stays open. */
	assert_int_equal(channel_write(u.ch, (const uint8_t *)"xyz", 3), 3);
	peer_hears(MSG_CHANNEL_DATA, "us", 9u, "xyz");
	peer_hears_nothing();
	user_fini(&u);
}

static void
test_data_after_eof_ends_it(void **state)
{
	struct user u = { .appetite = SIZE_MAX };

	(void)state;
	user_connect(&u, "a", 9, BIG, BIG);
	peer_says(MSG_CHANNEL_EOF, "u", u.id);
	peer_says(MSG_CHANNEL_DATA, "us", u.id, "x");
	peer_is_cut("a malformed data packet");
	user_saw(&u, "EC");
	user_fini(&u);
}

static void
test_extended_data_after_eof_ends_it(void **state)
{
	struct user u = { .appetite = SIZE_MAX };

	(void)state;
	user_connect(&u, "a", 9, BIG, BIG);
	peer_says(MSG_CHANNEL_EOF, "u", u.id);
	peer_says(MSG_CHANNEL_EXTENDED_DATA, "uus", u.id, 1u, "x");
	peer_is_cut("a malformed extended data packet");
	user_fini(&u);
}

static void
test_nothing_is_sent_after_our_eof(void **state)
{
	struct user u = { .appetite = SIZE_MAX };

	(void)state;
	user_connect(&u, "a", 9, BIG, BIG);
	assert_int_equal(channel_write(u.ch, (const uint8_t *)"x", 1), 1);
	channel_send_eof(u.ch);
	channel_send_eof(u.ch);
	assert_int_equal(channel_room(u.ch), 0);
	assert_int_equal(channel_write(u.ch, (const uint8_t *)"y", 1), 0);
	peer_is_fine();
	peer_hears(MSG_CHANNEL_DATA, "us", 9u, "x");
	peer_hears(MSG_CHANNEL_EOF, "u", 9u);
	peer_hears_nothing();
	/* Reading goes on, and its window comes back. */
	for (size_t i = 0; i < 16; i++)
		peer_says_data(u.id, 0, 32768);
	peer_is_fine();
	peer_hears(MSG_CHANNEL_WINDOW_ADJUST, "uu", 9u, WINDOW / 4);
	user_fini(&u);
}

/* Else a user that asks again in each call would spin. */
static void
test_nobody_waits_for_room_after_eof(void **state)
{
	struct user u = { .appetite = SIZE_MAX, .to_write = 1 };

	(void)state;
	user_connect(&u, "a", 9, BIG, BIG);
	channel_want_write(u.ch);
	channel_send_eof(u.ch);
	peer_is_fine();
	channel_want_write(u.ch);
	peer_is_fine();
	user_saw(&u, "");
	peer_hears(MSG_CHANNEL_EOF, "u", 9u);
	peer_hears_nothing();
}

static void
test_close_is_told_after_tail_and_eof(void **state)
{
	struct user u = { .appetite = 0 };

	(void)state;
	user_connect(&u, "a", 9, BIG, BIG);
	peer_says(MSG_CHANNEL_DATA, "us", u.id, "abcdef");
	peer_says(MSG_CHANNEL_EOF, "u", u.id);
	peer_says(MSG_CHANNEL_CLOSE, "u", u.id);
	peer_is_fine();
	peer_hears(MSG_CHANNEL_CLOSE, "u", 9u);
	user_saw(&u, "D");
	assert_int_equal(channel_room(u.ch), 0);
	u.appetite = SIZE_MAX;
	channel_pull(u.ch);
	user_saw(&u, "DEC");
	assert_string_equal(u.got.p, "abcdef");
	channel_send_eof(u.ch);
	channel_want_write(u.ch);
	channel_pull(u.ch);
	user_leave(&u);
	peer_is_fine();
	peer_hears_nothing();
	user_saw(&u, "");
	user_fini(&u);
}

/* No window for a peer that will send no more. */
static void
test_no_adjust_after_close(void **state)
{
	struct user u = { .appetite = 0 };

	(void)state;
	user_connect(&u, "a", 9, BIG, BIG);
	for (size_t i = 0; i < 32; i++)
		peer_says_data(u.id, 0, 32768);
	peer_says(MSG_CHANNEL_CLOSE, "u", u.id);
	u.appetite = SIZE_MAX;
	channel_pull(u.ch);
	user_saw(&u, "DC");
	peer_is_fine();
	peer_hears(MSG_CHANNEL_CLOSE, "u", 9u);
	peer_hears_nothing();
	user_fini(&u);
}

int
main(void)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, peer_setup, peer_teardown)
	static const struct CMUnitTest tests[] = {
		TEST(test_data_arrives),
		TEST(test_window_comes_back_at_a_quarter),
		TEST(test_data_beyond_the_window_ends_it),
		TEST(test_extended_data_beyond_the_window_ends_it),
		TEST(test_extended_data_is_dropped),
		TEST(test_a_packet_larger_than_agreed_ends_it),
		TEST(test_extended_data_larger_than_agreed_ends_it),
		TEST(test_a_users_tail_is_kept_in_order),
		TEST(test_no_byte_is_lost_in_the_queue),
		TEST(test_tiny_packets_stay_bounded),
		TEST(test_writes_keep_to_the_peers_limits),
		TEST(test_packets_stay_small_for_generous_peers),
		TEST(test_a_full_transport_takes_no_bulk),
		TEST(test_window_overflow_ends_it),
		TEST(test_a_waiting_writer_hears_of_the_window),
		TEST(test_writers_take_turns),
		TEST(test_eof_is_told_after_the_tail),
		TEST(test_data_after_eof_ends_it),
		TEST(test_extended_data_after_eof_ends_it),
		TEST(test_nothing_is_sent_after_our_eof),
		TEST(test_nobody_waits_for_room_after_eof),
		TEST(test_close_is_told_after_tail_and_eof),
		TEST(test_no_adjust_after_close),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
