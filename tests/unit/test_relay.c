/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/str.h"
#include "ssh/connection.h"
#include "worker/relay.h"
#include "worker/report.h"

/* A channel that the test holds the other end of. */
struct channel {
	const struct channel_ops *ops;
	void *arg;
	size_t room;		/* what channel_room says */
	size_t takes;		/* what one channel_write takes at most */
	struct str written;
	struct str queue;	/* not taken by the user yet */
	bool wants;
	bool eof_sent;
	bool eof;		/* to be told behind queue */
	bool freed;
};

static struct channel channel;

size_t
channel_room(const struct channel *c)
{
	return c->room;
}

size_t
channel_write(struct channel *c, const uint8_t *data, size_t n)
{
	if (n > c->takes)
		n = c->takes;
	str_append_n(&c->written, data, n);
	c->room = c->room > n ? c->room - n : 0;
	return n;
}

void
channel_want_write(struct channel *c)
{
	c->wants = true;
}

void
channel_pull(struct channel *c)
{
	if (c->queue.len > 0) {
		size_t n = c->ops->on_data(c, c->arg,
		    (const uint8_t *)c->queue.p, c->queue.len);

		memmove(c->queue.p, c->queue.p + n, c->queue.len - n);
		c->queue.len -= n;
	}
	if (c->queue.len == 0 && c->eof && !c->freed) {
		c->eof = false;
		c->ops->on_eof(c, c->arg);
	}
}

size_t
channel_queued(const struct channel *c)
{
	return c->queue.len;
}

void
channel_send_eof(struct channel *c)
{
	c->eof_sent = true;
}

void
channel_free(struct channel *c)
{
	assert_false(c->freed);
	c->freed = true;
}

void
channel_accept(struct channel *c, const struct channel_ops *ops, void *arg)
{
	c->ops = ops;
	c->arg = arg;
}

void
channel_hand_over(struct channel *c, const struct channel_ops *ops, void *arg,
    const uint8_t *unread, size_t n)
{
	channel_accept(c, ops, arg);
	str_append_n(&c->queue, (const char *)unread, n);
}

struct channel *
channel_open_tcp(struct connection *connection, const char *host,
    uint16_t port, const char *originator, uint16_t originator_port,
    const struct channel_ops *ops, void *arg)
{
	(void)connection;
	(void)originator;
	(void)originator_port;
	assert_string_equal(host, "target");
	assert_int_equal(port, 80);
	channel_accept(&channel, ops, arg);
	return &channel;
}

struct channel *
channel_open_unix(struct connection *connection, const char *path,
    const struct channel_ops *ops, void *arg)
{
	(void)connection;
	(void)path;
	channel_accept(&channel, ops, arg);
	return &channel;
}

static struct loop loop;
static struct tunnel *tunnel;
static struct relay *relay;
static int near_fd;		/* the client's end */
static int message_pair[2];
static int ended, failed;

static void
on_open_failed(struct relay *r, void *arg, unsigned reason, const char *text)
{
	(void)r;
	(void)arg;
	(void)text;
	assert_int_equal(reason, OPEN_CONNECT_FAILED);
	failed++;
}

static void
on_end(struct relay *r, void *arg)
{
	(void)r;
	(void)arg;
	ended++;
}

static const struct relay_ops ops = { .on_open_failed = on_open_failed,
    .on_end = on_end };

/* A TCP pair: a reset looks different from an end there. */
static void
make_pair(int pair[2])
{
	struct sockaddr_in a = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(listener, (struct sockaddr *)&a, len), 0);
	assert_int_equal(listen(listener, 1), 0);
	getsockname(listener, (struct sockaddr *)&a, &len);
	pair[0] = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(pair[0], (struct sockaddr *)&a, len), 0);
	pair[1] = accept(listener, NULL, NULL);
	close(listener);
}

