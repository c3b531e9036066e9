/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "supervisor/api.h"
#include "supervisor/budget.h"
#include "supervisor/guests.h"
#include "supervisor/notice.h"
#include "supervisor/resolver.h"

/* The API with an empty table, spoken to byte by byte. */

struct fixture {
	struct event_base *base;
	struct budget *budget;
	struct resolver *resolver;
	struct notices *notices;
	struct host_table *table;
	struct reload *reload;
	struct event_streams *events;
	struct routes_env env;
	struct api *api;
	char dir[32];
	char *path;
};

static int
listen_at(const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0);

	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	assert_int_equal(listen(fd, 128), 0);
	assert_int_equal(chmod(path, 0666), 0);
	return fd;
}

static int
set_up(void **state)
{
	struct fixture *f = mem_alloc(sizeof(*f));
	struct err err;

	strcpy(f->dir, "/tmp/hawser-test-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	assert_int_equal(chmod(f->dir, 0755), 0);
	f->path = str_dupf("%s/s", f->dir);
	f->base = event_base_new();
	f->budget = budget_new(BUDGET_PLACES);
	f->resolver = resolver_new(f->base);
	f->notices = notices_new();
	f->table = host_table_new(&(struct host_env){ .base = f->base,
	    .budget = f->budget, .resolver = f->resolver,
	    .worker = { "/nowhere", -1, NULL }, .notices = f->notices });
	f->reload = reload_new(f->base, f->table,
	    &(struct config_source){ .dir = "/nowhere" }, NULL);
	f->events = event_streams_new(f->notices, f->table, f->reload);
	f->env = (struct routes_env){ f->table, f->reload, f->events, NULL };
	f->api = api_new(f->base, listen_at(f->path), &f->env, &err);
	assert_non_null(f->api);
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	api_free(f->api);
	event_streams_free(f->events);
	host_table_free(f->table);
	reload_free(f->reload);
	notices_free(f->notices);
	resolver_free(f->resolver);
	budget_free(f->budget);
	event_base_free(f->base);
	unlink(f->path);
	rmdir(f->dir);
	free(f->path);
	free(f);
	return 0;
}

static int
connect_to(const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0);

	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	assert_int_equal(connect(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	return fd;
}

/*
 * Turns the loop until what was read holds the needle (NULL: until the end of
 * the stream). False if the stream ended before. 20 s at most.
 */
static bool
read_until(struct fixture *f, int fd, struct str *got, const char *needle)
{
	int64_t deadline = clock_now_ms() + 20000;
	struct timeval tick = { 0, 20000 };
	char chunk[4096];

	for (;;) {
		ssize_t n = recv(fd, chunk, sizeof(chunk), 0);

		if (n > 0)
			str_append_n(got, chunk, (size_t)n);
		else if (n == 0 || errno != EAGAIN)
			return needle == NULL;
		if (needle != NULL && got->p != NULL &&
		    strstr(got->p, needle) != NULL)
			return true;
		assert_true(clock_now_ms() < deadline);
		event_base_loopexit(f->base, &tick);
		event_base_loop(f->base, EVLOOP_ONCE);
	}
}

static void
put(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL),
	    strlen(text));
}

static void
requests_in_a_row(void **state)
{
	struct fixture *f = *state;
	int fd = connect_to(f->path);
	struct str got;

	str_init(&got);
	put(fd, "GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_true(read_until(f, fd, &got, "\"hosts\":[]}"));
	assert_non_null(strstr(got.p, "200 OK"));
	assert_non_null(strstr(got.p, "application/json"));
	str_fini(&got);
	put(fd, "GET /no%20where HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_true(read_until(f, fd, &got, "\"no such path\""));
	assert_non_null(strstr(got.p, " 404 "));
	str_fini(&got);
	put(fd, "DELETE /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_true(read_until(f, fd, &got, "no such method"));
	assert_non_null(strstr(got.p, " 405 "));
	assert_non_null(strstr(got.p, "Allow: GET"));
	str_fini(&got);
	close(fd);
}

