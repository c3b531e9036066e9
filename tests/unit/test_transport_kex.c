/* SPDX-License-Identifier: ISC */
/*
 * Key exchanges with hostile servers, up to where keys would be needed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "scripted.h"
#include "ssh/packet.h"
#include "ssh/transport.h"

/* Lists as in a KEXINIT; NULL stands for one that agrees. */
static struct packet *
kexinit(const char *const lists[8])
{
	static const char *const usual[8] = { "curve25519-sha256",
		"ssh-ed25519", "aes128-ctr", "aes128-ctr", "hmac-sha2-256",
		"hmac-sha2-256", "none", "none" };
	struct packet *p = packet_new(MSG_KEXINIT);

	for (int i = 0; i < 16; i++)
		packet_u8(p, 0);
	for (int i = 0; i < 8; i++)
		packet_cstring(p, lists[i] != NULL ? lists[i] : usual[i]);
	packet_cstring(p, "");
	packet_cstring(p, "");
	packet_u8(p, 0);
	packet_u32(p, 0);
	return p;
}

static void
offer_other_cipher_per_direction(int fd)
{
	const char *lists[8] = { [2] = "aes128-ctr", [3] = "aes256-ctr" };

	say_only(fd, kexinit(lists));
}

static void
test_a_cipher_per_direction(void **state)
{
	(void)state;
	fails(offer_other_cipher_per_direction, ERR_PROTOCOL,
	    "the server wants a different cipher per direction");
	assert_int_equal(w.begun, 1);
}

static void
offer_old_kex(int fd)
{
	const char *lists[8] = { "diffie-hellman-group1-sha1,old" };

	say_only(fd, kexinit(lists));
}

static void
test_nothing_in_common(void **state)
{
	(void)state;
	fails(offer_old_kex, ERR_REFUSED, "no common key exchange algorithm: "
	    "the server offers diffie-hellman-group1-sha1,old; hawser asks "
	    "for curve25519-sha256,curve25519-sha256@libssh.org,"
	    "ecdh-sha2-nistp256,ecdh-sha2-nistp384,ecdh-sha2-nistp521,"
	    "diffie-hellman-group16-sha512,diffie-hellman-group18-sha512,"
	    "diffie-hellman-group14-sha256,"
	    "diffie-hellman-group-exchange-sha256 (KexAlgorithms can change "
	    "that)");
}

static void
offer_usual(int fd)
{
	const char *lists[8] = { NULL };

	say_only(fd, kexinit(lists));
}

static void
offer_no_encryption(int fd)
{
	const char *lists[8] = { [2] = "none", [3] = "none" };

	say_only(fd, kexinit(lists));
}

/* Passwords go over this connection. */
static void
test_no_encryption(void **state)
{
	(void)state;
	start(offer_no_encryption);
	shake();
	assert_int_equal(w.err.code, ERR_REFUSED);
	/* The order of ours depends on the machine. */
	assert_non_null(strstr(w.err.text, "no common cipher algorithm: the "
	    "server offers none; hawser asks for "));
}

/* Host keys of other types than those known_hosts has. */
static void
test_no_common_host_key(void **state)
{
	(void)state;
	w.host_key_types = "rsa-sha2-512,rsa-sha2-256";
	fails(offer_usual, ERR_REFUSED, "no common host key algorithm: "
	    "the server offers ssh-ed25519; hawser asks for "
	    "rsa-sha2-512,rsa-sha2-256 (HostKeyAlgorithms can change that)");
}

static void
offer_twice(int fd)
{
	const char *lists[8] = { NULL };

	say_banner(fd);
	say_packet(fd, kexinit(lists));
	say_packet(fd, kexinit(lists));
	listen_only(fd);
}

/* RFC 4253 7.1: not before NEWKEYS. It would free the host key in use. */
static void
test_a_second_offer_in_one_exchange(void **state)
{
	(void)state;
	fails(offer_twice, ERR_PROTOCOL,
	    "the server began a key exchange inside another");
}

