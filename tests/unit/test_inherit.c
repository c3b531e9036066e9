/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fdio.h"
#include "base/str.h"
#include "manager.h"
#include "supervisor/address.h"
#include "supervisor/inherit.h"
#include "supervisor/listener.h"
#include "supervisor/notify.h"

/* We are the service manager, and hawserd after it was started again. */

#define FIRST_FD	3

static const struct listener_file file = { .mask = 0177 };

struct start {
	struct event_base *base;
	struct manager m;
	struct notify *notify;
	struct inherit *in;
	size_t passed;
	char names[256];
};

static int
set_up(void **state)
{
	struct start *s = mem_alloc(sizeof(*s));
	int spare;

	/* What is opened from here on has numbers above those of sockets. */
	for (int i = 0; i < 8; i++)
		if (fcntl(FIRST_FD + i, F_GETFD) == -1)
			dup2(STDERR_FILENO, FIRST_FD + i);
	spare = fcntl(STDERR_FILENO, F_DUPFD, FIRST_FD + 8);
	assert_true(spare >= FIRST_FD + 8);
	close(spare);
	s->base = event_base_new();
	manager_open(&s->m);
	s->notify = notify_new(s->base);
	*state = s;
	return 0;
}

static int
tear_down(void **state)
{
	struct start *s = *state;

	inherit_free(s->in);
	notify_free(s->notify);
	manager_close(&s->m);
	event_base_free(s->base);
	free(s);
	return 0;
}

/* A socket to be passed. Takes fd. */
static void
pass(struct start *s, int fd, const char *name)
{
	dup2(fd, FIRST_FD + (int)s->passed++);
	close(fd);
	if (s->names[0] != '\0')
		strcat(s->names, ":");
	strcat(s->names, name);
}

static void
start(struct start *s)
{
	char *count = str_dupf("%zu", s->passed);
	char *pid = str_dupf("%ld", (long)getpid());

	setenv("LISTEN_FDS", count, 1);
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDNAMES", s->names, 1);
	s->in = inherit_new();
	inherit_tell(s->in, s->notify);
	assert_null(getenv("LISTEN_FDS"));
	free(count);
	free(pid);
}

