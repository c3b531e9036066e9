/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ssh/kexinit.h"
#include "ssh/packet.h"

static const struct kexinit_offer offer = { .lists = {
	[KEXINIT_KEX] = "curve25519-sha256,ecdh-sha2-nistp256",
	[KEXINIT_HOST_KEY] = "ssh-ed25519,rsa-sha2-512",
	[KEXINIT_CIPHER_C2S] = "aes128-gcm@openssh.com,"
	    "chacha20-poly1305@openssh.com,aes128-ctr",
	[KEXINIT_CIPHER_S2C] = "aes128-gcm@openssh.com,"
	    "chacha20-poly1305@openssh.com,aes128-ctr",
	[KEXINIT_MAC_C2S] = "hmac-sha2-256",
	[KEXINIT_MAC_S2C] = "hmac-sha2-256",
	[KEXINIT_COMPRESSION_C2S] = "none",
	[KEXINIT_COMPRESSION_S2C] = "none",
} };

/* What a server says that agrees with the offer; tests change one list. */
#define SERVER	{ .lists = { \
	[KEXINIT_KEX] = "sntrup761x25519-sha512@openssh.com," \
	    "curve25519-sha256,kex-strict-s-v00@openssh.com", \
	[KEXINIT_HOST_KEY] = "rsa-sha2-512,ssh-ed25519", \
	[KEXINIT_CIPHER_C2S] = "aes128-ctr,aes128-gcm@openssh.com", \
	[KEXINIT_CIPHER_S2C] = "aes128-ctr,aes128-gcm@openssh.com", \
	[KEXINIT_MAC_C2S] = "umac-64@openssh.com,hmac-sha2-256", \
	[KEXINIT_MAC_S2C] = "umac-64@openssh.com,hmac-sha2-256", \
	[KEXINIT_COMPRESSION_C2S] = "none,zlib@openssh.com", \
	[KEXINIT_COMPRESSION_S2C] = "none,zlib@openssh.com", \
} }

static struct packet *
build(const struct kexinit_offer *server)
{
	static const uint8_t cookie[16];
	struct packet *p = packet_new(MSG_KEXINIT);

	for (size_t i = 0; i < sizeof(cookie); i++)
		packet_u8(p, cookie[i]);
	for (size_t i = 0; i < KEXINIT_LIST_COUNT; i++)
		packet_cstring(p, server->lists[i]);
	packet_cstring(p, "");		/* languages */
	packet_cstring(p, "");
	packet_u8(p, 0);		/* first_kex_packet_follows */
	packet_u32(p, 0);		/* reserved */
	return p;
}

static int
check(const struct kexinit_offer *server, struct err *err)
{
	struct packet *p = build(server);
	int rc = kexinit_check(p->bytes, p->len, &offer, err);

	packet_free(p);
	return rc;
}

static void
fails(const struct kexinit_offer *server, enum err_code code,
    const char *text)
{
	struct err err = { .code = ERR_NONE };

	assert_int_equal(check(server, &err), -1);
	assert_int_equal(err.code, code);
	assert_string_equal(err.text, text);
}

static void
test_a_common_offer_passes(void **state)
{
	struct kexinit_offer server = SERVER;
	struct err err;

	(void)state;
	assert_int_equal(check(&server, &err), 0);
}

