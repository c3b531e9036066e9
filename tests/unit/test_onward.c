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
#include <sys/socket.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/str.h"
#include "ssh/connection.h"
#include "worker/onward.h"
#include "worker/report.h"

/* A channel that the test holds the other end of. */
struct channel {
	const struct channel_ops *ops;
	void *arg;
	struct str written;
	bool eof_sent, freed;
};

static struct channel channel;

size_t
channel_room(const struct channel *c)
{
	(void)c;
	return 1000;
}

size_t
channel_write(struct channel *c, const uint8_t *data, size_t n)
{
	str_append_n(&c->written, data, n);
	return n;
}

void
channel_want_write(struct channel *c)
{
	(void)c;
}

void
channel_pull(struct channel *c)
{
	(void)c;
}

size_t
channel_queued(const struct channel *c)
{
	(void)c;
	return 0;
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

struct channel *
channel_open_tcp(struct connection *connection, const char *host,
    uint16_t port, const char *originator, uint16_t originator_port,
    const struct channel_ops *ops, void *arg)
{
	(void)connection;
	(void)originator;
	(void)originator_port;
	assert_string_equal(host, "nas");
	assert_int_equal(port, 2222);
	channel.ops = ops;
	channel.arg = arg;
	return &channel;
}

/* The relay's other ways to a channel aren't ours. */
struct channel *
channel_open_unix(struct connection *connection, const char *path,
    const struct channel_ops *ops, void *arg)
{
	(void)connection;
	(void)path;
	(void)ops;
	(void)arg;
	abort();
}

void
channel_hand_over(struct channel *c, const struct channel_ops *ops, void *arg,
    const uint8_t *unread, size_t n)
{
	(void)c;
	(void)ops;
	(void)arg;
	(void)unread;
	(void)n;
	fail();
}

void
channel_accept(struct channel *c, const struct channel_ops *ops, void *arg)
{
	(void)c;
	(void)ops;
	(void)arg;
	abort();
}

static struct loop loop;
static struct onward *onward;
static int facts;		/* the supervisor's end */
static int fact_end;		/* the worker's */
static int far;			/* the next worker's link */
static char *over;		/* "class: text" when it is over */

static void
on_over(void *arg, enum end_class class, const char *text)
{
	assert_ptr_equal(arg, &loop);
	assert_null(over);
	over = str_dupf("%s: %s", end_class_name(class), text);
}

static int
set_up(void **state)
{
	struct message m = { .name = ORDER_LINK, .fd_count = 1 };
	int pair[2];
	struct err err;

	(void)state;
	assert_int_equal(loop_init(&loop, &err), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	facts = pair[0];
	fact_end = pair[1];
	loop.report = report_new(fact_end);
	report_start(loop.report, loop.base);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	far = pair[0];
	m.fds[0] = pair[1];
	m.body = json_pack("{s:s, s:i}", "host", "nas", "port", 2222);
	channel = (struct channel){ 0 };
	str_init(&channel.written);
	onward = onward_new(&loop, &m, on_over, &loop);
	assert_int_equal(m.fds[0], -1);
	message_fini(&m);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	onward_free(onward);
	assert_true(channel.freed);
	str_fini(&channel.written);
	report_stop(loop.report);
	report_free(loop.report);
	loop_fini(&loop);
	fd_close(&far);
	fd_close(&facts);
	fd_close(&fact_end);
	free(over);
	over = NULL;
	return 0;
}

static void
turn(void)
{
	for (int i = 0; i < 10; i++)
		event_base_loop(loop.base, EVLOOP_NONBLOCK);
}

/* Has FACT_LINK come? No other fact ever does. */
static bool
is_linked(void)
{
	struct message m;
	struct err err;

	fd_set_nonblock(facts, 1);
	if (message_recv(facts, FROM_WORKER, &m, &err) != 1)
		return false;
	assert_int_equal(m.name, FACT_LINK);
	message_fini(&m);
	return true;
}

static void
bytes_pass_when_it_is_open(void **state)
{
	char byte;

	(void)state;
	turn();
	assert_false(is_linked());
	channel.ops->on_open(&channel, channel.arg);
	assert_true(is_linked());
	assert_int_equal(channel.ops->on_data(&channel, channel.arg,
	    (const uint8_t *)"S", 1), 1);
	assert_int_equal(read(far, &byte, 1), 1);
	assert_int_equal(byte, 'S');
	assert_int_equal(write(far, "C", 1), 1);
	turn();
	assert_string_equal(channel.written.p, "C");
	/* Nothing is counted. */
	assert_false(is_linked());
	assert_null(over);
}

static void
a_refusal_is_the_servers_reason(void **state)
{
	(void)state;
	channel.freed = true;	/* gone when the call returns */
	channel.ops->on_open_failed(&channel, channel.arg,
	    OPEN_CONNECT_FAILED, "Connection refused");
	assert_string_equal(over, "refused: the server cannot connect to "
	    "nas:2222: Connection refused");
	assert_false(is_linked());
}

static void
other_reasons(void **state)
{
	(void)state;
	channel.freed = true;
	channel.ops->on_open_failed(&channel, channel.arg,
	    OPEN_CONNECT_FAILED, "Name or service not known");
	assert_string_equal(over, "unreachable: the server cannot connect to "
	    "nas:2222: Name or service not known");
}

static void
a_prohibition_names_the_options(void **state)
{
	(void)state;
	channel.freed = true;
	channel.ops->on_open_failed(&channel, channel.arg, OPEN_PROHIBITED,
	    "open failed");
	assert_non_null(strstr(over, "unreachable: the server does not "
	    "permit connections to nas:2222 (AllowTcpForwarding"));
}

static void
an_end_of_either_side_explains_nothing(void **state)
{
	(void)state;
	channel.ops->on_open(&channel, channel.arg);
	fd_close(&far);
	turn();
	assert_true(channel.eof_sent);
	channel.ops->on_eof(&channel, channel.arg);
	assert_string_equal(over, "stopped: the link to nas:2222 was closed");
}

static void
its_owner_may_end_it(void **state)
{
	(void)state;
	channel.ops->on_open(&channel, channel.arg);
	onward_free(onward);
	onward = NULL;
	assert_null(over);
}

int
main(void)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(bytes_pass_when_it_is_open),
		TEST(a_refusal_is_the_servers_reason),
		TEST(other_reasons),
		TEST(a_prohibition_names_the_options),
		TEST(an_end_of_either_side_explains_nothing),
		TEST(its_owner_may_end_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