static void
byte_by_byte(void **state)
{
	static const char request[] = "GET /healthz HTTP/1.0\r\n\r\n";
	struct fixture *f = *state;
	int fd = connect_to(f->path);
	struct str got;

	str_init(&got);
	for (const char *p = request; *p != '\0'; p++) {
		assert_int_equal(send(fd, p, 1, MSG_NOSIGNAL), 1);
		event_base_loop(f->base, EVLOOP_NONBLOCK);
	}
	assert_true(read_until(f, fd, &got, "{\"ok\":true}"));
	str_fini(&got);
	close(fd);
}

static void
a_reload_answers_when_it_is_done(void **state)
{
	struct fixture *f = *state;
	int a = connect_to(f->path), b = connect_to(f->path);
	struct str got;

	str_init(&got);
	put(a, "POST /v1/reload HTTP/1.1\r\nHost: x\r\n"
	    "Content-Length: 0\r\n\r\n");
	put(b, "POST /v1/reload HTTP/1.1\r\nHost: x\r\n"
	    "Content-Length: 2\r\n\r\n{}");
	assert_true(read_until(f, a, &got, "/nowhere"));
	assert_non_null(strstr(got.p, " 422 "));
	assert_non_null(strstr(got.p, "\"ok\":false"));
	str_fini(&got);
	assert_true(read_until(f, b, &got, "/nowhere"));
	str_fini(&got);
	close(a);
	close(b);
}

static void
who_leaves_during_a_reload(void **state)
{
	struct fixture *f = *state;
	int fd = connect_to(f->path);
	struct str got;

	str_init(&got);
	put(fd, "POST /v1/reload HTTP/1.1\r\nHost: x\r\n"
	    "Content-Length: 0\r\n\r\n");
	event_base_loop(f->base, EVLOOP_ONCE);
	close(fd);
	fd = connect_to(f->path);
	put(fd, "POST /v1/reload HTTP/1.1\r\nHost: x\r\n"
	    "Content-Length: 0\r\n\r\n");
	assert_true(read_until(f, fd, &got, "/nowhere"));
	str_fini(&got);
	/* And one that still waits when the API goes. */
	put(fd, "POST /v1/reload HTTP/1.1\r\nHost: x\r\n"
	    "Content-Length: 0\r\n\r\n");
	event_base_loop(f->base, EVLOOP_ONCE);
	close(fd);
}

static void
a_long_body_is_refused(void **state)
{
	struct fixture *f = *state;
	int fd = connect_to(f->path);
	struct str got;
	char chunk[1034];

	str_init(&got);
	put(fd, "POST /v1/reload HTTP/1.1\r\nHost: x\r\n"
	    "Content-Length: 10000000\r\n\r\n");
	assert_true(read_until(f, fd, &got, " 413 "));
	str_fini(&got);
	close(fd);
	/* One that does not say how long it is, is cut. */
	fd = connect_to(f->path);
	put(fd, "POST /v1/reload HTTP/1.1\r\nHost: x\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n");
	snprintf(chunk, sizeof(chunk), "400\r\n%01024d\r\n", 0);
	for (int i = 0; i < 100; i++) {
		if (send(fd, chunk, 1031, MSG_NOSIGNAL) == -1)
			break;
		event_base_loop(f->base, EVLOOP_NONBLOCK);
	}
	assert_true(read_until(f, fd, &got, NULL));
	assert_true(got.p == NULL || strstr(got.p, "200 OK") == NULL);
	str_fini(&got);
	close(fd);
}

/* Connects and is told the first line of a stream of events. */
static int
open_stream(struct fixture *f)
{
	int fd = connect_to(f->path);
	struct str got;

	str_init(&got);
	put(fd, "GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_true(read_until(f, fd, &got, "\"hello\""));
	assert_non_null(strstr(got.p, "200 OK"));
	str_fini(&got);
	return fd;
}

static void
tell(struct fixture *f, const char *text)
{
	notices_tell(f->notices, (struct notice){ .kind = NOTICE_RELOAD,
	    .to = "refused", .text = text });
}

/* Tells the listeners more than they may be behind. */
static void
flood(struct fixture *f)
{
	char text[1001];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (int i = 0; i < 2000; i++) {
		tell(f, text);
		event_base_loop(f->base, EVLOOP_NONBLOCK);
	}
}

/* Turns the loop for so long. */
static void
turn(struct fixture *f, int ms)
{
	struct timeval tick = { ms / 1000, ms % 1000 * 1000 };

	event_base_loopexit(f->base, &tick);
	event_base_dispatch(f->base);
}

