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
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/str.h"
#include "host_fixture.h"
#include "manager.h"
#include "own_worker.h"
#include "supervisor/notice.h"
#include "supervisor/notify.h"

/* We are the service manager: what is told comes to a socket of ours. */

struct told {
	struct fixture *f;
	struct manager m;
	struct reload *reload;
	struct notify *notify;
};

static int
set_up(void **state)
{
	static const struct config_source source = { .dir = "/nonexistent" };
	struct told *t = mem_alloc(sizeof(*t));

	fixture_set_up(state);
	t->f = *state;
	manager_open(&t->m);
	t->reload = reload_new(t->f->base, t->f->table, &source,
	    t->f->notices);
	t->notify = notify_new(t->f->base);
	notify_follow(t->notify, t->f->notices, t->f->table, t->reload);
	*state = t;
	return 0;
}

static int
tear_down(void **state)
{
	struct told *t = *state;
	void *f = t->f;

	notify_free(t->notify);
	reload_free(t->reload);
	manager_close(&t->m);
	free(t);
	return fixture_tear_down(&f);
}

/* Turns the loop until something is told, 10 s at most. */
static const char *
wait_next(struct told *t)
{
	int64_t deadline = clock_now_ms() + 10000;
	struct timeval tick = { 0, 20000 };
	const char *text;

	while ((text = manager_next(&t->m)) == NULL &&
	    clock_now_ms() < deadline) {
		event_base_loopexit(t->f->base, &tick);
		event_base_loop(t->f->base, EVLOOP_ONCE);
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
	struct told *t = *state;
	struct forward l = local(free_port());
	struct host h[] = { HOST("a", "good"), HOST("b", "wrong-key") };

	skip_without_library();
	h[0].forwards = &l;
	h[0].forward_count = 1;
	apply(t->f, h, 2);
	wait_field(t->f, forward_field, "a", "state", "\"up\"");
	wait_state(t->f, "b", "parked");
	assert_null(manager_next(&t->m));	/* not before it is ready */
	notify_ready(t->notify);
	assert_begins(wait_next(t), "READY=1\nSTATUS="
	    "1/1 forwards up, 0 verified, b parked since ");
	assert_null(manager_next(&t->m));
}

static void
the_status_is_told_when_it_changes(void **state)
{
	struct told *t = *state;
	struct forward l = local(free_port());
	struct host h[] = { HOST("a", "good") };
	int64_t began;
	const char *text;
	unsigned count = 0;

	skip_without_library();
	notify_ready(t->notify);
	assert_string_equal(wait_next(t),
	    "READY=1\nSTATUS=0/0 forwards up, 0 verified");
	began = clock_now_ms();
	h[0].forwards = &l;
	h[0].forward_count = 1;
	apply(t->f, h, 1);
	do {
		text = wait_next(t);
		count++;
	} while (strcmp(text, "STATUS=1/1 forwards up, 0 verified") != 0);
	/* Many changes, one line; not within a second of the one before. */
	assert_true(clock_now_ms() - began >= 900);
	assert_true(count <= 2);
	notices_tell(t->f->notices, (struct notice){ .kind = NOTICE_HOST,
	    .host = "a", .from = "up", .to = "up" });
	notify_stopping(t->notify);
	assert_string_equal(wait_next(t), "STOPPING=1\nSTATUS=stopping");
	apply(t->f, h, 0);
	assert_null(manager_next(&t->m));
}

static void
nothing_is_told_of_what_reads_the_same(void **state)
{
	struct told *t = *state;
	struct timeval longer = { 1, 200000 };

	skip_without_library();
	notify_ready(t->notify);
	wait_next(t);
	notices_tell(t->f->notices, (struct notice){ .kind = NOTICE_HOST,
	    .host = "a", .from = "up", .to = "up" });
	event_base_loopexit(t->f->base, &longer);
	event_base_dispatch(t->f->base);
	assert_null(manager_next(&t->m));
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
	struct told *t = *state;
	const char *text;
	long long before = clock_now_us(), at;

	skip_without_library();
	notify_ready(t->notify);
	wait_next(t);
	notify_reloading(t->notify);
	text = wait_next(t);
	assert_int_equal(sscanf(text, "RELOADING=1\nMONOTONIC_USEC=%lld",
	    &at), 1);
	assert_true(at >= before && at <= clock_now_us());
	reload_start(t->reload, (struct reload_wish){ 0 }, on_refused,
	    t->notify);
	text = wait_next(t);
	assert_begins(text, "READY=1\nSTATUS="
	    "the last reload was refused (");
	assert_null(strchr(text + strlen("READY=1\n"), '\n'));
}

static void
overlapping_reloads_are_one(void **state)
{
	struct told *t = *state;

	skip_without_library();
	notify_ready(t->notify);
	wait_next(t);
	notify_reloading(t->notify);
	notify_reloading(t->notify);
	notify_reloaded(t->notify);
	assert_begins(wait_next(t), "RELOADING=1\n");
	assert_begins(wait_next(t), "RELOADING=1\n");
	assert_null(manager_next(&t->m));
	notify_reloaded(t->notify);
	assert_begins(wait_next(t), "READY=1\n");
}

static void
the_watchdog_hears_of_the_loop(void **state)
{
	struct told *t = *state;
	struct notify *other;

	skip_without_library();
	assert_null(manager_next(&t->m));
	setenv("WATCHDOG_USEC", "200000", 1);
	other = notify_new(t->f->base);
	for (int i = 0; i < 3; i++)
		assert_string_equal(wait_next(t), "WATCHDOG=1");
	notify_free(other);
	unsetenv("WATCHDOG_USEC");
}

static void
a_descriptor_is_stored_and_dropped(void **state)
{
	struct told *t = *state;
	int ends[2], fd;
	struct stat a, b;

	skip_without_library();
	assert_int_equal(pipe(ends), 0);
	notify_store(t->notify, ends[0], "hawser-0123");
	assert_string_equal(wait_next(t),
	    "FDSTORE=1\nFDPOLL=0\nFDNAME=hawser-0123");
	fd = t->m.fd;
	fstat(fd, &a);
	fstat(ends[0], &b);
	assert_int_equal(a.st_ino, b.st_ino);
	notify_unstore(t->notify, "hawser-0123");
	assert_string_equal(wait_next(t),
	    "FDSTOREREMOVE=1\nFDNAME=hawser-0123");
	close(ends[0]);
	close(ends[1]);
}

static void
nobody_listens(void **state)
{
	struct told *t = *state;
	struct notify *n;

	unsetenv("NOTIFY_SOCKET");
	n = notify_new(t->f->base);
	assert_false(notify_is_heard(n));
	notify_follow(n, t->f->notices, t->f->table, t->reload);
	notify_ready(n);
	notify_reloading(n);
	notify_reloaded(n);
	notify_store(n, t->m.sock, "hawser-0123");
	notify_unstore(n, "hawser-0123");
	notify_failed(n, "two\nlines");
	notify_stopping(n);
	notify_free(n);
	assert_null(manager_next(&t->m));
}

/* A manager that hears nothing for a while is told all of it in the end. */
#define MANY	700

static void
a_busy_manager_is_not_waited_for(void **state)
{
	struct told *t = *state;
	char name[32];

	skip_without_library();
	alarm(60);	/* instead of waiting for ever */
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "a-%d", i);
		notify_store(t->notify, STDERR_FILENO, name);
	}
	notify_reloading(t->notify);
	notify_stopping(t->notify);
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "FDNAME=a-%d", i);
		assert_string_equal(strstr(wait_next(t), "FDNAME="), name);
		assert_int_not_equal(t->m.fd, -1);
	}
	assert_begins(wait_next(t), "STOPPING=1\n");
	assert_null(manager_next(&t->m));
	alarm(0);
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
		MANAGED(a_busy_manager_is_not_waited_for),
	};

	return FIXTURE_MAIN(argc, argv, tests);
}
