/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include <event2/event.h>
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

#include "base/clock.h"
#include "base/fdio.h"
#include "base/str.h"
#include "host_fixture.h"
#include "own_worker.h"
#include "supervisor/notice.h"
#include "supervisor/notify.h"

/* We are the service manager: what is told comes to a socket of ours. */

struct manager {
	struct fixture *f;
	int sock;
	int fd;			/* the last that came; -1: none */
	struct reload *reload;
	struct notify *notify;
};

static int
listen_to(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int n = snprintf(un.sun_path + 1, sizeof(un.sun_path) - 1,
	    "hawser-test-notify-%ld", (long)getpid());
	char *name = str_dupf("@%s", un.sun_path + 1);

	assert_int_equal(bind(fd, (struct sockaddr *)&un,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
	    (size_t)n)), 0);
	setenv("NOTIFY_SOCKET", name, 1);
	free(name);
	return fd;
}

static int
set_up(void **state)
{
	static const struct config_source source = { .dir = "/nonexistent" };
	struct manager *m = mem_alloc(sizeof(*m));

	fixture_set_up(state);
	m->f = *state;
	m->fd = -1;
	m->sock = listen_to();
	m->reload = reload_new(m->f->base, m->f->table, &source,
	    m->f->notices);
	m->notify = notify_new(m->f->base);
	notify_follow(m->notify, m->f->notices, m->f->table, m->reload);
	*state = m;
	return 0;
}

static int
tear_down(void **state)
{
	struct manager *m = *state;
	void *f = m->f;

	notify_free(m->notify);
	reload_free(m->reload);
	fd_close(&m->sock);
	fd_close(&m->fd);
	unsetenv("NOTIFY_SOCKET");
	free(m);
	return fixture_tear_down(&f);
}

/* The next message, borrowed until the next call; NULL: none has come. */
static const char *
next(struct manager *m)
{
	static char text[4096];
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int)) * 4];
	} control;
	struct iovec iov = { text, sizeof(text) - 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
	    .msg_control = &control, .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(m->sock, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n < 0)
		return NULL;
	text[n] = '\0';
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c != NULL;
	    c = CMSG_NXTHDR(&msg, c))
		if (c->cmsg_type == SCM_RIGHTS) {
			fd_close(&m->fd);
			memcpy(&m->fd, CMSG_DATA(c), sizeof(m->fd));
		}
	return text;
}

/* Turns the loop until something is told, 10 s at most. */
static const char *
wait_next(struct manager *m)
{
	int64_t deadline = clock_now_ms() + 10000;
	struct timeval tick = { 0, 20000 };
	const char *text;

	while ((text = next(m)) == NULL && clock_now_ms() < deadline) {
		event_base_loopexit(m->f->base, &tick);
		event_base_loop(m->f->base, EVLOOP_ONCE);
	}
	assert_non_null(text);
	return text;
}

static void
assert_begins(const char *text, const char *with)
{
	if (strncmp(text, with, strlen(with)) != 0)
		fail_msg("\"%s\" doesn't begin with \"%s\"", text, with);
}

static void
skip_without_library(void)
{
#ifndef HAWSER_SYSTEMD
	skip();
#endif
}

static void
ready_comes_with_the_status(void **state)
{
	struct manager *m = *state;
	struct forward l = local(free_port());
	struct host h[] = { HOST("a", "good"), HOST("b", "wrong-key") };

	skip_without_library();
	h[0].forwards = &l;
	h[0].forward_count = 1;
	apply(m->f, h, 2);
	wait_field(m->f, forward_field, "a", "state", "\"up\"");
	wait_state(m->f, "b", "parked");
	assert_null(next(m));	/* not before it is ready */
	notify_ready(m->notify);
	assert_begins(wait_next(m), "READY=1\nSTATUS="
	    "1/1 forwards up, 0 verified, b parked since ");
	assert_null(next(m));
}

static void
the_status_is_told_when_it_changes(void **state)
{
	struct manager *m = *state;
	struct forward l = local(free_port());
	struct host h[] = { HOST("a", "good") };
	int64_t began;
	const char *text;
	unsigned count = 0;

	skip_without_library();
	notify_ready(m->notify);
	assert_string_equal(wait_next(m),
	    "READY=1\nSTATUS=0/0 forwards up, 0 verified");
	began = clock_now_ms();
	h[0].forwards = &l;
	h[0].forward_count = 1;
	apply(m->f, h, 1);
	do {
		text = wait_next(m);
		count++;
	} while (strcmp(text, "STATUS=1/1 forwards up, 0 verified") != 0);
	/* Many changes, one line; not within a second of the one before. */
	assert_true(clock_now_ms() - began >= 900);
	assert_true(count <= 2);
	notices_tell(m->f->notices, (struct notice){ .kind = NOTICE_HOST,
	    .host = "a", .from = "up", .to = "up" });
	notify_stopping(m->notify);
	assert_string_equal(wait_next(m), "STOPPING=1\nSTATUS=stopping");
	apply(m->f, h, 0);
	assert_null(next(m));
}

