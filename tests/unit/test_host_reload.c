/* SPDX-License-Identifier: ISC */
#include <event2/event.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "host_fixture.h"
#include "own_worker.h"

/* What a reload does to hosts that run: this program is its own worker. */

static void
a_reload_touches_what_changed(void **state)
{
	struct fixture *f = *state;
	struct forward r = remote();
	struct host old[] = { HOST("a", "good"), HOST("b", "good"),
	    HOST("c", "good") };
	struct host new_[] = { HOST("d", "good"), HOST("b", "good"),
	    HOST("a", "good") };
	char *pid;

	apply(f, old, 3);
	wait_state(f, "a", "up");
	wait_state(f, "b", "up");
	wait_state(f, "c", "up");
	pid = str_dup(field(f, "a", "pid"));
	new_[1].forwards = &r;
	new_[1].forward_count = 1;
	apply(f, new_, 3);
	assert_null(field(f, "c", "state"));
	assert_string_equal(field(f, "a", "pid"), pid);
	wait_state(f, "d", "up");
	wait_field(f, forward_field, "b", "state", "\"up\"");
	apply(f, old, 3);
	assert_string_equal(field(f, "b", "forwards"), "[]");
	assert_string_equal(field(f, "a", "pid"), pid);
	wait_state(f, "c", "up");
	free(pid);
}

/* The worker counts the interval of its pings when it is told one. */
static void
a_reload_sets_what_is_live(void **state)
{
	struct fixture *f = *state;
	struct forward r = remote();
	struct host old[] = { HOST("a", "good") };
	struct host new_[] = { HOST("a", "good") };
	char *pid;

	old[0].forwards = new_[0].forwards = &r;
	old[0].forward_count = new_[0].forward_count = 1;
	old[0].alive_interval_s = 7;
	new_[0].alive_interval_s = 5;
	apply(f, old, 1);
	wait_field(f, forward_field, "a", "state", "\"up\"");
	pid = str_dup(field(f, "a", "pid"));
	/* What it knows is not told again. */
	apply(f, old, 1);
	apply(f, new_, 1);
	wait_field(f, forward_field, "a", "connections",
	    "{\"open\": 5, \"total\": 5, \"failed\": 5}");
	/* The log's too, though the host is kept. */
	log_set_format(LOG_JSON);
	apply(f, new_, 1);
	log_set_format(LOG_TEXT);
	wait_field(f, forward_field, "a", "connections",
	    "{\"open\": 105, \"total\": 105, \"failed\": 105}");
	assert_string_equal(field(f, "a", "pid"), pid);
	free(pid);
}

/* It was told of other pings while it connected. */
static void
a_reload_while_it_connects_counts(void **state)
{
	struct fixture *f = *state;
	struct forward r = remote();
	struct host old[] = { HOST("a", "good") };
	struct host new_[] = { HOST("a", "good") };

	old[0].forwards = new_[0].forwards = &r;
	old[0].forward_count = new_[0].forward_count = 1;
	new_[0].alive_interval_s = 5;
	apply(f, old, 1);
	wait_state(f, "a", "connecting");
	apply(f, new_, 1);
	wait_field(f, forward_field, "a", "connections",
	    "{\"open\": 5, \"total\": 5, \"failed\": 5}");
}

static void
a_new_link_comes_before_the_old_one_goes(void **state)
{
	struct fixture *f = *state;
	struct forward r = remote();
	struct host old[] = { HOST("a", "good") };
	struct host new_[] = { HOST("a", "good") };
	struct host bad[] = { HOST("a", "refuse") };
	char *pid;

	old[0].forwards = new_[0].forwards = bad[0].forwards = &r;
	old[0].forward_count = new_[0].forward_count = 1;
	bad[0].forward_count = 1;
	new_[0].hostname = (char *)"127.0.0.2";
	apply(f, old, 1);
	wait_field(f, forward_field, "a", "state", "\"up\"");
	pid = str_dup(field(f, "a", "pid"));
	/* One that fails changes nothing. */
	apply(f, bad, 1);
	wait_field(f, field, "a", "state", "\"up\"");
	while (str_equal(field(f, "a", "last_end"), "null"))
		event_base_loop(f->base, EVLOOP_ONCE);
	assert_string_equal(field(f, "a", "state"), "\"up\"");
	assert_string_equal(field(f, "a", "pid"), pid);
	apply(f, new_, 1);
	while (str_equal(field(f, "a", "pid"), pid)) {
		assert_string_equal(field(f, "a", "state"), "\"up\"");
		event_base_loop(f->base, EVLOOP_ONCE);
	}
	assert_string_equal(field(f, "a", "state"), "\"up\"");
	wait_field(f, forward_field, "a", "state", "\"up\"");
	free(pid);
}