static void
offer_half(int fd)
{
	struct packet *p = packet_new(MSG_KEXINIT);

	packet_u32(p, 0);
	say_only(fd, p);
}

static void
test_a_cut_offer(void **state)
{
	(void)state;
	fails(offer_half, ERR_PROTOCOL,
	    "the server's KEXINIT packet is malformed");
}

static void
open_channel(int fd)
{
	struct packet *p = packet_new(MSG_CHANNEL_OPEN);

	packet_cstring(p, "session");
	say_only(fd, p);
}

static void
test_a_channel_before_its_time(void **state)
{
	(void)state;
	fails(open_channel, ERR_PROTOCOL,
	    "the server went on before keys were exchanged");
}

/* SERVICE_ACCEPT, which is kept until somebody asks for it. */
static void
accept_services(int fd)
{
	say_banner(fd);
	for (;;) {
		struct packet *p = packet_new(6);

		packet_cstring(p, "ssh-userauth");
		say_packet(fd, p);
	}
}

static void
test_packets_without_end(void **state)
{
	(void)state;
	fails(accept_services, ERR_PROTOCOL,
	    "the server sends what nobody asked for");
}

static void
take_keys(int fd)
{
	const char *lists[8] = { NULL };

	say_banner(fd);
	say_packet(fd, packet_new(MSG_NEWKEYS));
	say_packet(fd, kexinit(lists));
	listen_only(fd);
}

static void
test_new_keys_without_an_exchange(void **state)
{
	(void)state;
	fails(take_keys, ERR_PROTOCOL,
	    "the server took new keys that nobody had exchanged");
}

/* SSH_MSG_USERAUTH_SUCCESS, which anybody on the line could have put in. */
static void
succeed_in_plain_text(int fd)
{
	say_only(fd, packet_new(52));
}

static void
test_success_before_there_are_keys(void **state)
{
	(void)state;
	fails(succeed_in_plain_text, ERR_PROTOCOL,
	    "the server went on before keys were exchanged");
}

/* Its padding begins with a byte that would be a message's number. */
static void
say_no_message(int fd)
{
	static const uint8_t packet[16] = { 0, 0, 0, 12, 11, MSG_KEXINIT };

	say_banner(fd);
	say(fd, packet, sizeof(packet));
	listen_only(fd);
}

static void
test_a_packet_without_a_message(void **state)
{
	(void)state;
	fails(say_no_message, ERR_PROTOCOL,
	    "the server sent a packet without a message");
}

static void
say_packet_of_any_length(int fd)
{
	say_banner(fd);
	flood(fd, "\xff\xfe\xfd");
}

static void
test_a_packet_of_4_gigabytes(void **state)
{
	(void)state;
	start(say_packet_of_any_length);
	shake();
	assert_int_equal(w.err.code, ERR_PROTOCOL);
}

static void
say_nothing_at_all(int fd)
{
	listen_only(fd);
}

static void
test_our_own_list_is_checked(void **state)
{
	(void)state;
	w.host_key_types = "no-such-key";
	fails(say_nothing_at_all, ERR_INPUT,
	    "no supported algorithm in \"no-such-key\"");
}

int
main(void)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, scripted_setup, \
		    scripted_teardown)
	static const struct CMUnitTest tests[] = {
		TEST(test_a_cipher_per_direction),
		TEST(test_nothing_in_common),
		TEST(test_no_encryption),
		TEST(test_no_common_host_key),
		TEST(test_a_second_offer_in_one_exchange),
		TEST(test_a_cut_offer),
		TEST(test_a_channel_before_its_time),
		TEST(test_packets_without_end),
		TEST(test_new_keys_without_an_exchange),
		TEST(test_success_before_there_are_keys),
		TEST(test_a_packet_without_a_message),
		TEST(test_a_packet_of_4_gigabytes),
		TEST(test_our_own_list_is_checked),
	};

	return cmocka_run_group_tests(tests, scripted_begin, scripted_end);
}
