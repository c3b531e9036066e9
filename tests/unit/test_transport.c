/* SPDX-License-Identifier: ISC */
/*
 * The handshake with servers that are none, old, hostile or slow: each is a
 * child process at the other end of a TCP connection on loopback.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include <libssh2.h>

#include "base/clock.h"
#include "ssh/packet.h"
#include "ssh/transport.h"

#define DEADLINE_MS	20000
#define BANNER		"SSH-2.0-Test_1\r\n"

static struct {
	struct transport *t;
	pid_t pid;
	struct err err;
	const char *host_key_types;
	int64_t deadline_ms;		/* from now */
	int begun;			/* calls of transport_on_kex's */
} w;

/* The server's side */

static void
say(int fd, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;

	while (n > 0) {
		ssize_t k = send(fd, p, n, MSG_NOSIGNAL);

		if (k <= 0)
			_exit(0);	/* the client has heard enough */
		p += k;
		n -= (size_t)k;
	}
}

/* Until the client hangs up. */
static void
listen_only(int fd)
{
	char bytes[4096];

	while (recv(fd, bytes, sizeof(bytes), 0) > 0)
		;
}

/* A packet before there are keys (RFC 4253 6). Takes p. */
static void
say_packet(int fd, struct packet *p)
{
	size_t padding = 8 - (5 + p->len) % 8 + 8;
	uint8_t head[5], zeros[16] = { 0 };

	packet_store_u32(head, (uint32_t)(1 + p->len + padding));
	head[4] = (uint8_t)padding;
	say(fd, head, sizeof(head));
	say(fd, p->bytes, p->len);
	say(fd, zeros, padding);
	packet_free(p);
}

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

/* The client's side */

static void
on_kex(void *arg)
{
	assert_ptr_equal(arg, &w);
	w.begun++;
}

/* A connection whose other end is script in a child. */
static void
start(void (*script)(int fd))
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sa);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(listener, (struct sockaddr *)&sa, len), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&sa, &len),
	    0);
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, len), 0);
	w.pid = fork();
	if (w.pid == 0) {
		int peer = accept(listener, NULL, NULL);

		close(fd);
		script(peer);
		_exit(0);
	}
	assert_int_not_equal(w.pid, -1);
	close(listener);
	w.t = transport_new(fd, &w.err);
	assert_non_null(w.t);
	transport_on_kex(w.t, on_kex, &w);
}

/* The handshake with script must fail like this. */
static void
fails(void (*script)(int fd), enum err_code code, const char *text)
{
	start(script);
	w.err.code = ERR_NONE;
	assert_int_equal(transport_handshake(w.t, w.host_key_types,
	    clock_now_ms() + w.deadline_ms, &w.err), -1);
	assert_string_equal(w.err.text, text);
	assert_int_equal(w.err.code, code);
}

static int
setup(void **state)
{
	(void)state;
	memset(&w, 0, sizeof(w));
	w.host_key_types = "ssh-ed25519";
	w.deadline_ms = DEADLINE_MS;
	return 0;
}

static int
teardown(void **state)
{
	int status;

	(void)state;
	transport_free(w.t);
	return w.pid > 0 && waitpid(w.pid, &status, 0) != w.pid;
}

static void
hang_up(int fd)
{
	shutdown(fd, SHUT_WR);
	listen_only(fd);
}

static void
test_closed_before_the_banner(void **state)
{
	(void)state;
	fails(hang_up, ERR_CLOSED,
	    "the server closed the connection without a word");
	assert_false(transport_has_banner(w.t));
	assert_string_equal(transport_banner(w.t), "");
	assert_int_equal(w.begun, 0);
}