/* What the old link never had need not be waited for. */
/* From one host to another, or to another kind: nobody binds, none waits. */
static void
a_listener_moves(void **state)
{
	struct fixture *f = *state;
	uint16_t port = free_port();
	struct forward l = local(port), d = local(port);
	struct host a[] = { HOST("a", "good"), HOST("b", "clings") };
	struct host b[] = { HOST("a", "good"), HOST("b", "clings") };
	struct host removed[] = { HOST("a", "good") };
	struct host none[] = { HOST("a", "good") };

	d.id = (char *)"D:test";
	d.kind = FORWARD_DYNAMIC;
	d.target = (struct endpoint){ 0 };
	a[0].forwards = &l;
	b[1].forwards = &l;
	removed[0].forwards = &d;
	a[0].forward_count = b[1].forward_count = 1;
	removed[0].forward_count = 1;
	apply(f, b, 2);
	wait_state(f, "a", "up");
	wait_field(f, forward_field, "b", "state", "\"up\"");
	apply(f, a, 2);
	assert_string_equal(forward_field(f, "a", "state"), "\"down\"");
	assert_true(accepts(port));
	wait_field(f, forward_field, "a", "state", "\"up\"");
	apply(f, b, 2);
	assert_string_equal(forward_field(f, "b", "state"), "\"down\"");
	wait_field(f, forward_field, "b", "state", "\"up\"");
	/* Of a host that goes altogether. */
	apply(f, removed, 1);
	assert_string_equal(forward_field(f, "a", "state"), "\"down\"");
	wait_field(f, forward_field, "a", "state", "\"up\"");
	assert_string_equal(forward_field(f, "a", "kind"), "\"dynamic\"");
	/* And what nobody takes is closed. */
	apply(f, none, 1);
	assert_string_equal(field(f, "a", "forwards"), "[]");
}

static void
a_new_target_does_not_wait_for_the_old_link(void **state)
{
	struct fixture *f = *state;
	struct forward r = remote();
	struct host old[] = { HOST("a", "narrow") };
	struct host new_[] = { HOST("a", "narrow") };
	int64_t begin;

	new_[0].forwards = &r;
	new_[0].forward_count = 1;
	apply(f, old, 1);
	wait_state(f, "a", "up");
	apply(f, new_, 1);
	wait_field(f, forward_field, "a", "state", "\"down\"");
	begin = clock_now_ms();
	wait_field(f, forward_field, "a", "state", "\"up\"");
	assert_non_null(strstr(field(f, "a", "workers"), "draining"));
	assert_true(clock_now_ms() - begin < 2500);
}

/* What passes on a link that was replaced says nothing of the new one. */
static void
an_old_link_verifies_nothing(void **state)
{
	struct fixture *f = *state;
	struct forward r = remote();
	struct host old[] = { HOST("a", "lingers") };
	struct host new_[] = { HOST("a", "quiet") };
	struct host set[] = { HOST("a", "quiet") };
	struct host *all[] = { old, new_, set };

	for (size_t i = 0; i < 3; i++) {
		all[i]->forwards = &r;
		all[i]->forward_count = 1;
		all[i]->verify_ms = 60000;
	}
	apply(f, old, 1);
	wait_field(f, forward_field, "a", "state", "\"up\"");
	apply(f, new_, 1);
	while (strstr(field(f, "a", "workers"), "draining") == NULL)
		event_base_loop(f->base, EVLOOP_ONCE);
	/* Both are told, and the old one counts bytes then. */
	set[0].alive_interval_s = 7;
	apply(f, set, 1);
	wait_field(f, forward_field, "a", "bytes", "{\"in\": 7, \"out\": 7}");
	assert_string_equal(forward_field(f, "a", "state"), "\"up\"");
	assert_string_equal(forward_field(f, "a", "verified_at"), "null");
}

static bool
is_draining(struct fixture *f)
{
	return strstr(field(f, "a", "workers"), "draining") != NULL;
}

