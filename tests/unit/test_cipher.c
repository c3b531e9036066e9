/* SPDX-License-Identifier: ISC */
/*
 * The ciphers that libssh2 gets from us: known answers (AES-GCM from another
 * implementation, chacha20 from a plain one of RFC 8439), every flipped bit,
 * and the lengths that are refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <libssh2_priv.h>
#include <mac.h>

#include "base/str.h"
#include "ssh/cipher.h"
#include "ssh/cipher_impl.h"
#include "ssh/packet.h"

#define LENGTH	4
#define TAG	16
#define BODY	32		/* bytes of the packets of known answers */
#define WHOLE	(LENGTH + BODY + TAG)

/*
 * The key is 00 01 02 ..., the IV f0 f1 f2 f3 and the counter 255, so that
 * the second packet has a carry. The packet is length 32, padding length 6,
 * bytes 40 41 ... 52, 12 bytes aa; sequence numbers 7 and 8.
 */
static const struct {
	const char *name;
	const char *sealed[2];
} known[] = {
	{ "aes128-gcm@openssh.com", {
	    "00000020d1d49764274deb95e9f8bf2f89215a5955cb909d9863ab65"
	    "05ded792d3e58eaba16ad22988ea843c447dd19c9033a733",
	    "00000020419657e3b508a4fa6379b80ce0c2d60b973120f1c624116d"
	    "ac4f01748c3e13799b63a9c9acf744ea995e364e979d7827" } },
	{ "aes256-gcm@openssh.com", {
	    "000000209a5221baf87caf6e9c2cc61ebb23398dc2e5b2888a00235d"
	    "ff1270928dc0cbe82e539e3174e43e50062b1a47dd190d8c",
	    "00000020e999cb9f83250f5c7777a74db57b608c617d46fe37cade6c"
	    "8e3d93673605f2459dab5939a9920d2fd528476c3f737992" } },
	{ "chacha20-poly1305@openssh.com", {
	    "a39afc8a2e0654010dc76f182b25f2ba9cc39e627be26164d4499729"
	    "eac0b1752af9a9fef96057c30ffc8c59a8cf2f6b658cc905",
	    "2fe1f281dde317e4eb064250ce160a6ea0dc0cfcca8cd0a80eddea1e"
	    "eb3dd32076b8a41b7ad25fe8818e789d5697c118502a2b14" } },
};
#define KNOWN	(sizeof(known) / sizeof(known[0]))

static const LIBSSH2_CRYPT_METHOD *
find(const char *name)
{
	const LIBSSH2_CRYPT_METHOD **m = libssh2_crypt_methods();

	while (*m != NULL && strcmp((*m)->name, name) != 0)
		m++;
	assert_non_null(*m);
	return *m;
}

static void *
start(const LIBSSH2_CRYPT_METHOD *m, int encrypt)
{
	unsigned char key[64], iv[12] = { 0xf0, 0xf1, 0xf2, 0xf3, 0, 0, 0, 0,
	    0, 0, 0, 0xff };
	int free_key = 0, free_iv = 0;
	void *state = NULL;

	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (unsigned char)i;
	assert_int_equal(m->init(NULL, m, iv, &free_iv, key, &free_key,
	    encrypt, &state), 0);
	/* libssh2 frees what it gave only if it is told to. */
	assert_int_equal(free_key, 1);
	assert_int_equal(free_iv, 1);
	return state;
}

static void
stop(const LIBSSH2_CRYPT_METHOD *m, void *state)
{
	m->dtor(NULL, &state);
	assert_null(state);
}

static void
fill_plain(uint8_t *p)
{
	packet_store_u32(p, BODY);
	p[LENGTH] = 6;
	for (size_t i = 0; i < 19; i++)
		p[LENGTH + 1 + i] = (uint8_t)(0x40 + i);
	memset(p + LENGTH + 20, 0xaa, 12);
}

static void
unhex(const char *hex, uint8_t *out)
{
	for (size_t i = 0; i < WHOLE; i++) {
		char two[3] = { hex[2 * i], hex[2 * i + 1] };

		out[i] = (uint8_t)strtoul(two, NULL, 16);
	}
}

static void
test_seals_as_others_do(void **state)
{
	(void)state;
	for (size_t i = 0; i < KNOWN; i++) {
		const LIBSSH2_CRYPT_METHOD *m = find(known[i].name);
		void *seal = start(m, 1);

		for (uint32_t j = 0; j < 2; j++) {
			uint8_t packet[WHOLE], expected[WHOLE];

			fill_plain(packet);
			unhex(known[i].sealed[j], expected);
			assert_int_equal(m->crypt(NULL, 7 + j, packet,
			    LENGTH + BODY, &seal, 0), 0);
			assert_memory_equal(packet, expected, WHOLE);
		}
		stop(m, seal);
	}
}

