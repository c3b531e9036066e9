/* SPDX-License-Identifier: ISC */
/* Packets of our own ciphers, sealed and opened without libssh2's transport. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <libssh2_priv.h>
#include <comp.h>

#include "ssh/cipher.h"
#include "ssh/packet.h"
#include "ssh/record.h"
#include "ssh/tap.h"

static const char *const names[] = { "aes128-gcm@openssh.com",
	"aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com" };
#define NAMES	3

static void *
start(const LIBSSH2_CRYPT_METHOD *m, int encrypt)
{
	unsigned char key[64], iv[16] = { 1, 2, 3 };
	int ignored;
	void *state = NULL;

	memset(key, 42, sizeof(key));
	assert_int_equal(m->init(NULL, m, iv, &ignored, key, &ignored, encrypt,
	    &state), 0);
	return state;
}

static const LIBSSH2_COMP_METHOD *
compression(const char *name)
{
	LIBSSH2_SESSION *s = libssh2_session_init();
	const LIBSSH2_COMP_METHOD **m, *found;

	libssh2_session_flag(s, LIBSSH2_FLAG_COMPRESS, 1);
	for (m = _libssh2_comp_methods(s); strcmp((*m)->name, name) != 0;)
		m++;
	found = *m;
	libssh2_session_free(s);
	return found;
}

/* A session that has keys: what it seals it can open. */
static LIBSSH2_SESSION *
session_new(const char *name)
{
	LIBSSH2_SESSION *s = libssh2_session_init();
	const LIBSSH2_CRYPT_METHOD **m = libssh2_crypt_methods();

	assert_non_null(s);
	while (*m != NULL && strcmp((*m)->name, name) != 0)
		m++;
	assert_non_null(*m);
	s->local.crypt = s->remote.crypt = *m;
	s->local.crypt_abstract = start(*m, 1);
	s->remote.crypt_abstract = start(*m, 0);
	s->local.comp = s->remote.comp = compression("none");
	s->state |= LIBSSH2_STATE_NEWKEYS;
	return s;
}

static void
session_end(LIBSSH2_SESSION *s)
{
	s->state = 0;
	s->local.crypt->dtor(s, &s->local.crypt_abstract);
	s->remote.crypt->dtor(s, &s->remote.crypt_abstract);
	libssh2_session_free(s);
}

static void
test_any_payload_there_and_back(void **state)
{
	static uint8_t bytes[34000];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 31);
	for (size_t i = 0; i < NAMES; i++) {
		LIBSSH2_SESSION *s = session_new(names[i]);
		struct bytebuf buf = { 0 };
		size_t block = (size_t)s->local.crypt->blocksize;

		for (size_t n = 1; n <= sizeof(bytes);
		    n += n < 300 ? 1 : 1685) {
			size_t head = n < 9 ? n : 9, got, need, len;
			const uint8_t *payload;

			assert_int_equal(record_seal(s, &buf, bytes, head,
			    bytes + head, n - head), 0);
			len = bytebuf_len(&buf);
			/* RFC 4253 6; our ciphers leave the length out. */
			assert_int_equal((len - 4 - 16) % block, 0);
			assert_in_range(len - 4 - 16 - 1 - n, 4, 255);
			assert_int_equal(record_open(s, &buf, &payload, &got,
			    &need), 1);
			assert_int_equal(got, n);
			assert_memory_equal(payload, bytes, n);
			assert_int_equal(bytebuf_len(&buf), 0);
			assert_int_equal(s->local.seqno, s->remote.seqno);
		}
		bytebuf_fini(&buf);
		session_end(s);
	}
	assert_false(tap_is_live());	/* libssh2's transport saw nothing */
}

