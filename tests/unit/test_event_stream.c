/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <event2/event.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "supervisor/budget.h"
#include "supervisor/event_stream.h"
#include "supervisor/host.h"
#include "supervisor/notice.h"
#include "supervisor/reload.h"
#include "supervisor/resolver.h"

/* Streams of a table with the hosts a and b, which are disabled. */

static struct event_base *base;
static struct budget *budget;
static struct resolver *resolver;
static struct notices *notices;
static struct host_table *table;
static struct reload *reload;
static struct event_streams *streams;
static int woken;

static char name_a[] = "a", name_b[] = "b", address[] = "127.0.0.1";
static struct host hosts[] = {
	{ .name = name_a, .hostname = address, .port = 1 },
	{ .name = name_b, .hostname = address, .port = 1 },
};
static struct config config = { .hosts = hosts, .host_count = 2 };

static int
set_up(void **state)
{
	struct plan *plan = plan_make(NULL, &config);

	(void)state;
	base = event_base_new();
	budget = budget_new(BUDGET_PLACES);
	resolver = resolver_new(base);
	notices = notices_new();
	table = host_table_new(&(struct host_env){ .base = base,
	    .budget = budget, .resolver = resolver,
	    .worker = { "/nowhere", -1, NULL }, .notices = notices });
	reload = reload_new(base, table,
	    &(struct config_source){ .dir = "/nowhere" }, notices);
	host_table_apply(table, plan, &config);
	plan_free(plan);
	streams = event_streams_new(notices, table, reload);
	woken = 0;
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	event_streams_free(streams);
	host_table_free(table);
	reload_free(reload);
	notices_free(notices);
	resolver_free(resolver);
	budget_free(budget);
	event_base_free(base);
	return 0;
}

static void
on_more(void *arg)
{
	(void)arg;
	woken++;
}

static struct event_stream *
listen_to(const char *host, bool status)
{
	struct event_wish wish = { .hosts = &host, .host_count = host != NULL,
	    .status = status };
	struct event_stream *s = event_stream_open(streams, &wish, NULL);

	assert_non_null(s);
	event_stream_listen(s, on_more, NULL);
	return s;
}

static void
tell(const char *host, const char *text)
{
	notices_tell(notices, (struct notice){ .kind = NOTICE_HOST,
	    .host = host, .from = "waiting", .to = "connecting",
	    .text = text, .tries = 3 });
}

/* New: the next line, decoded. It must be there. */
static json_t *
next_line(struct event_stream *s)
{
	struct str line;
	json_t *o;
	char byte = 0;

	str_init(&line);
	while (byte != '\n') {
		assert_int_equal(event_stream_read(s, &byte, 1), 1);
		str_append_n(&line, &byte, 1);
	}
	o = json_loads(line.p, 0, NULL);
	assert_non_null(o);
	assert_non_null(json_object_get(o, "at"));
	str_fini(&line);
	return o;
}

static void
expect(struct event_stream *s, const char *event, const char *member,
    const char *value)
{
	json_t *o = next_line(s);

	assert_string_equal(json_string_value(json_object_get(o, "event")),
	    event);
	assert_string_equal(json_string_value(json_object_get(o, member)),
	    value);
	json_decref(o);
}

static void
expect_nothing(struct event_stream *s)
{
	char byte;

	assert_int_equal(event_stream_read(s, &byte, 1), 0);
}

static void
lines_come_in_order(void **state)
{
	struct event_stream *s = listen_to(NULL, false);
	json_t *o;

	(void)state;
	expect(s, "hello", "version", HAWSER_VERSION);
	expect_nothing(s);
	tell("a", "one");
	assert_int_equal(woken, 1);
	notices_tell(notices, (struct notice){ .kind = NOTICE_END,
	    .host = "a", .class_ = "lost", .text = "two", .up_ms = -1 });
	notices_tell(notices, (struct notice){ .kind = NOTICE_FORWARD,
	    .host = "b", .forward = "R:1", .text = "three" });
	notices_tell(notices, (struct notice){ .kind = NOTICE_RELOAD,
	    .to = "applied" });
	o = next_line(s);
	assert_string_equal(json_string_value(json_object_get(o, "event")),
	    "host");
	assert_string_equal(json_string_value(json_object_get(o, "to")),
	    "connecting");
	assert_int_equal(json_integer_value(json_object_get(o, "attempt")),
	    3);
	assert_true(json_is_null(json_object_get(o, "class")));
	assert_true(json_is_null(json_object_get(o, "next_attempt_at")));
	json_decref(o);
	o = next_line(s);
	assert_true(json_is_null(json_object_get(o, "uptime_s")));
	json_decref(o);
	expect(s, "forward", "forward", "R:1");
	expect(s, "reload", "to", "applied");
	expect_nothing(s);
	event_stream_close(s);
}