/* libssh2 wants the plain text where the length field was. */
static void
test_opens_as_libssh2_wants(void **state)
{
	(void)state;
	for (size_t i = 0; i < KNOWN; i++) {
		const LIBSSH2_CRYPT_METHOD *m = find(known[i].name);
		void *open = start(m, 0);

		for (uint32_t j = 0; j < 2; j++) {
			uint8_t packet[WHOLE], plain[WHOLE];
			unsigned len = 0;

			unhex(known[i].sealed[j], packet);
			fill_plain(plain);
			assert_int_equal(m->get_len(NULL, 7 + j, packet,
			    WHOLE, &len, &open), 0);
			assert_int_equal(len, BODY);
			assert_int_equal(m->crypt(NULL, 7 + j, packet, BODY,
			    &open, 0), 0);
			assert_memory_equal(packet, plain + LENGTH, BODY);
		}
		stop(m, open);
	}
}

static void
test_opens_in_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < KNOWN; i++) {
		const LIBSSH2_CRYPT_METHOD *m = find(known[i].name);
		void *open = start(m, 0);

		assert_true(cipher_is_ours(m));
		for (uint32_t j = 0; j < 2; j++) {
			uint8_t packet[WHOLE], plain[WHOLE];

			unhex(known[i].sealed[j], packet);
			fill_plain(plain);
			assert_int_equal(cipher_open(m, open, 7 + j, packet,
			    BODY), 0);
			assert_memory_equal(packet + LENGTH, plain + LENGTH,
			    BODY);
		}
		stop(m, open);
	}
}

static void
refused(const LIBSSH2_CRYPT_METHOD *m, uint32_t seqno, const uint8_t *packet)
{
	uint8_t copy[WHOLE];
	void *open = start(m, 0);

	memcpy(copy, packet, WHOLE);
	assert_int_not_equal(m->crypt(NULL, seqno, copy, BODY, &open, 0), 0);
	stop(m, open);
	open = start(m, 0);
	memcpy(copy, packet, WHOLE);
	assert_int_not_equal(cipher_open(m, open, seqno, copy, BODY), 0);
	stop(m, open);
}

/* In the length, in the text, in the tag. */
static void
test_every_flipped_bit_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < KNOWN; i++) {
		const LIBSSH2_CRYPT_METHOD *m = find(known[i].name);
		uint8_t packet[WHOLE];

		unhex(known[i].sealed[0], packet);
		for (size_t bit = 0; bit < 8 * WHOLE; bit++) {
			packet[bit / 8] ^= (uint8_t)(1 << bit % 8);
			refused(m, 7, packet);
			packet[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
	}
}

/* A packet of another place in the stream: replayed, or one left out. */
static void
test_order_is_part_of_what_is_sealed(void **state)
{
	(void)state;
	for (size_t i = 0; i < KNOWN; i++) {
		const LIBSSH2_CRYPT_METHOD *m = find(known[i].name);
		uint8_t packet[WHOLE];
		void *open = start(m, 0);

		unhex(known[i].sealed[1], packet);
		refused(m, 7, packet);
		unhex(known[i].sealed[0], packet);
		assert_int_equal(m->crypt(NULL, 7, packet, BODY, &open, 0), 0);
		unhex(known[i].sealed[0], packet);
		assert_int_not_equal(m->crypt(NULL, 8, packet, BODY, &open, 0),
		    0);
		stop(m, open);
	}
}

static void
test_any_length_there_and_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < KNOWN; i++) {
		const LIBSSH2_CRYPT_METHOD *m = find(known[i].name);
		void *seal = start(m, 1), *open = start(m, 0);
		uint32_t seqno = 0xfffffff0;

		for (size_t n = (size_t)m->blocksize; n <= 34976;
		    n += n < 200 ? (size_t)m->blocksize : 2048 - 16) {
			uint8_t *p = malloc(LENGTH + n + TAG);
			unsigned len;

			assert_non_null(p);
			packet_store_u32(p, (uint32_t)n);
			for (size_t j = 0; j < n; j++)
				p[LENGTH + j] = (uint8_t)(j * 7 + n);
			assert_int_equal(m->crypt(NULL, seqno, p, LENGTH + n,
			    &seal, 0), 0);
			assert_int_equal(m->get_len(NULL, seqno, p, LENGTH,
			    &len, &open), 0);
			assert_int_equal(len, n);
			assert_int_equal(cipher_open(m, open, seqno, p, n), 0);
			for (size_t j = 0; j < n; j++)
				assert_int_equal(p[LENGTH + j],
				    (uint8_t)(j * 7 + n));
			seqno++;
			free(p);
		}
		stop(m, seal);
		stop(m, open);
	}
}

/* What get_len says of a length field. -1 if it is refused. */
static long
length_of(const LIBSSH2_CRYPT_METHOD *m, uint32_t n)
{
	uint8_t packet[LENGTH + 16 + TAG] = { 0 };
	void *seal = start(m, 1), *open = start(m, 0);
	unsigned len = 77;
	int rc;

	packet_store_u32(packet, n);
	assert_int_equal(m->crypt(NULL, 3, packet, LENGTH + 16, &seal, 0), 0);
	rc = m->get_len(NULL, 3, packet, LENGTH, &len, &open);
	stop(m, seal);
	stop(m, open);
	return rc == 0 ? (long)len : -1;
}