static bool
is_closed(int fd)
{
	char chunk[4096];
	ssize_t n;

	do
		n = recv(fd, chunk, sizeof(chunk), 0);
	while (n > 0);
	return n == 0 || errno != EAGAIN;
}

/*
 * Who says nothing, who says a byte now and then, who was answered once, who
 * listens and does not read; but not who listens and has nothing to read.
 */
static void
the_slow_are_cut(void **state)
{
	struct fixture *f = *state;
	int fds[] = { connect_to(f->path), connect_to(f->path),
	    connect_to(f->path) };
	int sleeper = open_stream(f), listener;
	struct pollfd end = { .fd = sleeper };
	int64_t begin;
	struct str got;

	flood(f);
	listener = open_stream(f);
	begin = clock_now_ms();
	str_init(&got);
	put(fds[0], "GET /v1/sta");
	put(fds[1], "GET /v1/status HTTP/1.1\r\nHost: ");
	put(fds[2], "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_true(read_until(f, fds[2], &got, "{\"ok\":true}"));
	while (!is_closed(fds[0]) || !is_closed(fds[1]) ||
	    !is_closed(fds[2])) {
		assert_true(clock_now_ms() - begin <
		    (GUESTS_REQUEST_S + 8) * 1000);
		send(fds[1], "x", 1, MSG_NOSIGNAL);
		turn(f, 200);
	}
	assert_true(clock_now_ms() - begin >= GUESTS_REQUEST_S * 1000 - 500);
	str_fini(&got);
	for (int i = 0; i < 3; i++)
		close(fds[i]);
	while (poll(&end, 1, 0) == 0) {
		assert_true(clock_now_ms() - begin <
		    (GUESTS_REQUEST_S + 8) * 1000);
		turn(f, 200);
	}
	assert_true(end.revents & POLLHUP);
	close(sleeper);
	tell(f, "because");
	assert_true(read_until(f, listener, &got, "\"because\""));
	str_fini(&got);
	close(listener);
}

/* Also one that is told nothing makes room for others when it leaves. */
static void
listeners_come_and_go(void **state)
{
	struct fixture *f = *state;
	int fds[EVENT_STREAMS_MAX], fd;
	struct str got;

	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < EVENT_STREAMS_MAX; i++)
			fds[i] = open_stream(f);
		str_init(&got);
		fd = connect_to(f->path);
		put(fd, "GET /v1/events HTTP/1.0\r\n\r\n");
		assert_true(read_until(f, fd, &got, " 503 "));
		str_fini(&got);
		close(fd);
		for (size_t i = 0; i < EVENT_STREAMS_MAX; i++)
			close(fds[i]);
		for (size_t i = 0; i < EVENT_STREAMS_MAX; i++)
			event_base_loop(f->base, EVLOOP_NONBLOCK);
	}
	fd = connect_to(f->path);
	put(fd, "HEAD /v1/events HTTP/1.0\r\n\r\n");
	assert_true(read_until(f, fd, &got, NULL));
	assert_null(strstr(got.p, "hello"));
	str_fini(&got);
	close(fd);
	fd = open_stream(f);
	flood(f);
	assert_true(read_until(f, fd, &got, "\"cut\""));
	close(fd);
	str_fini(&got);
	fd = open_stream(f);	/* when the API goes, it gets its end */
	api_free(f->api);
	f->api = NULL;
	assert_true(read_until(f, fd, &got, NULL));
	str_fini(&got);
	close(fd);
}

/* The oldest go; who asks at once is answered, also among the slow. */
static void
a_flood_is_capped(void **state)
{
	struct fixture *f = *state;
	int fds[GUESTS_MAX + 16], closed = 0, fd;
	struct str got;

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		fds[i] = connect_to(f->path);
		put(fds[i], "GET /");
		event_base_loop(f->base, EVLOOP_NONBLOCK);
	}
	fd = connect_to(f->path);
	put(fd, "GET /healthz HTTP/1.0\r\n\r\n");
	str_init(&got);
	assert_true(read_until(f, fd, &got, "200 OK"));
	str_fini(&got);
	close(fd);
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		bool is = is_closed(fds[i]);

		assert_true(is || i >= 16);
		closed += is ? 1 : 0;
		close(fds[i]);
	}
	assert_in_range(closed, 16, 18);
}