static void
only_what_was_asked_for(void **state)
{
	struct event_stream *s = listen_to("b", true);
	json_t *o, *list;

	(void)state;
	expect(s, "hello", "version", HAWSER_VERSION);
	o = next_line(s);
	list = json_object_get(o, "hosts");
	assert_int_equal(json_array_size(list), 1);
	assert_string_equal(json_string_value(json_object_get(
	    json_array_get(list, 0), "name")), "b");
	assert_non_null(json_object_get(o, "config"));
	json_decref(o);
	tell("a", "not this one");
	assert_int_equal(woken, 0);
	tell("b", "this one");
	expect(s, "host", "text", "this one");
	event_stream_close(s);
}

/* What is not to be had: a host that isn't there, a stream too many. */
static void
refusals(void **state)
{
	const char *nobody = "c";
	struct event_wish wish = { .hosts = &nobody, .host_count = 1 };
	struct event_stream *all[EVENT_STREAMS_MAX];
	struct err err;

	(void)state;
	assert_null(event_stream_open(streams, &wish, &err));
	assert_int_equal(err.code, ERR_NOTFOUND);
	assert_string_equal(err.text, "no host c");
	for (size_t i = 0; i < EVENT_STREAMS_MAX; i++)
		all[i] = listen_to(NULL, false);
	wish.host_count = 0;
	assert_null(event_stream_open(streams, &wish, &err));
	assert_int_equal(err.code, ERR_AGAIN);
	event_stream_close(all[0]);
	all[0] = listen_to(NULL, false);
	for (size_t i = 0; i < EVENT_STREAMS_MAX; i++)
		event_stream_close(all[i]);
}

/* The slow one is cut at its limit; the other one misses nothing. */
static void
a_slow_reader_is_cut(void **state)
{
	struct event_stream *slow = listen_to(NULL, true);
	struct event_stream *quick = listen_to(NULL, false);
	size_t total = 0, sent = 0;
	char text[1001], buffer[8192];
	struct str got;
	ssize_t n;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	while (event_stream_read(quick, buffer, sizeof(buffer)) > 0)
		;
	while (!event_stream_is_cut(slow)) {
		tell("a", text);
		sent++;
		while ((n = event_stream_read(quick, buffer,
		    sizeof(buffer))) > 0)
			total += (size_t)n;
		assert_in_range(sent, 1, EVENT_BEHIND_MAX / 1000);
	}
	tell("a", "too late");
	assert_in_range(total, EVENT_BEHIND_MAX - 2000,
	    EVENT_BEHIND_MAX + 2000);
	str_init(&got);
	while ((n = event_stream_read(slow, buffer, sizeof(buffer))) > 0)
		str_append_n(&got, buffer, (size_t)n);
	assert_int_equal(n, -1);
	assert_in_range(got.len, EVENT_BEHIND_MAX - 4000,
	    EVENT_BEHIND_MAX + 4000);
	got.p[got.len - 1] = '\0';
	assert_non_null(strstr(strrchr(got.p, '\n'), "\"event\":\"cut\""));
	assert_null(strstr(got.p, "too late"));
	assert_false(event_stream_is_cut(quick));
	str_fini(&got);
	event_stream_close(slow);
	event_stream_close(quick);
}

/* One that reads a little at a time stays, however much goes by. */
static void
a_steady_reader_stays(void **state)
{
	struct event_stream *s = listen_to(NULL, false);
	char text[101], buffer[4096];
	size_t total = 0;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (int i = 0; i < 500; i++)
		tell("a", text);
	while (total < 5 * EVENT_BEHIND_MAX) {
		ssize_t n = event_stream_read(s, buffer, 300);

		assert_in_range(n, 1, 300);
		total += (size_t)n;
		tell("a", text);
	}
	assert_false(event_stream_is_cut(s));
	event_stream_close(s);
}

int
main(void)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(lines_come_in_order),
		TEST(only_what_was_asked_for),
		TEST(refusals),
		TEST(a_slow_reader_is_cut),
		TEST(a_steady_reader_stays),
	};

	log_setup(LOG_ERROR, "test");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