static void
test_lengths_that_cannot_be(void **state)
{
	static const uint32_t never[] = { 0, 1, 4, 7, 9, 15, 17, 31, 34977,
	    34980, 34992, 35000, 40000, 0x10000, 0x7ffffff0, 0x80000000,
	    0xfffffff0, 0xffffffff };

	(void)state;
	for (size_t i = 0; i < KNOWN; i++) {
		const LIBSSH2_CRYPT_METHOD *m = find(known[i].name);

		for (size_t j = 0; j < sizeof(never) / sizeof(never[0]); j++)
			assert_int_equal(length_of(m, never[j]), -1);
		assert_int_equal(length_of(m, 16), 16);
		assert_int_equal(length_of(m, 34976), 34976);
		assert_int_equal(length_of(m, 8), m->blocksize == 8 ? 8 : -1);
	}
}

/* Each name once, ours first; libssh2's others are all there. */
static void
test_the_table(void **state)
{
	const LIBSSH2_CRYPT_METHOD **m = libssh2_crypt_methods();

	(void)state;
	assert_true(cipher_is_live());
	for (size_t i = 0; m[i] != NULL; i++) {
		assert_int_equal(cipher_is_ours(m[i]), i < KNOWN);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(m[i]->name, m[j]->name);
	}
	find("aes128-ctr");
	find("aes192-ctr");
	find("aes256-ctr");
}

static void
test_our_ciphers_need_no_mac(void **state)
{
	const LIBSSH2_MAC_METHOD *mac;
	unsigned char key[16], out[16];
	int free_key = 0;
	void *abstract = NULL;

	(void)state;
	for (size_t i = 0; i < KNOWN; i++) {
		mac = _libssh2_mac_override(find(known[i].name));
		assert_non_null(mac);
		assert_int_equal(mac->init(NULL, key, &free_key, &abstract),
		    0);
		assert_int_equal(free_key, 1);
		assert_int_equal(mac->hash(NULL, out, 0, NULL, 0, NULL, 0,
		    &abstract), 0);
		mac->dtor(NULL, &abstract);
		assert_int_equal(mac->etm, 0);
	}
	assert_null(_libssh2_mac_override(find("aes128-ctr")));
}

/* What the configuration may ask for is there, in libssh2 or here. */
static void
test_every_algorithm_is_there(void **state)
{
	static const int methods[] = {
		[ALGORITHM_KEX] = LIBSSH2_METHOD_KEX,
		[ALGORITHM_HOST_KEY] = LIBSSH2_METHOD_HOSTKEY,
		[ALGORITHM_CIPHER] = LIBSSH2_METHOD_CRYPT_CS,
		[ALGORITHM_MAC] = LIBSSH2_METHOD_MAC_CS,
	};
	LIBSSH2_SESSION *session = libssh2_session_init();

	(void)state;
	assert_non_null(session);
	for (int i = 0; i < ALGORITHM_USER_KEY; i++) {
		struct str all;
		const char *at, *name;
		size_t n;

		str_init(&all);
		algorithm_append(&all, (enum algorithm_kind)i, true);
		for (at = all.p; (n = algorithm_next(&at, &name)) > 0;) {
			char *one = str_dupf("%.*s", (int)n, name);

			if (libssh2_session_method_pref(session, methods[i],
			    one) != 0)
				fail_msg("%s", one);
			free(one);
		}
		str_fini(&all);
	}
	libssh2_session_free(session);
}

static void
assert_arranged(const char *names, bool is_arranged, bool has_aes,
    const char *want)
{
	struct algorithm_list l = { .names = str_dup(names),
	    .is_arranged = is_arranged };

	cipher_arrange(&l, has_aes);
	assert_string_equal(l.names, want);
	free(l.names);
}

static void
test_the_order_suits_the_cpu(void **state)
{
#define CHACHA	"chacha20-poly1305@openssh.com"
	(void)state;
	assert_arranged("a," CHACHA ",b", false, true, "a," CHACHA ",b");
	assert_arranged("a," CHACHA ",b", false, false, CHACHA ",a,b");
	assert_arranged("a," CHACHA ",b", true, false, "a," CHACHA ",b");
	assert_arranged("a,b", false, false, "a,b");
	assert_arranged(CHACHA, false, false, CHACHA);
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
		cmocka_unit_test(test_seals_as_others_do),
		cmocka_unit_test(test_opens_as_libssh2_wants),
		cmocka_unit_test(test_opens_in_place),
		cmocka_unit_test(test_every_flipped_bit_is_refused),
		cmocka_unit_test(test_order_is_part_of_what_is_sealed),
		cmocka_unit_test(test_any_length_there_and_back),
		cmocka_unit_test(test_lengths_that_cannot_be),
		cmocka_unit_test(test_the_table),
		cmocka_unit_test(test_our_ciphers_need_no_mac),
		cmocka_unit_test(test_every_algorithm_is_there),
		cmocka_unit_test(test_the_order_suits_the_cpu),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