/* Those that wait for us are not in the way of others, nor cut. */
static void
who_waits_is_not_cut(void **state)
{
	struct fixture *f = *state;
	int waits = connect_to(f->path), fds[GUESTS_MAX];
	struct str got;

	str_init(&got);
	put(waits, "POST /v1/reload HTTP/1.1\r\nHost: x\r\n"
	    "Content-Length: 0\r\n\r\n");
	event_base_loop(f->base, EVLOOP_ONCE);
	event_base_loop(f->base, EVLOOP_NONBLOCK);
	for (size_t i = 0; i < GUESTS_MAX; i++) {
		fds[i] = connect_to(f->path);
		event_base_loop(f->base, EVLOOP_NONBLOCK);
	}
	assert_true(read_until(f, waits, &got, "/nowhere"));
	str_fini(&got);
	for (size_t i = 0; i < GUESTS_MAX; i++)
		close(fds[i]);
	close(waits);
}

/* Neither does the loop spin, nor is anything lost. */
static void
out_of_descriptors(void **state)
{
	struct fixture *f = *state;
	int fd = connect_to(f->path), turns = 0;
	int64_t begin = clock_now_ms();
	struct rlimit old, none = { 0 };
	struct str got;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	none.rlim_max = old.rlim_max;
	put(fd, "GET /healthz HTTP/1.0\r\n\r\n");
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	while (clock_now_ms() - begin < 300 && turns < 1000) {
		struct timeval tick = { 0, 50000 };

		event_base_loopexit(f->base, &tick);
		event_base_loop(f->base, EVLOOP_ONCE);
		turns++;
	}
	assert_true(turns < 20);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	str_init(&got);
	assert_true(read_until(f, fd, &got, "200 OK"));
	str_fini(&got);
	close(fd);
}

/*
 * Connects as nobody with these two groups: 0 if it was hung up on without a
 * byte, 1 if it was answered.
 */
static int
be_a_stranger(const char *path, gid_t first, gid_t other)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	char byte;

	if (setgroups(1, &other) == -1 || setgid(first) == -1 ||
	    setuid(65534) == -1)
		return 2;
	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	if (connect(fd, (struct sockaddr *)&un, sizeof(un)) == -1)
		return 3;
	send(fd, "GET /healthz HTTP/1.0\r\n\r\n", 25, MSG_NOSIGNAL);
	return recv(fd, &byte, 1, 0) > 0 ? 1 : 0;
}

static int
try_as_stranger(struct fixture *f, gid_t first, gid_t other)
{
	int status;
	pid_t pid;

	if ((pid = fork()) == 0)
		_exit(be_a_stranger(f->path, first, other));
	while (waitpid(pid, &status, WNOHANG) == 0) {
		struct timeval tick = { 0, 20000 };

		event_base_loopexit(f->base, &tick);
		event_base_loop(f->base, EVLOOP_ONCE);
	}
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
strangers_are_turned_away(void **state)
{
	struct fixture *f = *state;

	if (geteuid() != 0)
		skip();
	assert_int_equal(try_as_stranger(f, 0, 0), 0);
}

static void
members_of_the_group_are_not(void **state)
{
	struct fixture *f = *state;
	gid_t group = 4242;

	if (geteuid() != 0)
		skip();
	api_set_group(f->api, &group);
	assert_int_equal(try_as_stranger(f, 65534, 4242), 1);
	assert_int_equal(try_as_stranger(f, 4242, 65534), 1);
	assert_int_equal(try_as_stranger(f, 65534, 4243), 0);
	api_set_group(f->api, NULL);
	assert_int_equal(try_as_stranger(f, 65534, 4242), 0);
	assert_int_equal(try_as_stranger(f, 0, 0), 0);
}

int
main(void)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(requests_in_a_row),
		TEST(byte_by_byte),
		TEST(a_reload_answers_when_it_is_done),
		TEST(who_leaves_during_a_reload),
		TEST(a_long_body_is_refused),
		TEST(the_slow_are_cut),
		TEST(listeners_come_and_go),
		TEST(a_flood_is_capped),
		TEST(who_waits_is_not_cut),
		TEST(out_of_descriptors),
		TEST(strangers_are_turned_away),
		TEST(members_of_the_group_are_not),
	};

	signal(SIGPIPE, SIG_IGN);
	log_setup(LOG_ERROR, "test");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