static void
test_each_list_is_named(void **state)
{
	static const struct {
		enum kexinit_list list;
		const char *name;
	} rows[] = {
		{ KEXINIT_KEX, "key exchange" },
		{ KEXINIT_HOST_KEY, "host key" },
		{ KEXINIT_CIPHER_C2S, "cipher" },
		{ KEXINIT_CIPHER_S2C, "cipher" },
		{ KEXINIT_COMPRESSION_C2S, "compression" },
		{ KEXINIT_COMPRESSION_S2C, "compression" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct kexinit_offer server = SERVER;
		char text[300] = "no common ";

		server.lists[rows[i].list] = "old-one,older";
		strcat(text, rows[i].name);
		strcat(text, " algorithm: the server offers old-one,older; "
		    "hawser asks for ");
		strcat(text, offer.lists[rows[i].list]);
		fails(&server, ERR_REFUSED, text);
	}
}

/* Where the list comes from that could be changed. */
static void
test_who_says_so(void **state)
{
	const struct algorithms said = { .lists = {
		[ALGORITHM_HOST_KEY] = { .origin = (char *)"/etc/f.conf:7" },
	} };
	struct kexinit_offer server = SERVER, ours = offer;
	struct packet *p;
	struct err err;

	(void)state;
	ours.said = &said;
	server.lists[KEXINIT_HOST_KEY] = "ssh-dss";
	p = build(&server);
	assert_int_equal(kexinit_check(p->bytes, p->len, &ours, &err), -1);
	assert_string_equal(err.text, "no common host key algorithm: the "
	    "server offers ssh-dss; hawser asks for ssh-ed25519,rsa-sha2-512 "
	    "(HostKeyAlgorithms at /etc/f.conf:7)");
	packet_free(p);
	server.lists[KEXINIT_KEX] = "old";
	p = build(&server);
	assert_int_equal(kexinit_check(p->bytes, p->len, &ours, &err), -1);
	assert_string_equal(err.text, "no common key exchange algorithm: the "
	    "server offers old; hawser asks for curve25519-sha256,"
	    "ecdh-sha2-nistp256 (KexAlgorithms can change that)");
	packet_free(p);
}

/* AES-GCM and chacha20 bring their own: the MAC lists don't matter. */
static void
test_macs_matter_only_to_ciphers_that_need_one(void **state)
{
	static const char *const alone[] = { "aes128-gcm@openssh.com",
	    "chacha20-poly1305@openssh.com" };
	struct kexinit_offer server = SERVER;
	struct err err;

	(void)state;
	server.lists[KEXINIT_MAC_C2S] = "hmac-md5";
	server.lists[KEXINIT_MAC_S2C] = "hmac-md5";
	for (size_t i = 0; i < 2; i++) {
		server.lists[KEXINIT_CIPHER_C2S] = alone[i];
		server.lists[KEXINIT_CIPHER_S2C] = alone[i];
		assert_int_equal(check(&server, &err), 0);
	}
	server.lists[KEXINIT_CIPHER_C2S] = "aes128-ctr";
	server.lists[KEXINIT_CIPHER_S2C] = "aes128-ctr";
	fails(&server, ERR_REFUSED, "no common MAC algorithm: the server "
	    "offers hmac-md5; hawser asks for hmac-sha2-256");
	server.lists[KEXINIT_MAC_C2S] = "hmac-sha2-256";
	fails(&server, ERR_REFUSED, "no common MAC algorithm: the server "
	    "offers hmac-md5; hawser asks for hmac-sha2-256");
}

static void
test_a_cipher_per_direction_is_refused(void **state)
{
	struct kexinit_offer server = SERVER;

	(void)state;
	server.lists[KEXINIT_CIPHER_S2C] = "aes128-ctr";
	fails(&server, ERR_PROTOCOL,
	    "the server wants a different cipher per direction");
}

/* libssh2 looks at our direction's to know whether to decompress theirs. */
static void
test_a_compression_per_direction_is_refused(void **state)
{
	struct kexinit_offer server = SERVER, ours = offer;
	struct packet *p;
	struct err err;

	(void)state;
	ours.lists[KEXINIT_COMPRESSION_C2S] = "zlib@openssh.com,none";
	ours.lists[KEXINIT_COMPRESSION_S2C] = "zlib@openssh.com,none";
	p = build(&server);
	assert_int_equal(kexinit_check(p->bytes, p->len, &ours, &err), 0);
	packet_free(p);
	server.lists[KEXINIT_COMPRESSION_S2C] = "none";
	p = build(&server);
	assert_int_equal(kexinit_check(p->bytes, p->len, &ours, &err), -1);
	assert_string_equal(err.text, "the server wants a different "
	    "compression per direction");
	packet_free(p);
}

/* What counts is the name, not where our own lists lie in memory. */
static void
test_equal_ciphers_from_two_lists_pass(void **state)
{
	struct kexinit_offer server = SERVER, ours = offer;
	struct packet *p = build(&server);
	char *copy = strdup(offer.lists[KEXINIT_CIPHER_S2C]);
	struct err err;

	(void)state;
	assert_non_null(copy);
	ours.lists[KEXINIT_CIPHER_S2C] = copy;
	assert_int_equal(kexinit_check(p->bytes, p->len, &ours, &err), 0);
	free(copy);
	packet_free(p);
}

static void
test_names_are_compared_whole(void **state)
{
	static const char *const near[] = { "", ",", ",,,", "ssh-ed2551",
	    "ssh-ed25519x", "xssh-ed25519", "SSH-ED25519", " ssh-ed25519" };
	struct kexinit_offer server = SERVER;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(near) / sizeof(near[0]); i++) {
		server.lists[KEXINIT_HOST_KEY] = near[i];
		assert_int_equal(check(&server, &err), -1);
		assert_int_equal(err.code, ERR_REFUSED);
	}
	server.lists[KEXINIT_HOST_KEY] = ",x,,ssh-ed25519";
	assert_int_equal(check(&server, &err), 0);
}

