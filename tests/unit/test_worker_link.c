/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include <event2/event.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "supervisor/child.h"
#include "supervisor/worker_link.h"

struct fixture {
	struct event_base *base;
	int far;			/* the child's end; blocking */
	struct worker_link *link;
	int messages;
	int dead;
	enum err_code why;
	bool free_in_message;
	char last[64];
};

static void
on_message(void *arg, struct message *m)
{
	struct fixture *f = arg;

	f->messages++;
	if (m->name == FACT_PHASE)
		strncpy(f->last, message_string(m, "phase"),
		    sizeof(f->last) - 1);
	if (f->free_in_message) {
		worker_link_free(f->link);
		f->link = NULL;
	}
}

static void
on_dead(void *arg, const struct err *err)
{
	struct fixture *f = arg;

	f->dead++;
	f->why = err->code;
}

static const struct worker_link_ops ops = {
	.on_message = on_message,
	.on_dead = on_dead,
};

static int
set_up(void **state)
{
	static struct fixture f;
	int pair[2];

	memset(&f, 0, sizeof(f));
	f.base = event_base_new();
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
	    pair), 0);
	f.far = pair[1];
	f.link = worker_link_new(f.base, pair[0], FROM_WORKER, &ops, &f);
	*state = &f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	worker_link_free(f->link);
	if (f->far != -1)
		close(f->far);
	event_base_free(f->base);
	return 0;
}

static void
say_phase(struct fixture *f, const char *phase)
{
	struct err err;

	assert_int_equal(message_send(f->far, FACT_PHASE, json_pack("{s:s}",
	    "phase", phase), NULL, 0, &err), 0);
}

static void
turn(struct fixture *f)
{
	event_base_loop(f->base, EVLOOP_NONBLOCK);
}

static void
facts_arrive(void **state)
{
	struct fixture *f = *state;

	say_phase(f, "kex");
	say_phase(f, "auth");
	turn(f);
	assert_int_equal(f->messages, 2);
	assert_string_equal(f->last, "auth");
	assert_int_equal(f->dead, 0);
}

static void
the_end_comes_after_the_last_words(void **state)
{
	struct fixture *f = *state;

	say_phase(f, "kex");
	close(f->far);
	f->far = -1;
	turn(f);
	turn(f);
	assert_int_equal(f->messages, 1);
	assert_int_equal(f->dead, 1);
	assert_int_equal(f->why, ERR_CLOSED);
	worker_link_send(f->link, ORDER_STOP, json_object(), NULL, 0);
	turn(f);
	assert_int_equal(f->dead, 1);
}

/* The kernel then tells of a reset before it hands out what was said. */
static void
last_words_of_one_who_did_not_read(void **state)
{
	struct fixture *f = *state;

	worker_link_send(f->link, ORDER_STOP, json_object(), NULL, 0);
	say_phase(f, "kex");
	say_phase(f, "auth");
	close(f->far);
	f->far = -1;
	turn(f);
	turn(f);
	assert_int_equal(f->messages, 2);
	assert_string_equal(f->last, "auth");
	assert_int_equal(f->dead, 1);
	assert_int_equal(f->why, ERR_CLOSED);
}

static void
draining_needs_no_loop(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 100; i++)
		say_phase(f, "kex");
	worker_link_drain(f->link);
	assert_int_equal(f->messages, 100);
}

/* It is heard out in turns, between which there is time for others. */
static void
one_who_never_stops_talking(void **state)
{
	struct fixture *f = *state;
	int turns = 0, most = 0;

	for (int i = 0; i < 200; i++)
		say_phase(f, "kex");
	while (f->messages < 200) {
		int before = f->messages;

		event_base_loop(f->base, EVLOOP_ONCE);
		if (f->messages - before > most)
			most = f->messages - before;
		turns++;
	}
	assert_in_range(most, 1, 64);
	/* Each of them is followed by a rest. */
	assert_in_range(turns, 7, 1000);
}

static void
what_breaks_the_table_is_the_end(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(send(f->far, "{\"m\":\"order.stop\"}", 18, 0), 18);
	turn(f);
	assert_int_equal(f->messages, 0);
	assert_int_equal(f->dead, 1);
	assert_int_equal(f->why, ERR_PROTOCOL);
}

static void
freeing_inside_a_callback(void **state)
{
	struct fixture *f = *state;

	f->free_in_message = true;
	say_phase(f, "kex");
	say_phase(f, "auth");
	turn(f);
	assert_int_equal(f->messages, 1);
	assert_null(f->link);
}

/* Reads one order; the first descriptor it brings, or -1. */
static int
read_order(struct fixture *f, char *id, size_t size)
{
	struct message m;
	struct err err;
	int fd = -1;

	assert_int_equal(message_recv(f->far, FROM_SUPERVISOR, &m, &err), 1);
	strncpy(id, message_string(&m, "id"), size - 1);
	id[size - 1] = '\0';
	if (m.fd_count > 0) {
		fd = m.fds[0];
		m.fds[0] = -1;
	}
	message_fini(&m);
	return fd;
}