/* Many in one buffer, as a recv(2) brings them; and one byte at a time. */
static void
test_packets_come_in_pieces(void **state)
{
	(void)state;
	for (size_t i = 0; i < NAMES; i++) {
		LIBSSH2_SESSION *s = session_new(names[i]);
		struct bytebuf wire = { 0 }, in = { 0 };
		const uint8_t *payload;
		size_t n, need, whole;
		uint8_t count = 0;

		for (uint8_t j = 0; j < 50; j++)
			assert_int_equal(record_seal(s, &wire, &j, 1,
			    (const uint8_t *)"some text", 1 + j % 9), 0);
		whole = bytebuf_len(&wire);
		for (size_t j = 0; j < whole; j++) {
			bytebuf_append(&in, wire.p + wire.head + j, 1);
			if (record_open(s, &in, &payload, &n, &need) == 0) {
				assert_true(need > bytebuf_len(&in));
				assert_true(need <= bytebuf_len(&in) + 64);
				continue;
			}
			assert_int_equal(n, 2 + count % 9);
			assert_int_equal(payload[0], count++);
			assert_int_equal(bytebuf_len(&in), 0);
		}
		assert_int_equal(count, 50);
		bytebuf_fini(&wire);
		bytebuf_fini(&in);
		session_end(s);
	}
}

static void
test_a_changed_packet_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < NAMES; i++)
		for (size_t bit = 8 * 4; bit < 8 * (4 + 16 + 16); bit++) {
			LIBSSH2_SESSION *s = session_new(names[i]);
			struct bytebuf buf = { 0 };
			const uint8_t *payload;
			size_t n, need;

			assert_int_equal(record_seal(s, &buf,
			    (const uint8_t *)"abcdefgh", 8, NULL, 0), 0);
			buf.p[buf.head + bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_int_equal(record_open(s, &buf, &payload, &n,
			    &need), -1);
			bytebuf_fini(&buf);
			session_end(s);
		}
}

/* Genuine, but with a padding length that leaves no message number. */
static void
test_a_padding_that_lies_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < NAMES; i++)
		for (unsigned padding = 0; padding < 256; padding++) {
			LIBSSH2_SESSION *s = session_new(names[i]);
			uint8_t packet[4 + 32 + 16] = { 0 };
			struct bytebuf buf = { 0 };
			const uint8_t *payload;
			size_t n, need;
			bool good = padding >= 4 && padding <= 30;

			packet_store_u32(packet, 32);
			packet[4] = (uint8_t)padding;
			assert_int_equal(s->local.crypt->crypt(s, 0, packet,
			    4 + 32, &s->local.crypt_abstract, 0), 0);
			bytebuf_append(&buf, packet, sizeof(packet));
			assert_int_equal(record_open(s, &buf, &payload, &n,
			    &need), good ? 1 : -2);
			if (good)
				assert_int_equal(n, 31 - padding);
			bytebuf_fini(&buf);
			session_end(s);
		}
}

/* Not before there are keys, not in a rekey, not in libssh2's own packet. */
static void
test_when_packets_are_ours(void **state)
{
	LIBSSH2_SESSION *s = session_new(names[0]);
	const LIBSSH2_CRYPT_METHOD **m = libssh2_crypt_methods();

	(void)state;
	assert_true(record_can_open(s));
	assert_true(record_can_seal(s));
	s->packet.total_num = 5;
	assert_false(record_can_open(s));
	s->packet.total_num = 0;
	s->packet.writeidx = 5;
	assert_false(record_can_open(s));
	assert_true(record_can_seal(s));
	s->packet.writeidx = 0;
	s->state |= LIBSSH2_STATE_EXCHANGING_KEYS;
	assert_false(record_can_open(s));
	assert_false(record_can_seal(s));
	s->state = 0;
	assert_false(record_can_open(s));
	assert_false(record_can_seal(s));
	s->state = LIBSSH2_STATE_NEWKEYS;
	while (strcmp((*m)->name, "aes128-ctr") != 0)
		m++;
	s->remote.crypt = *m;
	assert_false(record_can_open(s));
	s->remote.crypt = s->local.crypt;
	assert_true(record_can_open(s));
	s->local.comp = s->remote.comp = compression("zlib@openssh.com");
	assert_false(record_fits(s));
	assert_false(record_can_open(s));
	assert_false(record_can_seal(s));
	session_end(s);
}

static int
setup(void **state)
{
	struct err err;

	(void)state;
	return cipher_init(&err);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_payload_there_and_back),
		cmocka_unit_test(test_packets_come_in_pieces),
		cmocka_unit_test(test_a_changed_packet_is_refused),
		cmocka_unit_test(test_a_padding_that_lies_is_refused),
		cmocka_unit_test(test_when_packets_are_ours),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
