/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "worker/socks.h"

#define HELLO	"\5\1\0"
#define CHOSEN	"\5\0"
#define NULL_ADDRESS "\1\0\0\0\0\0\0"
#define BYTES(s)	(s), sizeof(s) - 1

struct row {
	const char *what;
	const char *in;
	size_t in_len;
	const char *reply;
	size_t reply_len;
	enum socks_verdict verdict;
	const char *host;
	uint16_t port;
	size_t ahead;			/* bytes behind the request */
};

static const struct row rows[] = {
	{ "v4", BYTES("\4\1\0\120\1\2\3\4me\0"), BYTES(""),
	    SOCKS_CONNECT, "1.2.3.4", 80, 0 },
	{ "v4, data ahead", BYTES("\4\1\0\120\1\2\3\4\0GET"), BYTES(""),
	    SOCKS_CONNECT, "1.2.3.4", 80, 3 },
	{ "v4, address 0.0.0.0", BYTES("\4\1\0\120\0\0\0\0\0"), BYTES(""),
	    SOCKS_CONNECT, "0.0.0.0", 80, 0 },
	{ "v4a", BYTES("\4\1\0\120\0\0\0\7\0name\0"), BYTES(""),
	    SOCKS_CONNECT, "name", 80, 0 },
	{ "v4a, no name", BYTES("\4\1\0\120\0\0\0\7\0\0"),
	    BYTES("\0\x5b\0\0\0\0\0\0"), SOCKS_BAD, NULL, 0, 0 },
	{ "v4 bind", BYTES("\4\2\0\120\1\2\3\4\0"),
	    BYTES("\0\x5b\0\0\0\0\0\0"), SOCKS_BAD, NULL, 0, 0 },
	{ "v4, port 0", BYTES("\4\1\0\0\1\2\3\4\0"),
	    BYTES("\0\x5b\0\0\0\0\0\0"), SOCKS_BAD, NULL, 0, 0 },
	{ "v5", BYTES(HELLO "\5\1\0\1\1\2\3\4\1\273"), BYTES(CHOSEN),
	    SOCKS_CONNECT, "1.2.3.4", 443, 0 },
	{ "v5, data ahead", BYTES(HELLO "\5\1\0\1\1\2\3\4\1\273GET"),
	    BYTES(CHOSEN), SOCKS_CONNECT, "1.2.3.4", 443, 3 },
	{ "v5, name", BYTES(HELLO "\5\1\0\3\4name\0\120"), BYTES(CHOSEN),
	    SOCKS_CONNECT, "name", 80, 0 },
	{ "v5, IPv6", BYTES(HELLO "\5\1\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1"
	    "\0\120"), BYTES(CHOSEN), SOCKS_CONNECT, "::1", 80, 0 },
	{ "v5, second method", BYTES("\5\2\2\0\5\1\0\1\1\2\3\4\0\120"),
	    BYTES(CHOSEN), SOCKS_CONNECT, "1.2.3.4", 80, 0 },
	{ "v5, no method", BYTES("\5\0"), BYTES("\5\xff"), SOCKS_BAD, NULL,
	    0, 0 },
	{ "v5, passwords only", BYTES("\5\1\2"), BYTES("\5\xff"), SOCKS_BAD,
	    NULL, 0, 0 },
	{ "v5, empty name", BYTES(HELLO "\5\1\0\3\0\0\120"),
	    BYTES(CHOSEN "\5\1\0" NULL_ADDRESS), SOCKS_BAD, NULL, 0, 0 },
	{ "v5, NUL in a name", BYTES(HELLO "\5\1\0\3\2a\0\0\120"),
	    BYTES(CHOSEN "\5\1\0" NULL_ADDRESS), SOCKS_BAD, NULL, 0, 0 },
	{ "v5, port 0", BYTES(HELLO "\5\1\0\1\1\2\3\4\0\0"),
	    BYTES(CHOSEN "\5\1\0" NULL_ADDRESS), SOCKS_BAD, NULL, 0, 0 },
	{ "v5 bind", BYTES(HELLO "\5\2\0\1\1\2\3\4\0\120"),
	    BYTES(CHOSEN "\5\7\0" NULL_ADDRESS), SOCKS_BAD, NULL, 0, 0 },
	{ "v5 associate", BYTES(HELLO "\5\3\0\3\1a\0\120"),
	    BYTES(CHOSEN "\5\7\0" NULL_ADDRESS), SOCKS_BAD, NULL, 0, 0 },
	{ "v5, address type 9", BYTES(HELLO "\5\1\0\x09"),
	    BYTES(CHOSEN "\5\x08\0" NULL_ADDRESS), SOCKS_BAD, NULL, 0, 0 },
	{ "v5, then version 4", BYTES(HELLO "\4\1\0\1"), BYTES(CHOSEN),
	    SOCKS_BAD, NULL, 0, 0 },
	{ "HTTP", BYTES("GET / HTTP/1.1\r\n"), BYTES(""), SOCKS_BAD, NULL, 0,
	    15 },
	{ "TLS", BYTES("\x16\3\1\2\0"), BYTES(""), SOCKS_BAD, NULL, 0, 4 },
	{ "half a request", BYTES(HELLO "\5\1\0\3\4na"), BYTES(CHOSEN),
	    SOCKS_MORE, NULL, 0, 0 },
};

