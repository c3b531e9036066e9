/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <event2/event.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fdio.h"
#include "base/log.h"
#include "base/str.h"
#include "worker/report.h"

struct fixture {
	int ours;
	int theirs;
	struct report *report;
	struct event_base *base;
	int value;
	struct report_gauge gauge;
};

static json_t *
encode_value(void *arg)
{
	struct fixture *f = arg;

	return json_pack("{s:i}", "us", f->value);
}

static int
set_up(void **state)
{
	struct fixture *f = mem_alloc(sizeof(*f));
	int pair[2];

	log_setup(LOG_ERROR, "test");
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	f->ours = pair[0];
	f->theirs = pair[1];
	fd_set_nonblock(f->theirs, 1);
	f->report = report_new(f->ours);
	f->base = event_base_new();
	f->gauge = (struct report_gauge){ .name = FACT_RTT,
	    .encode = encode_value, .arg = f };
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	report_free(f->report);
	event_base_free(f->base);
	close(f->ours);
	fd_close(&f->theirs);
	free(f);
	return 0;
}

/* The next fact's name, or -1 if there is none; an integer of it. */
static int
next(struct fixture *f, const char *field, long long *value)
{
	struct message m;
	struct err err;

	if (message_recv(f->theirs, FROM_WORKER, &m, &err) != 1)
		return -1;
	if (field != NULL)
		*value = message_int(&m, field, -1);
	message_fini(&m);
	return (int)m.name;
}

static json_t *
numbered(long long n)
{
	return json_pack("{s:I, s:s}", "req", (json_int_t)n, "name",
	    "a.name.of.some.length.so.that.the.queue.fills.up.sooner");
}

static void
sends_at_once(void **state)
{
	struct fixture *f = *state;

	report_phase(f->report, PHASE_KEX);
	assert_int_equal(next(f, NULL, NULL), FACT_PHASE);
	assert_int_equal(next(f, NULL, NULL), -1);
}

/* Facts until the socket is full and the queue is, too. */
static void
overfill(struct fixture *f, long long count)
{
	for (long long i = 1; i <= count; i++)
		report_fact(f->report, FACT_RESOLVE, numbered(i));
}

static void
keeps_order_and_drops_the_oldest(void **state)
{
	struct fixture *f = *state;
	long long n, last = 0, gaps = 0;

	overfill(f, 20000);
	report_start(f->report, f->base);
	while (last < 20000) {
		while (next(f, "req", &n) == FACT_RESOLVE) {
			assert_true(n > last);
			gaps += n != last + 1;
			last = n;
		}
		event_base_loop(f->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	}
	/* Once, between what the socket held and what the queue kept. */
	assert_int_equal(gaps, 1);
}

static void
last_words_come_last(void **state)
{
	struct fixture *f = *state;
	struct ending e = { 0 };
	long long n = 0;
	int name, before = -1;

	report_fact(f->report, FACT_RESOLVE, numbered(1));
	ending_set(&e, END_LOST, "gone\n%s", "\x1b[31m");
	assert_string_equal(e.text, "gone??[31m");
	report_end(f->report, &e, 100);
	while ((name = next(f, "req", &n)) != -1)
		before = name;
	assert_int_equal(before, FACT_END);
}

static void
does_not_wait_for_a_dead_supervisor(void **state)
{
	struct fixture *f = *state;
	struct ending e = { 0 };

	fd_close(&f->theirs);
	report_phase(f->report, PHASE_KEX);
	ending_set(&e, END_LOST, "gone");
	report_end(f->report, &e, 60000);
}

/* The small ones make room for the others, not the other way around. */
static void
minor_facts_drop_nothing(void **state)
{
	struct fixture *f = *state;
	long long n, refused = 0, major = 0;
	int name;

	for (long long i = 1; i <= 20000; i++)
		refused += !report_minor(f->report, FACT_RESOLVE,
		    numbered(i));
	assert_true(refused > 0);
	for (int i = 0; i < 50; i++)
		report_phase(f->report, PHASE_KEX);
	assert_false(report_minor(f->report, FACT_RESOLVE, numbered(20001)));
	report_start(f->report, f->base);
	while (major < 50) {
		while ((name = next(f, "req", &n)) != -1) {
			major += name == FACT_PHASE;
			assert_true(name == FACT_PHASE || major == 0);
		}
		event_base_loop(f->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	}
	assert_true(report_minor(f->report, FACT_RESOLVE, numbered(20002)));
	assert_int_equal(next(f, "req", &n), FACT_RESOLVE);
	assert_int_equal(n, 20002);
}

static void
gauges_overwrite(void **state)
{
	struct fixture *f = *state;
	long long us;
	int64_t start;

	report_start(f->report, f->base);
	for (f->value = 1; f->value < 100; f->value++)
		report_touch(f->report, &f->gauge);
	f->value = 7;
	event_base_loop(f->base, EVLOOP_ONCE);
	assert_int_equal(next(f, "us", &us), FACT_RTT);
	assert_int_equal(us, 7);
	assert_int_equal(next(f, NULL, NULL), -1);

	/* The next one has to wait for its second. */
	start = clock_now_ms();
	f->value = 8;
	report_touch(f->report, &f->gauge);
	event_base_loop(f->base, EVLOOP_ONCE);
	assert_true(clock_now_ms() - start >= REPORT_GAUGE_MS - 50);
	assert_int_equal(next(f, "us", &us), FACT_RTT);
	assert_int_equal(us, 8);
}

static void
a_gauge_that_goes_is_sent(void **state)
{
	struct fixture *f = *state;
	long long us;

	f->value = 3;
	report_touch(f->report, &f->gauge);
	report_forget(f->report, &f->gauge);
	assert_int_equal(next(f, "us", &us), FACT_RTT);
	assert_int_equal(us, 3);
	report_forget(f->report, &f->gauge);
	assert_int_equal(next(f, NULL, NULL), -1);
}

int
main(void)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(sends_at_once),
		TEST(keeps_order_and_drops_the_oldest),
		TEST(minor_facts_drop_nothing),
		TEST(last_words_come_last),
		TEST(does_not_wait_for_a_dead_supervisor),
		TEST(gauges_overwrite),
		TEST(a_gauge_that_goes_is_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