static int
set_up(void **state)
{
	static char id[] = "L:1";
	struct forward f = { .id = id };
	int pair[2];

	(void)state;
	channel = (struct channel){ .room = 1 << 20, .takes = 1 << 20 };
	ended = failed = 0;
	assert_int_equal(loop_init(&loop, NULL), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0,
	    message_pair), 0);
	loop.report = report_new(message_pair[0]);
	tunnel = tunnel_new(&loop, &f);
	relay = relay_new(tunnel, RELAY_CLIENT_SOCKET, &ops, NULL);
	make_pair(pair);
	near_fd = pair[0];
	fd_set_nonblock(pair[1], 1);
	relay_accept(relay, &channel);
	relay_attach(relay, pair[1]);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	loop_end_items(&loop);
	assert_int_equal(ended, 1);
	assert_true(channel.freed);
	tunnel_unref(tunnel);
	report_free(loop.report);
	loop_fini(&loop);
	fd_close(&near_fd);
	close(message_pair[0]);
	close(message_pair[1]);
	str_fini(&channel.written);
	str_fini(&channel.queue);
	return 0;
}

static void
turn(void)
{
	event_base_loop(loop.base, EVLOOP_ONCE);
}

static void
wait_written(size_t n)
{
	while (channel.written.len < n)
		turn();
	assert_int_equal(channel.written.len, n);
}

static void
socket_to_channel(void **state)
{
	(void)state;
	assert_int_equal(write(near_fd, "hello", 5), 5);
	wait_written(5);
	assert_memory_equal(channel.written.p, "hello", 5);
	shutdown(near_fd, SHUT_WR);
	while (!channel.eof_sent)
		turn();
	assert_int_equal(ended, 0);
	channel.eof = true;
	channel_pull(&channel);
	assert_int_equal(ended, 1);
}

static void
waits_for_the_window(void **state)
{
	(void)state;
	channel.room = 3;
	assert_int_equal(write(near_fd, "hello", 5), 5);
	wait_written(3);
	assert_true(channel.wants);
	channel.room = 100;
	channel.ops->on_writable(&channel, channel.arg);
	wait_written(5);
}

/* What the channel did not take, against its word, is not lost. */
static void
keeps_what_was_not_taken(void **state)
{
	(void)state;
	channel.takes = 2;
	assert_int_equal(write(near_fd, "hello", 5), 5);
	shutdown(near_fd, SHUT_WR);
	while (!channel.eof_sent) {
		if (channel.wants) {
			channel.wants = false;
			channel.ops->on_writable(&channel, channel.arg);
		} else {
			turn();
		}
	}
	wait_written(5);
	assert_memory_equal(channel.written.p, "hello", 5);
}

static void
channel_to_socket(void **state)
{
	char text[6];

	(void)state;
	str_append(&channel.queue, "hello");
	channel.eof = true;
	channel_pull(&channel);
	assert_int_equal(read(near_fd, text, 6), 5);
	assert_int_equal(read(near_fd, text, 6), 0);
	assert_int_equal(ended, 0);
}

static void
slow_reader_leaves_data_in_the_channel(void **state)
{
	size_t total = 16 << 20, got = 0;
	char *big = mem_alloc(total);
	ssize_t n;

	(void)state;
	str_append_n(&channel.queue, big, total);
	channel.eof = true;
	channel_pull(&channel);
	assert_true(channel.queue.len > 0);
	fd_set_nonblock(near_fd, 1);
	while ((n = read(near_fd, big, total)) != 0) {
		if (n > 0)
			got += (size_t)n;
		else
			turn();
	}
	assert_int_equal(got, total);
	free(big);
}

static void
cut_stream_is_reset(void **state)
{
	char byte;

	(void)state;
	channel.ops->on_close(&channel, channel.arg);
	assert_int_equal(ended, 1);
	assert_int_equal(read(near_fd, &byte, 1), -1);
	assert_int_equal(errno, ECONNRESET);
}

static void
reset_closes_the_channel(void **state)
{
	struct linger now = { .l_onoff = 1 };

	(void)state;
	setsockopt(near_fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	fd_close(&near_fd);
	while (ended == 0)
		turn();
	assert_false(channel.eof_sent);
}

int
main(void)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(socket_to_channel),
		TEST(waits_for_the_window),
		TEST(keeps_what_was_not_taken),
		TEST(channel_to_socket),
		TEST(slow_reader_leaves_data_in_the_channel),
		TEST(cut_stream_is_reset),
		TEST(reset_closes_the_channel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