/* Feeds in pieces of step bytes and compares with the row. */
static void
check_row(const struct row *row, size_t step)
{
	struct socks s;
	enum socks_verdict verdict = SOCKS_MORE;
	char reply[64];
	size_t at = 0, used, reply_len = 0;

	socks_init(&s);
	while (verdict == SOCKS_MORE && at < row->in_len) {
		const uint8_t *out;
		size_t n = row->in_len - at < step ? row->in_len - at : step;

		verdict = socks_feed(&s, (const uint8_t *)row->in + at, n,
		    &used);
		at += used;
		n = socks_take_reply(&s, &out);
		memcpy(reply + reply_len, out, n);
		reply_len += n;
	}
	print_message("# %s\n", row->what);
	assert_int_equal(verdict, row->verdict);
	assert_int_equal(reply_len, row->reply_len);
	assert_memory_equal(reply, row->reply, reply_len);
	assert_int_equal(row->in_len - at, row->ahead);
	if (verdict == SOCKS_CONNECT) {
		assert_string_equal(s.host, row->host);
		assert_int_equal(s.port, row->port);
	}
}

static void
all_at_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_row(&rows[i], 1000);
}

static void
byte_by_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_row(&rows[i], 1);
}

static void
longest_v5_name(void **state)
{
	uint8_t in[5 + 255 + 2] = { 5, 1, 0, 3, 255 };
	struct socks s;
	size_t used;

	(void)state;
	memset(in + 5, 'n', 255);
	in[sizeof(in) - 1] = 80;
	socks_init(&s);
	assert_int_equal(socks_feed(&s, (const uint8_t *)HELLO, 3, &used),
	    SOCKS_MORE);
	assert_int_equal(socks_feed(&s, in, sizeof(in), &used),
	    SOCKS_CONNECT);
	assert_int_equal(strlen(s.host), 255);
}

/* A SOCKS 4 request whose user id and name have these lengths. */
static enum socks_verdict
feed_v4(struct socks *s, size_t user, size_t name)
{
	uint8_t in[2048] = { 4, 1, 0, 80, 0, 0, 0, 1 };
	size_t used, n = 8;

	memset(in + n, 'u', user);
	n += user + 1;
	memset(in + n, 'n', name);
	n += name + 1;
	socks_init(s);
	return socks_feed(s, in, n, &used);
}

static void
longest_v4_fields(void **state)
{
	struct socks s;
	const uint8_t *reply;

	(void)state;
	assert_int_equal(feed_v4(&s, SOCKS_USER_MAX, SOCKS_HOST_MAX),
	    SOCKS_CONNECT);
	assert_int_equal(strlen(s.host), SOCKS_HOST_MAX);
	assert_int_equal(feed_v4(&s, SOCKS_USER_MAX + 1, 4), SOCKS_BAD);
	assert_int_equal(socks_take_reply(&s, &reply), 0);
	assert_int_equal(feed_v4(&s, 0, SOCKS_HOST_MAX + 1), SOCKS_BAD);
	assert_int_equal(socks_take_reply(&s, &reply), 8);
	assert_int_equal(reply[1], 0x5b);
}

static void
answers(void **state)
{
	static const uint8_t codes[] = { 0, 1, 2, 4, 5 };
	struct socks s;
	const uint8_t *reply;

	(void)state;
	for (int i = 0; i < SOCKS_ANSWER_COUNT; i++) {
		socks_init(&s);
		s.version = 5;
		socks_answer(&s, (enum socks_answer)i);
		assert_int_equal(socks_take_reply(&s, &reply), 10);
		assert_int_equal(reply[0], 5);
		assert_int_equal(reply[1], codes[i]);
		s.version = 4;
		socks_answer(&s, (enum socks_answer)i);
		assert_int_equal(socks_take_reply(&s, &reply), 8);
		assert_int_equal(reply[0], 0);
		assert_int_equal(reply[1],
		    i == SOCKS_GRANTED ? 0x5a : 0x5b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_at_once),
		cmocka_unit_test(byte_by_byte),
		cmocka_unit_test(longest_v5_name),
		cmocka_unit_test(longest_v4_fields),
		cmocka_unit_test(answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