static void
reset(int fd)
{
	struct linger now = { .l_onoff = 1 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
}

static void
test_reset_before_the_banner(void **state)
{
	(void)state;
	start(reset);
	assert_int_equal(transport_handshake(w.t, "ssh-ed25519",
	    clock_now_ms() + DEADLINE_MS, &w.err), -1);
	assert_int_equal(w.err.code, ERR_SYS);
	assert_false(transport_has_banner(w.t));
}

static void
say_nothing(int fd)
{
	listen_only(fd);
}

static void
test_a_silent_server(void **state)
{
	int64_t before = clock_now_ms();

	(void)state;
	w.deadline_ms = 200;
	fails(say_nothing, ERR_TIMEOUT, "no answer in time");
	assert_in_range(clock_now_ms() - before, 200, 5000);
	assert_false(transport_has_banner(w.t));
}

static void
say_banner(int fd)
{
	say(fd, BANNER, sizeof(BANNER) - 1);
	listen_only(fd);
}

static void
test_a_server_that_is_silent_after_its_banner(void **state)
{
	(void)state;
	w.deadline_ms = 200;
	fails(say_banner, ERR_TIMEOUT, "no answer in time");
	assert_true(transport_has_banner(w.t));
	assert_string_equal(transport_banner(w.t), "SSH-2.0-Test_1");
}

static void
say_banner_and_close(int fd)
{
	say(fd, BANNER, sizeof(BANNER) - 1);
	shutdown(fd, SHUT_WR);
	listen_only(fd);
}

static void
test_closed_after_the_banner(void **state)
{
	(void)state;
	fails(say_banner_and_close, ERR_CLOSED,
	    "the server closed the connection without a word");
	assert_true(transport_has_banner(w.t));
}

static void
say_http(int fd)
{
	static const char text[] = "HTTP/1.1 400 Bad Request\r\n"
	    "Content-Type: text/html\r\n\r\n<html></html>\r\n";

	say(fd, text, sizeof(text) - 1);
	shutdown(fd, SHUT_WR);
	listen_only(fd);
}

static void
test_a_web_server(void **state)
{
	(void)state;
	start(say_http);
	assert_int_equal(transport_handshake(w.t, "ssh-ed25519",
	    clock_now_ms() + DEADLINE_MS, &w.err), -1);
	assert_false(transport_has_banner(w.t));
}

static void
flood(int fd, const char *unit)
{
	char bytes[65536];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = unit[i % strlen(unit)];
	for (;;)
		say(fd, bytes, sizeof(bytes));
}

static void
flood_letters(int fd)
{
	flood(fd, "a");
}

static void
flood_lines(int fd)
{
	flood(fd, "hello\r\n");
}

static void
flood_empty_lines(int fd)
{
	flood(fd, "\r\n");
}

/* Neither memory nor time: libssh2 alone would read this for ever. */
static void
test_an_endless_banner(void **state)
{
	static void (*const scripts[])(int) = { flood_letters, flood_lines,
	    flood_empty_lines };

	for (size_t i = 0; i < 3; i++) {
		setup(state);
		fails(scripts[i], ERR_PROTOCOL,
		    "the server sent no SSH banner");
		assert_false(transport_has_banner(w.t));
		if (i < 2)
			teardown(state);
	}
}

static void
say_text_and_banner(int fd)
{
	static const char text[] = "Welcome to the museum.\r\n\r\n"
	    "Do not touch.\n" BANNER;

	say(fd, text, sizeof(text) - 1);
	shutdown(fd, SHUT_WR);
	listen_only(fd);
}

/* RFC 4253 4.2 allows lines before it. */
static void
test_text_before_the_banner(void **state)
{
	(void)state;
	fails(say_text_and_banner, ERR_CLOSED,
	    "the server closed the connection without a word");
	assert_string_equal(transport_banner(w.t), "SSH-2.0-Test_1");
}

static void
say_old_banner(int fd)
{
	say(fd, "SSH-1.5-Old\r\n", 13);
	listen_only(fd);
}

static void
test_version_1(void **state)
{
	(void)state;
	w.deadline_ms = 500;
	fails(say_old_banner, ERR_PROTOCOL,
	    "the server speaks only SSH version 1");
}

static void
offer_other_cipher_per_direction(int fd)
{
	const char *lists[8] = { [2] = "aes128-ctr", [3] = "aes256-ctr" };

	say(fd, BANNER, sizeof(BANNER) - 1);
	say_packet(fd, kexinit(lists));
	listen_only(fd);
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

	say(fd, BANNER, sizeof(BANNER) - 1);
	say_packet(fd, kexinit(lists));
	listen_only(fd);
}

static void
test_nothing_in_common(void **state)
{
	(void)state;
	fails(offer_old_kex, ERR_REFUSED, "no common key exchange algorithm: "
	    "the server offers only diffie-hellman-group1-sha1,old");
}

static void
offer_usual(int fd)
{
	const char *lists[8] = { NULL };

	say(fd, BANNER, sizeof(BANNER) - 1);
	say_packet(fd, kexinit(lists));
	listen_only(fd);
}

/* Host keys of other types than those known_hosts has. */
static void
test_no_common_host_key(void **state)
{
	(void)state;
	w.host_key_types = "rsa-sha2-512,rsa-sha2-256";
	fails(offer_usual, ERR_REFUSED, "no common host key algorithm: "
	    "the server offers only ssh-ed25519");
}

static void
offer_twice(int fd)
{
	const char *lists[8] = { NULL };

	say(fd, BANNER, sizeof(BANNER) - 1);
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
	say(fd, BANNER, sizeof(BANNER) - 1);
	say_packet(fd, p);
	listen_only(fd);
}

static void
test_a_cut_offer(void **state)
{
	(void)state;
	fails(offer_half, ERR_PROTOCOL,
	    "the server's KEXINIT packet is malformed");
}

static void
say_goodbye(int fd)
{
	struct packet *p = packet_new(MSG_DISCONNECT);

	packet_u32(p, 2);
	packet_cstring(p, "too\tmany \x1b[2J");
	packet_cstring(p, "");
	say(fd, BANNER, sizeof(BANNER) - 1);
	say_packet(fd, p);
	listen_only(fd);
}

static void
test_a_goodbye(void **state)
{
	unsigned reason;

	(void)state;
	fails(say_goodbye, ERR_CLOSED,
	    "the server said goodbye: too?many ?[2J");
	assert_string_equal(transport_disconnect_text(w.t, &reason),
	    "too?many ?[2J");
	assert_int_equal(reason, 2);
}

static void
open_channel(int fd)
{
	struct packet *p = packet_new(MSG_CHANNEL_OPEN);

	packet_cstring(p, "session");
	say(fd, BANNER, sizeof(BANNER) - 1);
	say_packet(fd, p);
	listen_only(fd);
}

static void
test_a_channel_before_its_time(void **state)
{
	(void)state;
	start(open_channel);
	assert_int_equal(transport_handshake(w.t, "ssh-ed25519",
	    clock_now_ms() + DEADLINE_MS, &w.err), -1);
	assert_int_equal(w.err.code, ERR_PROTOCOL);
}

static void
say_packet_of_any_length(int fd)
{
	say(fd, BANNER, sizeof(BANNER) - 1);
	flood(fd, "\xff\xfe\xfd");
}

static void
test_a_packet_of_4_gigabytes(void **state)
{
	(void)state;
	start(say_packet_of_any_length);
	assert_int_equal(transport_handshake(w.t, "ssh-ed25519",
	    clock_now_ms() + DEADLINE_MS, &w.err), -1);
	assert_int_equal(w.err.code, ERR_PROTOCOL);
}

static void
test_our_own_list_is_checked(void **state)
{
	(void)state;
	w.host_key_types = "no-such-key";
	fails(say_banner, ERR_INPUT,
	    "no supported algorithm in \"no-such-key\"");
}

static int
setup_all(void **state)
{
	struct err err;

	(void)state;
	(void)signal(SIGPIPE, SIG_IGN);
	return transport_library_init(&err);
}

static int
teardown_all(void **state)
{
	(void)state;
	libssh2_exit();
	return 0;
}

int
main(void)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(test_closed_before_the_banner),
		TEST(test_reset_before_the_banner),
		TEST(test_a_silent_server),
		TEST(test_a_server_that_is_silent_after_its_banner),
		TEST(test_closed_after_the_banner),
		TEST(test_a_web_server),
		TEST(test_an_endless_banner),
		TEST(test_text_before_the_banner),
		TEST(test_version_1),
		TEST(test_a_cipher_per_direction),
		TEST(test_nothing_in_common),
		TEST(test_no_common_host_key),
		TEST(test_a_second_offer_in_one_exchange),
		TEST(test_a_cut_offer),
		TEST(test_a_goodbye),
		TEST(test_a_channel_before_its_time),
		TEST(test_a_packet_of_4_gigabytes),
		TEST(test_our_own_list_is_checked),
	};

	return cmocka_run_group_tests(tests, setup_all, teardown_all);
}