static void
nothing_is_told_of_what_reads_the_same(void **state)
{
	struct manager *m = *state;
	struct timeval longer = { 1, 200000 };

	skip_without_library();
	notify_ready(m->notify);
	wait_next(m);
	notices_tell(m->f->notices, (struct notice){ .kind = NOTICE_HOST,
	    .host = "a", .from = "up", .to = "up" });
	event_base_loopexit(m->f->base, &longer);
	event_base_dispatch(m->f->base);
	assert_null(next(m));
}

static void
on_refused(void *arg, const struct reload_result *r)
{
	assert_non_null(r->error);
	notify_reloaded(arg);
}

static void
a_refused_reload_is_told(void **state)
{
	struct manager *m = *state;
	const char *text;
	long long before = clock_now_us(), at;

	skip_without_library();
	notify_ready(m->notify);
	wait_next(m);
	notify_reloading(m->notify);
	text = wait_next(m);
	assert_int_equal(sscanf(text, "RELOADING=1\nMONOTONIC_USEC=%lld",
	    &at), 1);
	assert_true(at >= before && at <= clock_now_us());
	reload_start(m->reload, (struct reload_wish){ 0 }, on_refused,
	    m->notify);
	text = wait_next(m);
	assert_begins(text, "READY=1\nSTATUS="
	    "the last reload was refused (");
	assert_null(strchr(text + strlen("READY=1\n"), '\n'));
}

static void
overlapping_reloads_are_one(void **state)
{
	struct manager *m = *state;

	skip_without_library();
	notify_ready(m->notify);
	wait_next(m);
	notify_reloading(m->notify);
	notify_reloading(m->notify);
	notify_reloaded(m->notify);
	assert_begins(wait_next(m), "RELOADING=1\n");
	assert_begins(wait_next(m), "RELOADING=1\n");
	assert_null(next(m));
	notify_reloaded(m->notify);
	assert_begins(wait_next(m), "READY=1\n");
}

static void
the_watchdog_hears_of_the_loop(void **state)
{
	struct manager *m = *state;
	struct notify *other;

	skip_without_library();
	assert_null(next(m));
	setenv("WATCHDOG_USEC", "200000", 1);
	other = notify_new(m->f->base);
	for (int i = 0; i < 3; i++)
		assert_string_equal(wait_next(m), "WATCHDOG=1");
	notify_free(other);
	unsetenv("WATCHDOG_USEC");
}

static void
a_descriptor_is_stored_and_dropped(void **state)
{
	struct manager *m = *state;
	int ends[2], fd;
	struct stat a, b;

	skip_without_library();
	assert_int_equal(pipe(ends), 0);
	notify_store(m->notify, ends[0], "hawser-0123");
	assert_string_equal(wait_next(m),
	    "FDSTORE=1\nFDPOLL=0\nFDNAME=hawser-0123");
	fd = m->fd;
	fstat(fd, &a);
	fstat(ends[0], &b);
	assert_int_equal(a.st_ino, b.st_ino);
	notify_unstore(m->notify, "hawser-0123");
	assert_string_equal(wait_next(m),
	    "FDSTOREREMOVE=1\nFDNAME=hawser-0123");
	close(ends[0]);
	close(ends[1]);
}

static void
nobody_listens(void **state)
{
	struct manager *m = *state;
	struct notify *n;

	unsetenv("NOTIFY_SOCKET");
	n = notify_new(m->f->base);
	assert_false(notify_is_heard(n));
	notify_follow(n, m->f->notices, m->f->table, m->reload);
	notify_ready(n);
	notify_reloading(n);
	notify_reloaded(n);
	notify_store(n, m->sock, "hawser-0123");
	notify_unstore(n, "hawser-0123");
	notify_failed(n, "two\nlines");
	notify_stopping(n);
	notify_free(n);
	assert_null(next(m));
}

#define MANAGED(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		MANAGED(ready_comes_with_the_status),
		MANAGED(the_status_is_told_when_it_changes),
		MANAGED(nothing_is_told_of_what_reads_the_same),
		MANAGED(a_refused_reload_is_told),
		MANAGED(overlapping_reloads_are_one),
		MANAGED(the_watchdog_hears_of_the_loop),
		MANAGED(a_descriptor_is_stored_and_dropped),
		MANAGED(nobody_listens),
	};

	return FIXTURE_MAIN(argc, argv, tests);
}
