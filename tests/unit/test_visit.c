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

#include "base/fdio.h"
#include "base/log.h"
#include "base/str.h"
#include "worker/report.h"
#include "worker/visit.h"

static struct loop loop;
static struct tunnel *tunnel;
static int theirs, ours;

static int
set_up(void **state)
{
	static char id[] = "R:8080", host[] = "localhost";
	struct forward f = { .id = id, .kind = FORWARD_REMOTE,
	    .target = { ENDPOINT_TCP, host, 80 } };
	int pair[2];

	(void)state;
	assert_int_equal(loop_init(&loop, NULL), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	ours = pair[0];
	theirs = pair[1];
	fd_set_nonblock(theirs, 1);
	loop.report = report_new(ours);
	report_start(loop.report, loop.base);
	loop.visits = visits_new(&loop);
	tunnel = tunnel_new(&loop, &f);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	tunnel_unref(tunnel);
	visits_free(loop.visits);
	loop.visits = NULL;
	report_free(loop.report);
	loop_fini(&loop);
	close(ours);
	close(theirs);
	return 0;
}

static struct visit *
come(const char *originator, uint16_t port)
{
	return visit_new(tunnel, originator, port,
	    &tunnel_forward(tunnel)->target);
}

/* New: what was told next, without its number; "" for nothing. */
static char *
told(void)
{
	struct message m;
	char *text;

	if (message_recv(theirs, FROM_WORKER, &m, NULL) != 1)
		return str_dup("");
	json_object_del(m.body, "m");
	json_object_del(m.body, "ms");
	text = json_dumps(m.body, JSON_COMPACT | JSON_SORT_KEYS);
	message_fini(&m);
	return text;
}

static void
expect(const char *fact)
{
	char *text = told();

	assert_string_equal(text, fact);
	free(text);
}

static void
nobody_listens(void **state)
{
	struct visit *v;

	(void)state;
	assert_null(come("192.0.2.1", 4242));
	visit_opened(NULL);
	visit_failed(NULL, "why");
	visit_count(NULL, 1, 1);
	visit_free(NULL);
	expect("");
	/* Nor any more, after it came. */
	visits_watch(loop.visits, true);
	v = come("192.0.2.1", 4242);
	visits_watch(loop.visits, false);
	visit_opened(v);
	visit_free(v);
	expect("");
}

static void
a_life(void **state)
{
	struct visit *v;

	(void)state;
	visits_watch(loop.visits, true);
	v = come("192.0.2.1", 4242);
	expect("");
	visit_opened(v);
	visit_opened(v);
	visit_failed(v, "too late for that");
	expect("{\"id\":\"R:8080\",\"no\":1,\"originator\":\"192.0.2.1:4242\","
	    "\"state\":\"open\",\"target\":\"localhost:80\"}");
	visit_count(v, 1, 20);
	visit_count(v, 2, 0);
	visit_free(v);
	expect("{\"id\":\"R:8080\",\"in\":3,\"no\":1,"
	    "\"originator\":\"192.0.2.1:4242\",\"out\":20,"
	    "\"state\":\"closed\",\"target\":\"localhost:80\"}");
	expect("");
}

/* IPv6, no address, no target yet; and what peers may call themselves. */
static void
who_and_where(void **state)
{
	struct endpoint where = { ENDPOINT_TCP, (char *)"a\xff\n", 1 };
	struct visit *v;

	(void)state;
	visits_watch(loop.visits, true);
	v = come("2001:db8::1", 1);
	visit_failed(v, "localhost:80 refused\n\xff");
	visit_free(v);
	expect("{\"id\":\"R:8080\",\"no\":1,"
	    "\"originator\":\"[2001:db8::1]:1\",\"state\":\"failed\","
	    "\"target\":\"localhost:80\","
	    "\"text\":\"localhost:80 refused??\"}");
	v = visit_new(tunnel, "", 0, NULL);
	visit_free(v);
	expect("{\"id\":\"R:8080\",\"no\":2,\"state\":\"failed\","
	    "\"text\":\"it ended before it was connected\"}");
	v = visit_new(tunnel, "\xff", 7, NULL);
	visit_set_target(v, &where);
	visit_opened(v);
	expect("{\"id\":\"R:8080\",\"no\":3,\"originator\":\"?:7\","
	    "\"state\":\"open\",\"target\":\"a??:1\"}");
	visit_free(v);
}

static void
a_muted_tunnel_has_none(void **state)
{
	(void)state;
	visits_watch(loop.visits, true);
	tunnel_mute(tunnel);
	assert_null(come("192.0.2.1", 4242));
}

/* What isn't read is left out and counted, and nothing else suffers. */
static void
too_much_happens(void **state)
{
	int count = 20000, seen = 0;
	char *text, *lost;

	(void)state;
	visits_watch(loop.visits, true);
	for (int i = 0; i < count; i++) {
		struct visit *v = come("192.0.2.1", 4242);

		visit_opened(v);
		visit_free(v);
	}
	tunnel_state(tunnel, FORWARD_UP, 0, NULL);
	for (;;) {
		text = told();
		if (strstr(text, "\"count\"") != NULL)
			break;
		seen += strstr(text, "\"no\"") != NULL;
		if (*text == '\0')
			event_base_loop(loop.base, EVLOOP_ONCE);
		free(text);
	}
	lost = str_dupf("{\"count\":%d}", 2 * count - seen);
	assert_string_equal(text, lost);
	assert_in_range(seen, 200, 2 * count - 1);
	free(lost);
	free(text);
}

int
main(void)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(nobody_listens),
		TEST(a_life),
		TEST(who_and_where),
		TEST(a_muted_tunnel_has_none),
		TEST(too_much_happens),
	};

	log_setup(LOG_ERROR, "test");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