/* The server refuses the new link: the old one listens again, till it may. */
static void
a_move_that_is_refused_goes_back(void **state)
{
	struct fixture *f = *state;
	struct forward r = remote();
	struct host old[] = { HOST("a", "good") };
	struct host bad[] = { HOST("a", "denies") };
	struct host good[] = { HOST("a", "quiet") };
	const char *detail;
	char *pid;

	old[0].forwards = bad[0].forwards = good[0].forwards = &r;
	old[0].forward_count = bad[0].forward_count =
	    good[0].forward_count = 1;
	apply(f, old, 1);
	wait_field(f, forward_field, "a", "state", "\"up\"");
	pid = str_dup(field(f, "a", "pid"));
	apply(f, bad, 1);
	wait_field(f, forward_field, "a", "state", "\"denied\"");
	wait_field(f, forward_field, "a", "state", "\"up\"");
	detail = forward_field(f, "a", "detail");
	assert_non_null(strstr(detail, "the link before still listens"));
	assert_string_equal(field(f, "a", "state"), "\"up\"");
	assert_string_not_equal(field(f, "a", "pid"), pid);
	assert_true(is_draining(f));
	/* An operator has it tried again, and the same comes of it. */
	host_retry(host_table_find(f->table, "a"));
	wait_field(f, forward_field, "a", "state", "\"denied\"");
	wait_field(f, forward_field, "a", "state", "\"up\"");
	assert_true(is_draining(f));
	apply(f, good, 1);
	wait_field(f, forward_field, "a", "detail", "null");
	wait_field(f, forward_field, "a", "state", "\"up\"");
	while (is_draining(f))
		event_base_loop(f->base, EVLOOP_ONCE);
	free(pid);
}

/* It is lost: the new link has to do, refused or not. */
static void
a_link_that_listens_again_may_end(void **state)
{
	struct fixture *f = *state;
	struct forward r = remote();
	struct host old[] = { HOST("a", "good") };
	struct host bad[] = { HOST("a", "denies") };
	long pid;

	old[0].forwards = bad[0].forwards = &r;
	old[0].forward_count = bad[0].forward_count = 1;
	apply(f, old, 1);
	wait_field(f, forward_field, "a", "state", "\"up\"");
	pid = strtol(field(f, "a", "pid"), NULL, 10);
	apply(f, bad, 1);
	wait_field(f, forward_field, "a", "state", "\"denied\"");
	wait_field(f, forward_field, "a", "state", "\"up\"");
	kill((pid_t)pid, SIGKILL);
	wait_field(f, forward_field, "a", "state", "\"denied\"");
	assert_false(is_draining(f));
	assert_string_equal(field(f, "a", "state"), "\"degraded\"");
}

/* The pid of a link that was replaced by new_, and drains for ever. */
static pid_t
replace(struct fixture *f, struct host *old, struct host *new_)
{
	pid_t pid;

	apply(f, old, 1);
	wait_state(f, "a", "up");
	pid = (pid_t)strtol(field(f, "a", "pid"), NULL, 10);
	apply(f, new_, 1);
	while (!is_draining(f))
		event_base_loop(f->base, EVLOOP_ONCE);
	return pid;
}

/* But not when its host goes, or an operator wants it down. */
static void
old_links_end_with_their_host(void **state)
{
	struct fixture *f = *state;
	struct host old[] = { HOST("a", "lingers") };
	struct host new_[] = { HOST("a", "good") };
	struct host other[] = { HOST("b", "good") };
	pid_t pid = replace(f, old, new_);
	int64_t begin = clock_now_ms();

	apply(f, other, 1);
	while (kill(pid, 0) == 0)
		event_base_loop(f->base, EVLOOP_ONCE);
	assert_in_range(clock_now_ms() - begin, 900, 5000);
	pid = replace(f, old, new_);
	host_down(host_table_find(f->table, "a"));
	while (kill(pid, 0) == 0 || is_draining(f))
		event_base_loop(f->base, EVLOOP_ONCE);
}

/* A forward that comes again counts from nothing. */
static void
counters_begin_anew_with_the_forward(void **state)
{
	struct fixture *f = *state;
	struct forward r = remote();
	struct host with[] = { HOST("a", "one-each") };
	struct host without[] = { HOST("a", "one-each") };

	with[0].forwards = &r;
	with[0].forward_count = 1;
	apply(f, with, 1);
	wait_field(f, forward_field, "a", "connections",
	    "{\"open\": 1, \"total\": 1, \"failed\": 1}");
	apply(f, without, 1);
	assert_string_equal(field(f, "a", "forwards"), "[]");
	apply(f, with, 1);
	wait_field(f, forward_field, "a", "connections",
	    "{\"open\": 1, \"total\": 1, \"failed\": 1}");
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(a_reload_touches_what_changed),
		TEST(a_reload_sets_what_is_live),
		TEST(a_reload_while_it_connects_counts),
		TEST(a_new_link_comes_before_the_old_one_goes),
		TEST(a_listener_moves),
		TEST(a_new_target_does_not_wait_for_the_old_link),
		TEST(an_old_link_verifies_nothing),
		TEST(counters_begin_anew_with_the_forward),
		TEST(a_move_that_is_refused_goes_back),
		TEST(a_link_that_listens_again_may_end),
		TEST(old_links_end_with_their_host),
	};

	return FIXTURE_MAIN(argc, argv, tests);
}
