/* SPDX-License-Identifier: ISC */
/*
 * The beginning of a transport, with servers that are none, old or silent.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "scripted.h"
#include "ssh/packet.h"
#include "ssh/transport.h"

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
	shake();
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
say_banner_only(int fd)
{
	say_banner(fd);
	listen_only(fd);
}

static void
test_a_server_that_is_silent_after_its_banner(void **state)
{
	(void)state;
	w.deadline_ms = 200;
	fails(say_banner_only, ERR_TIMEOUT, "no answer in time");
	assert_true(transport_has_banner(w.t));
	assert_string_equal(transport_banner(w.t), "SSH-2.0-Test_1");
}

static void
say_banner_and_close(int fd)
{
	say_banner(fd);
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
	shake();
	assert_false(transport_has_banner(w.t));
	assert_string_equal(transport_greeting(w.t),
	    "HTTP/1.1 400 Bad Request");
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

	static const char *const texts[] = {
		"the server sent no SSH banner, but \""
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"",
		"the server sent no SSH banner, but \"hello\"",
		"the server sent no SSH banner" };

	for (size_t i = 0; i < 3; i++) {
		scripted_setup(state);
		fails(scripts[i], ERR_PROTOCOL, texts[i]);
		assert_false(transport_has_banner(w.t));
		assert_true(strlen(transport_greeting(w.t)) < 256);
		if (i < 2)
			scripted_teardown(state);
	}
}

static void
say_text_and_banner(int fd)
{
	static const char text[] = "Welcome to the museum.\r\n\r\n"
	    "Do not touch.\n" SCRIPTED_BANNER;

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
	assert_string_equal(transport_greeting(w.t),
	    "Welcome to the museum.");
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
	fails(say_old_banner, ERR_PROTOCOL,
	    "the server speaks only SSH version 1");
}

static struct packet *
goodbye(const char *text)
{
	struct packet *p = packet_new(MSG_DISCONNECT);

	packet_u32(p, 2);
	packet_cstring(p, text);
	packet_cstring(p, "");
	return p;
}

static void
say_goodbye(int fd)
{
	say_only(fd, goodbye("too\tmany \x1b[2J"));
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

/*
 * A ProxyCommand is a socket pair: it takes nothing more at once when its
 * other end is closed, but what was said before can still be read.
 */
static void
test_a_goodbye_through_a_pipe(void **state)
{
	int end = start_pipe();

	(void)state;
	say_banner(end);
	say_packet(end, goodbye("Too many logons"));
	close(end);
	shake();
	assert_string_equal(w.err.text,
	    "the server said goodbye: Too many logons");
	assert_int_equal(w.err.code, ERR_CLOSED);
}

static void
test_a_pipe_that_ends_at_once(void **state)
{
	(void)state;
	close(start_pipe());
	shake();
	assert_string_equal(w.err.text,
	    "the server closed the connection without a word");
	assert_int_equal(w.err.code, ERR_CLOSED);
	assert_false(transport_has_banner(w.t));
}

int
main(void)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, scripted_setup, \
		    scripted_teardown)
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
		TEST(test_a_goodbye),
		TEST(test_a_goodbye_through_a_pipe),
		TEST(test_a_pipe_that_ends_at_once),
	};

	return cmocka_run_group_tests(tests, scripted_begin, scripted_end);
}