/* A full socket: everything still comes, in order, with its descriptors. */
static void
a_slow_reader_misses_nothing(void **state)
{
	struct fixture *f = *state;
	int ends[2], fd, count = 600;
	char id[32], want[32];

	for (int i = 0; i < count; i++) {
		json_t *body = json_object();

		snprintf(id, sizeof(id), "L:%d", i);
		json_object_set_new(body, "id", json_string(id));
		if (i % 100 == 50) {
			assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
			worker_link_send(f->link, ORDER_LISTEN, body,
			    &ends[1], 1);
			/* It keeps a copy: ours may go. */
			close(ends[0]);
			close(ends[1]);
		} else {
			worker_link_send(f->link, ORDER_CANCEL, body, NULL,
			    0);
		}
	}
	for (int i = 0; i < count; i++) {
		turn(f);
		fd = read_order(f, id, sizeof(id));
		snprintf(want, sizeof(want), "L:%d", i);
		assert_string_equal(id, want);
		if (i % 100 == 50) {
			assert_int_equal(write(fd, "x", 1), -1);
			close(fd);
		} else {
			assert_int_equal(fd, -1);
		}
	}
	assert_int_equal(f->dead, 0);
}

static void
a_reader_that_never_reads_is_given_up(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 4 * WORKER_LINK_QUEUE_MAX && f->dead == 0; i++)
		worker_link_send(f->link, ORDER_STOP, json_object(), NULL, 0);
	assert_int_equal(f->dead, 1);
	assert_int_equal(f->why, ERR_TIMEOUT);
}

/* An order that is lost would leave a forward down for ever. */
static void
what_cannot_be_sent_is_the_end(void **state)
{
	struct fixture *f = *state;
	int closed = dup(f->far);

	close(closed);
	worker_link_send(f->link, ORDER_LISTEN, json_pack("{s:s}", "id", "a"),
	    &closed, 1);
	assert_int_equal(f->dead, 1);
	assert_int_equal(f->why, ERR_SYS);
}

static void
what_cannot_be_queued_is_the_end(void **state)
{
	struct fixture *f = *state;
	int closed = dup(f->far);

	close(closed);
	for (int i = 0; i < 1000; i++)
		worker_link_send(f->link, ORDER_CANCEL, json_pack("{s:s}",
		    "id", "b"), NULL, 0);
	assert_int_equal(f->dead, 0);
	worker_link_send(f->link, ORDER_LISTEN, json_pack("{s:s}", "id", "a"),
	    &closed, 1);
	assert_int_equal(f->dead, 1);
	assert_int_equal(f->why, ERR_SYS);
}

/* As many as the kernel doesn't tell of at a time. */
#define CROWD	100

static void
on_late(evutil_socket_t fd, short what, void *arg)
{
	struct fixture *f = arg;

	(void)fd;
	(void)what;
	assert_int_equal(f->messages, CROWD);
	f->dead = 1;
}

/* After we were stopped: it was said in time, and the timer must know it. */
static void
what_was_said_comes_before_a_late_timer(void **state)
{
	struct fixture *f = *state;
	struct event_base *base = event_base_new();
	struct worker_link *links[CROWD];
	struct timeval soon = { 0, 1000 };
	struct timespec later = { 0, 5000000 };
	struct event *timer;
	int pair[2], fars[CROWD], far = f->far;

	event_base_priority_init(base, CHILD_PRIORITIES);
	for (int i = 0; i < CROWD; i++) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET |
		    SOCK_CLOEXEC, 0, pair), 0);
		links[i] = worker_link_new(base, pair[0], FROM_WORKER, &ops,
		    f);
		f->far = pair[1];
		fars[i] = f->far;
		say_phase(f, "kex");
	}
	f->far = far;
	timer = evtimer_new(base, on_late, f);
	evtimer_add(timer, &soon);
	nanosleep(&later, NULL);
	f->dead = 0;
	while (f->dead != 1)
		event_base_loop(base, EVLOOP_ONCE);
	for (int i = 0; i < CROWD; i++) {
		worker_link_free(links[i]);
		close(fars[i]);
	}
	event_free(timer);
	event_base_free(base);
}

int
main(void)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(facts_arrive),
		TEST(the_end_comes_after_the_last_words),
		TEST(last_words_of_one_who_did_not_read),
		TEST(draining_needs_no_loop),
		TEST(one_who_never_stops_talking),
		TEST(what_breaks_the_table_is_the_end),
		TEST(freeing_inside_a_callback),
		TEST(a_slow_reader_misses_nothing),
		TEST(a_reader_that_never_reads_is_given_up),
		TEST(what_cannot_be_sent_is_the_end),
		TEST(what_cannot_be_queued_is_the_end),
		TEST(what_was_said_comes_before_a_late_timer),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