static int
listen_at(const char *literal, uint16_t *port)
{
	union address a;
	socklen_t len;
	int fd, on = 1;

	assert_true(address_parse(&a, &len, literal, *port));
	fd = socket(a.any.sa_family, SOCK_STREAM, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	assert_int_equal(bind(fd, &a.any, len), 0);
	assert_int_equal(listen(fd, 8), 0);
	address_of(&a, fd);
	*port = ntohs(a.in.sin_port);
	return fd;
}

static bool
is_refused(uint16_t port)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
	    .sin_port = htons(port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int rc = connect(fd, (struct sockaddr *)&in, sizeof(in));

	close(fd);
	return rc == -1;
}

static struct endpoint
tcp(const char *host, uint16_t port)
{
	return (struct endpoint){ ENDPOINT_TCP, (char *)host, port };
}

static void
open_listener(struct listener *l, struct start *s, const char *host,
    uint16_t port)
{
	struct endpoint at = tcp(host, port);
	struct err err;

	*l = (struct listener){ .inherit = s->in };
	assert_int_equal(listener_open(l, &at, &file, &err), 0);
}

/* The stored name of the next message, which stores or removes. New. */
static char *
next_name(struct start *s, const char *begin)
{
	const char *text = manager_next(&s->m);

	assert_non_null(text);
	assert_int_equal(strncmp(text, begin, strlen(begin)), 0);
	return str_dup(strstr(text, "FDNAME=") + strlen("FDNAME="));
}

static void
skip_without_library(void)
{
#ifndef HAWSER_SYSTEMD
	skip();
#endif
}

static void
a_new_listener_is_stored_until_it_is_closed(void **state)
{
	struct start *s = *state;
	struct listener l;
	uint16_t port = 0;
	int fd = listen_at("127.0.0.1", &port);
	char *stored, *removed;

	skip_without_library();
	close(fd);
	start(s);
	open_listener(&l, s, "127.0.0.1", port);
	stored = next_name(s, "FDSTORE=1\nFDPOLL=0\n");
	assert_true(s->m.fd != -1);
	assert_int_equal(strncmp(stored, "hawser-stored-", 14), 0);
	assert_int_equal(strlen(stored), 14 + 32);
	/* The manager has a copy, but nobody gets through any more. */
	listener_close(&l);
	removed = next_name(s, "FDSTOREREMOVE=1\n");
	assert_string_equal(stored, removed);
	assert_true(is_refused(port));
	/* Nor is the address taken, though the manager is slow. */
	open_listener(&l, s, "127.0.0.1", port);
	assert_false(is_refused(port));
	listener_close(&l);
	free(stored);
	free(removed);
}

static void
what_was_stored_is_taken_up(void **state)
{
	struct start *s = *state;
	struct listener l;
	uint16_t port = 0;
	int fd = listen_at("127.0.0.1", &port);

	skip_without_library();
	pass(s, fd, "hawser-stored-0123");
	start(s);
	open_listener(&l, s, "127.0.0.1", port);
	assert_int_equal(l.fds[0], FIRST_FD);
	assert_true(fcntl(FIRST_FD, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(FIRST_FD, F_GETFL) & O_NONBLOCK);
	assert_false(listener_is_lent(&l));
	inherit_settle(s->in);
	assert_false(is_refused(port));
	assert_null(manager_next(&s->m));
	listener_close(&l);
	free(next_name(s, "FDSTOREREMOVE=1\n"));
	assert_true(is_refused(port));
}

static void
one_family_may_be_missing(void **state)
{
	struct start *s = *state;
	struct listener l;
	uint16_t port = 0;
	int fd = listen_at("::1", &port);

	skip_without_library();
	pass(s, fd, "hawser-stored-0123");
	start(s);
	open_listener(&l, s, NULL, port);
	assert_int_equal(l.count, 2);
	assert_int_equal(l.fds[1], FIRST_FD);
	free(next_name(s, "FDSTORE=1\n"));
	assert_null(manager_next(&s->m));
	listener_close(&l);
}

static void
what_no_forward_wants_is_dropped(void **state)
{
	struct start *s = *state;
	uint16_t port = 0;
	int fd = listen_at("127.0.0.1", &port);

	skip_without_library();
	pass(s, fd, "hawser-stored-0123");
	start(s);
	inherit_settle(s->in);
	free(next_name(s, "FDSTOREREMOVE=1\n"));
	assert_true(is_refused(port));
}

static void
one_that_was_shut_does_not_take_another_along(void **state)
{
	struct start *s = *state;
	struct listener l;
	uint16_t port = 0;
	int fd = listen_at("127.0.0.1", &port);
	char *removed, *stored;

	skip_without_library();
	shutdown(fd, SHUT_RDWR);
	pass(s, fd, "hawser-stored-0123");
	start(s);
	/* By name they are the same: the old one goes before the new comes. */
	open_listener(&l, s, "127.0.0.1", port);
	removed = next_name(s, "FDSTOREREMOVE=1\n");
	stored = next_name(s, "FDSTORE=1\n");
	assert_string_equal(removed, stored);
	inherit_settle(s->in);
	assert_null(manager_next(&s->m));
	assert_false(is_refused(port));
	listener_close(&l);
	free(removed);
	free(stored);
}

static void
a_socket_units_is_never_closed(void **state)
{
	struct start *s = *state;
	struct listener l;
	uint16_t port = 0, other = 0;

	skip_without_library();
	pass(s, listen_at("127.0.0.1", &port), "web");
	pass(s, listen_at("127.0.0.1", &other), "hawserd.socket");
	start(s);
	open_listener(&l, s, "127.0.0.1", port);
	assert_true(listener_is_lent(&l));
	inherit_settle(s->in);
	listener_close(&l);
	assert_false(is_refused(port));
	assert_false(is_refused(other));
	assert_null(manager_next(&s->m));
	open_listener(&l, s, "127.0.0.1", port);
	assert_int_equal(l.fds[0], FIRST_FD);
	listener_close(&l);
	/* One that a worker has shut can't be opened again. */
	shutdown(FIRST_FD, SHUT_RDWR);
	open_listener(&l, s, "127.0.0.1", port);
	assert_int_not_equal(l.fds[0], FIRST_FD);
	assert_false(is_refused(port));
	listener_close(&l);
}

static void
one_socket_may_serve_both_families(void **state)
{
	struct start *s = *state;
	struct listener l;
	uint16_t port = 0;

	skip_without_library();
	pass(s, listen_at("::", &port), "web");
	start(s);
	open_listener(&l, s, "*", port);
	assert_int_equal(l.count, 1);
	assert_int_equal(l.fds[0], FIRST_FD);
	listener_close(&l);
}

static void
at_the_end_all_is_left(void **state)
{
	struct start *s = *state;
	struct listener l;
	uint16_t port = 0;
	int fd = listen_at("127.0.0.1", &port);

	skip_without_library();
	close(fd);
	start(s);
	open_listener(&l, s, "127.0.0.1", port);
	free(next_name(s, "FDSTORE=1\n"));
	inherit_leave(s->in);
	assert_true(inherit_outlives(s->in));
	listener_close(&l);
	assert_null(manager_next(&s->m));
	assert_false(is_refused(port));	/* the manager's copy */
}

static int
connect_unix(const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), rc;

	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	rc = connect(fd, (struct sockaddr *)&un, sizeof(un));
	close(fd);
	return rc;
}

static void
a_unix_socket_keeps_its_file(void **state)
{
	struct start *s = *state;
	char dir[] = "/tmp/hawser-test-XXXXXX";
	char *path = str_dupf("%s/a:b", mkdtemp(dir));
	struct endpoint at = { ENDPOINT_UNIX, path, 0 };
	struct listener l;
	struct err err;
	struct stat st;

	skip_without_library();
	start(s);
	l = (struct listener){ .inherit = s->in };
	assert_int_equal(listener_open(&l, &at, &file, &err), 0);
	free(next_name(s, "FDSTORE=1\n"));
	inherit_leave(s->in);
	listener_close(&l);
	assert_int_equal(connect_unix(path), 0);
	inherit_free(s->in);

	/* The next one has the same socket, and its file is its own. */
	pass(s, dup(s->m.fd), "hawser-stored-0123");
	start(s);
	l = (struct listener){ .inherit = s->in };
	assert_int_equal(listener_open(&l, &at, &file, &err), 0);
	assert_int_equal(l.fds[0], FIRST_FD);
	listener_close(&l);
	assert_int_equal(lstat(path, &st), -1);
	inherit_free(s->in);

	/* A socket whose file is gone is of no use. */
	pass(s, dup(s->m.fd), "hawser-stored-0123");
	s->passed--;
	start(s);
	l = (struct listener){ .inherit = s->in };
	assert_int_equal(listener_open(&l, &at, &file, &err), 0);
	assert_int_equal(connect_unix(path), 0);
	listener_close(&l);
	assert_int_equal(rmdir(dir), 0);
	free(path);
}

#define STARTED(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STARTED(a_new_listener_is_stored_until_it_is_closed),
		STARTED(what_was_stored_is_taken_up),
		STARTED(one_family_may_be_missing),
		STARTED(what_no_forward_wants_is_dropped),
		STARTED(one_that_was_shut_does_not_take_another_along),
		STARTED(a_socket_units_is_never_closed),
		STARTED(one_socket_may_serve_both_families),
		STARTED(at_the_end_all_is_left),
		STARTED(a_unix_socket_keeps_its_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
