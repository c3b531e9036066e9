/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ssh/packet.h"

/* The bytes in memory of exactly their size, so that a sanitizer sees more. */
static uint8_t *
exactly(const void *bytes, size_t n)
{
	uint8_t *copy = malloc(n > 0 ? n : 1);

	assert_non_null(copy);
	if (n > 0)
		memcpy(copy, bytes, n);
	return copy;
}

static void
test_reads_values_in_network_order(void **state)
{
	static const uint8_t bytes[] = "\x05" "\x01" "\x02" "\x00"
	    "\xde\xad\xbe\xef" "\x00\x00\x00\x03" "abc" "zz";
	struct reader r;
	const uint8_t *p;
	size_t n;

	(void)state;
	reader_init(&r, bytes, sizeof(bytes) - 1);
	assert_int_equal(reader_u8(&r), 5);
	assert_true(reader_bool(&r));
	assert_true(reader_bool(&r));		/* RFC 4251 5: not only 1 */
	assert_false(reader_bool(&r));
	assert_int_equal(reader_u32(&r), 0xdeadbeef);
	p = reader_string(&r, &n);
	assert_int_equal(n, 3);
	assert_memory_equal(p, "abc", 3);
	assert_int_equal(r.left, 2);
	reader_skip(&r, 2);
	assert_int_equal(r.left, 0);
	assert_false(r.broken);
}

static void
test_an_empty_string_is_a_value(void **state)
{
	struct reader r;
	size_t n = 7;

	(void)state;
	reader_init(&r, (const uint8_t *)"\0\0\0\0", 4);
	reader_string(&r, &n);
	assert_int_equal(n, 0);
	assert_false(r.broken);
	reader_init(&r, (const uint8_t *)"", 0);
	assert_false(r.broken);
	reader_skip(&r, 0);
	assert_false(r.broken);
}

/* Cut after each byte: broken, and everything from there on is empty. */
static void
test_a_cut_packet_breaks_the_reader(void **state)
{
	static const uint8_t whole[] = "\x05" "\xde\xad\xbe\xef"
	    "\x00\x00\x00\x03" "abc" "\x01";

	(void)state;
	for (size_t cut = 0; cut < sizeof(whole) - 1; cut++) {
		uint8_t *bytes = exactly(whole, cut);
		struct reader r;
		char text[8];
		size_t n;

		reader_init(&r, bytes, cut);
		assert_int_equal(reader_u8(&r), cut >= 1 ? 5 : 0);
		assert_int_equal(reader_u32(&r), cut >= 5 ? 0xdeadbeef : 0);
		reader_string(&r, &n);
		assert_int_equal(n, cut >= 12 ? 3 : 0);
		assert_false(reader_bool(&r));
		assert_true(r.broken);
		assert_int_equal(r.left, 0);
		assert_int_equal(reader_u8(&r), 0);
		assert_int_equal(reader_u32(&r), 0);
		reader_text(&r, text, sizeof(text));
		assert_string_equal(text, "");
		assert_true(r.broken);
		free(bytes);
	}
}

static void
test_lengths_that_lie(void **state)
{
	static const uint32_t lengths[] = { 4, 5, 0x7fffffff, 0x80000000,
	    0xfffffffc, 0xffffffff };

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		uint8_t bytes[7] = "\0\0\0\0abc";
		struct reader r;
		size_t n = 9;

		packet_store_u32(bytes, lengths[i]);
		reader_init(&r, bytes, sizeof(bytes));
		reader_string(&r, &n);
		assert_int_equal(n, 0);
		assert_true(r.broken);
		reader_init(&r, bytes, sizeof(bytes));
		reader_skip(&r, (size_t)-1);
		assert_true(r.broken);
	}
}

static void
text_is(const char *bytes, size_t n, size_t size, const char *expected)
{
	struct packet *p = packet_new(0);
	struct reader r;
	char *out = malloc(size);

	assert_non_null(out);
	packet_string(p, bytes, n);
	reader_init(&r, p->bytes + 1, p->len - 1);
	reader_text(&r, out, size);
	assert_string_equal(out, expected);
	assert_false(r.broken);
	assert_int_equal(r.left, 0);
	free(out);
	packet_free(p);
}

static void
test_text_is_safe_for_people(void **state)
{
	(void)state;
	text_is("Connection refused", 18, 200, "Connection refused");
	text_is("a\0b\x1b[31m\r\n\t\x7f\x80\xff~ ", 16, 200,
	    "a?b?[31m??????~ ");
	text_is("", 0, 200, "");
	text_is("abcdef", 6, 7, "abcdef");
	text_is("abcdef", 6, 6, "abcde");
	text_is("abcdef", 6, 1, "");
}

static void
test_builds_what_the_reader_reads(void **state)
{
	struct packet *p = packet_new(MSG_CHANNEL_OPEN);
	struct reader r;
	char text[32];

	(void)state;
	packet_cstring(p, "direct-tcpip");
	packet_u32(p, 0xffffffff);
	packet_u32(p, 0);
	packet_u8(p, 1);
	packet_string(p, NULL, 0);
	assert_int_equal(p->len, 1 + 4 + 12 + 4 + 4 + 1 + 4);
	assert_int_equal(p->bytes[0], 90);
	assert_int_equal(p->bytes[4], 12);
	reader_init(&r, p->bytes + 1, p->len - 1);
	reader_text(&r, text, sizeof(text));
	assert_string_equal(text, "direct-tcpip");
	assert_true(reader_u64(&r) == 0xffffffff00000000);
	assert_true(reader_bool(&r));
	reader_text(&r, text, sizeof(text));
	assert_string_equal(text, "");
	assert_false(r.broken);
	assert_int_equal(r.left, 0);
	packet_free(p);
	packet_free(NULL);
}

static void
test_a_packet_grows(void **state)
{
	struct packet *p = packet_new(1);
	struct reader r;
	size_t n;

	(void)state;
	for (uint32_t i = 0; i < 1000; i++)
		packet_u32(p, i);
	packet_string(p, p->bytes, 0);
	for (uint32_t i = 0; i < 50; i++) {
		uint8_t block[777];

		memset(block, (int)i, sizeof(block));
		packet_string(p, block, sizeof(block));
	}
	reader_init(&r, p->bytes + 1, p->len - 1);
	for (uint32_t i = 0; i < 1000; i++)
		assert_int_equal(reader_u32(&r), i);
	reader_string(&r, &n);
	assert_int_equal(n, 0);
	for (uint32_t i = 0; i < 50; i++) {
		const uint8_t *block = reader_string(&r, &n);

		assert_int_equal(n, 777);
		assert_int_equal(block[0], i);
		assert_int_equal(block[776], i);
	}
	assert_int_equal(r.left, 0);
	assert_false(r.broken);
	packet_free(p);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_values_in_network_order),
		cmocka_unit_test(test_an_empty_string_is_a_value),
		cmocka_unit_test(test_a_cut_packet_breaks_the_reader),
		cmocka_unit_test(test_lengths_that_lie),
		cmocka_unit_test(test_text_is_safe_for_people),
		cmocka_unit_test(test_builds_what_the_reader_reads),
		cmocka_unit_test(test_a_packet_grows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