static void
test_what_is_said_is_bounded_and_printable(void **state)
{
	struct kexinit_offer server = SERVER;
	struct err err;
	char *huge = calloc(1, 30001);

	(void)state;
	assert_non_null(huge);
	memset(huge, 'a', 30000);
	server.lists[KEXINIT_HOST_KEY] = huge;
	assert_int_equal(check(&server, &err), -1);
	assert_true(strlen(err.text) < ERR_TEXT_SIZE);
	assert_non_null(strstr(err.text, "aaa...; hawser asks for ssh-"));
	free(huge);
	server.lists[KEXINIT_HOST_KEY] = "a\x1b[2J\r\n\xff,b";
	fails(&server, ERR_REFUSED, "no common host key algorithm: "
	    "the server offers a?[2J???,b; hawser asks for "
	    "ssh-ed25519,rsa-sha2-512");
}

/* Every cut up to the last list is malformed, and nothing is read beyond. */
static void
test_a_cut_packet_is_malformed(void **state)
{
	struct kexinit_offer server = SERVER;
	struct packet *p = build(&server);
	size_t lists = p->len - 4 - 4 - 1 - 4;

	(void)state;
	for (size_t cut = 0; cut < p->len; cut++) {
		uint8_t *bytes = malloc(cut > 0 ? cut : 1);
		struct err err;

		assert_non_null(bytes);
		memcpy(bytes, p->bytes, cut);
		assert_int_equal(kexinit_check(bytes, cut, &offer, &err),
		    cut < lists ? -1 : 0);
		if (cut < lists)
			assert_int_equal(err.code, ERR_PROTOCOL);
		free(bytes);
	}
	packet_free(p);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_common_offer_passes),
		cmocka_unit_test(test_each_list_is_named),
		cmocka_unit_test(test_who_says_so),
		cmocka_unit_test(
		    test_macs_matter_only_to_ciphers_that_need_one),
		cmocka_unit_test(test_a_cipher_per_direction_is_refused),
		cmocka_unit_test(test_a_compression_per_direction_is_refused),
		cmocka_unit_test(test_equal_ciphers_from_two_lists_pass),
		cmocka_unit_test(test_names_are_compared_whole),
		cmocka_unit_test(test_what_is_said_is_bounded_and_printable),
		cmocka_unit_test(test_a_cut_packet_is_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
