/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/str.h"
#include "supervisor/ledger_watch.h"
#include "wall_clock.h"

/* What is told is written down: one line per record. */
struct fixture {
	struct ledger_watch *watch;
	struct str told;
};

static int64_t now = 1000000;

static int64_t
get_now(void)
{
	return now;
}

static long long
number(const json_t *record, const char *field)
{
	return json_integer_value(json_object_get(record, field));
}

static const char *
word(const json_t *record, const char *field)
{
	return json_string_value(json_object_get(record, field));
}

static void
on_record(void *arg, json_t *record)
{
	struct fixture *f = arg;

	if (str_equal(word(record, "k"), "run")) {
		str_printf(&f->told, "run %lld\n", number(record, "ms"));
		json_decref(record);
		return;
	}
	str_printf(&f->told, "%s %s%s%s %lld %lld", word(record, "k"),
	    word(record, "host"), *word(record, "forward") != '\0' ? "/" : "",
	    word(record, "forward"), number(record, "at"),
	    number(record, "ms"));
	if (str_equal(word(record, "k"), "outage"))
		str_printf(&f->told, " %s%s%s: %s, %lld silent, %lld tries",
		    json_is_true(json_object_get(record, "back")) ? "back " :
		    "", json_is_true(json_object_get(record, "flap")) ?
		    "flap " : "", word(record, "class"), word(record, "text"),
		    number(record, "silent_ms"), number(record, "attempts"));
	str_append(&f->told, "\n");
	json_decref(record);
}

static int
set_up(void **state)
{
	struct fixture *f = mem_alloc(sizeof(*f));

	clock_inject(get_now);
	f->watch = ledger_watch_new(on_record, f);
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	ledger_watch_free(f->watch);
	str_fini(&f->told);
	free(f);
	return 0;
}

static void
told_is(struct fixture *f, const char *expected)
{
	assert_string_equal(f->told.p != NULL ? f->told.p : "", expected);
	str_fini(&f->told);
}

static void
host(struct fixture *f, const char *from, const char *to, unsigned tries)
{
	ledger_watch_hear(f->watch, &(struct notice){ .kind = NOTICE_HOST,
	    .now_ms = now, .host = "vps", .from = from, .to = to,
	    .class_ = "old", .text = "before", .tries = tries });
}

static void
end(struct fixture *f, const char *class_, unsigned tries, int64_t up_ms)
{
	ledger_watch_hear(f->watch, &(struct notice){ .kind = NOTICE_END,
	    .now_ms = now, .host = "vps", .class_ = class_, .text = "why",
	    .tries = tries, .up_ms = up_ms, .silent_ms = up_ms < 0 ? -1 : 9 });
}

static void
forward(struct fixture *f, const char *to, const char *text)
{
	ledger_watch_hear(f->watch, &(struct notice){ .kind = NOTICE_FORWARD,
	    .now_ms = now, .host = "vps", .forward = "R:80", .to = to,
	    .text = text });
}

/* As a host begins: new, wanted, up. */
static void
come_up(struct fixture *f)
{
	host(f, NULL, "disabled", 0);
	host(f, "disabled", "connecting", 0);
	now += 300;
	host(f, "connecting", "up", 1);
	told_is(f, "watch vps 300 -1\n");
}

/* The way up is no outage; a lost link is one; soon after it is a flap. */
static void
test_outage(void **state)
{
	struct fixture *f = *state;

	come_up(f);
	now += 1000;
	end(f, "lost", 1, 1000);
	told_is(f, "outage vps 1300 -1 lost: why, 9 silent, 0 tries\n");
	host(f, "up", "waiting", 0);
	now += 500;
	end(f, "refused", 1, -1);
	end(f, "refused", 2, -1);
	told_is(f, "");
	ledger_watch_refresh(f->watch, false);
	told_is(f, "outage vps 1300 -1 lost: why, 9 silent, 2 tries\n");
	ledger_watch_refresh(f->watch, false);
	told_is(f, "");
	now += 500;
	host(f, "connecting", "up", 3);
	told_is(f, "outage vps 1300 1000 back lost: why, 9 silent, 3 tries\n");
	now += LEDGER_FLAP_MS - 1;
	end(f, "lost", 3, LEDGER_FLAP_MS - 1);
	told_is(f, "outage vps 602299 -1 flap lost: why, 9 silent, 0 tries\n");
	host(f, "waiting", "up", 1);
	told_is(f, "outage vps 602299 0 back flap lost: why, 9 silent, "
	    "1 tries\n");
	now += LEDGER_FLAP_MS;
	end(f, "lost", 3, LEDGER_FLAP_MS);
	told_is(f, "outage vps 1202299 -1 lost: why, 9 silent, 0 tries\n");
}

/* A first attempt that fails: down since it was wanted. */
static void
test_never_up(void **state)
{
	struct fixture *f = *state;

	host(f, NULL, "waiting", 0);
	now += 2000;
	end(f, "auth", 1, -1);
	host(f, "connecting", "parked", 1);
	told_is(f, "watch vps 0 -1\n"
	    "outage vps 0 -1 auth: why, -1 silent, 1 tries\n");
	now += 1000;
	host(f, "parked", "disabled", 1);
	told_is(f, "outage vps 0 3000 auth: why, -1 silent, 1 tries\n"
	    "watch vps 0 3000\n");
	host(f, "disabled", NULL, 0);
	told_is(f, "");
}

/* A state that nothing explains, and a removed host. */
static void
test_unexplained(void **state)
{
	struct fixture *f = *state;

	come_up(f);
	now += 100;
	host(f, "up", "waiting", 0);
	told_is(f, "outage vps 400 -1 old: before, -1 silent, 0 tries\n");
	now += 100;
	host(f, "waiting", NULL, 0);
	told_is(f, "outage vps 400 100 old: before, -1 silent, 0 tries\n"
	    "watch vps 300 200\n");
	ledger_watch_refresh(f->watch, true);
	told_is(f, "");
}

/* A forward's own outages are those that it has while its link is up. */
static void
test_forward(void **state)
{
	struct fixture *f = *state;

	come_up(f);
	forward(f, "down", NULL);
	forward(f, "held", "by another session");
	told_is(f, "watch vps/R:80 300 -1\noutage vps/R:80 300 -1 held: "
	    "by another session, -1 silent, 0 tries\n");
	forward(f, "held", "by somebody else");
	told_is(f, "");
	now += 700;
	forward(f, "verified", NULL);
	told_is(f, "outage vps/R:80 300 700 back held: "
	    "by another session, -1 silent, 0 tries\n");
	end(f, "lost", 1, 700);
	forward(f, "down", NULL);
	told_is(f, "outage vps 1000 -1 lost: why, 9 silent, 0 tries\n");
	/* Its listener is gone: that matters when the link is back. */
	forward(f, "bind-failed", "in use");
	told_is(f, "");
	now += 100;
	host(f, "connecting", "up", 1);
	told_is(f, "outage vps 1000 100 back lost: why, 9 silent, 1 tries\n"
	    "outage vps/R:80 1100 -1 flap bind-failed: in use, -1 silent, "
	    "0 tries\n");
	now += 100;
	end(f, "lost", 1, 100);
	told_is(f, "outage vps 1200 -1 flap lost: why, 9 silent, 0 tries\n"
	    "outage vps/R:80 1100 100 flap bind-failed: in use, -1 silent, "
	    "0 tries\n");
	ledger_watch_refresh(f->watch, true);
	told_is(f, "watch vps 300 -1\n"
	    "outage vps 1200 -1 flap lost: why, 9 silent, 0 tries\n"
	    "watch vps/R:80 300 -1\n");
	forward(f, NULL, NULL);
	told_is(f, "watch vps/R:80 300 900\n");
}

static void
test_run(void **state)
{
	struct fixture *f = *state;
	json_t *run = ledger_watch_run(f->watch);
	long long began = number(run, "began"), id = number(run, "run");

	assert_true(id == ledger_watch_id(f->watch));
	assert_int_equal(number(run, "ms"), 0);
	json_decref(run);
	/* It lasts by the clock that doesn't jump. */
	now += 3600000;
	run = ledger_watch_run(f->watch);
	assert_true(number(run, "run") == id);
	assert_int_equal(number(run, "ms"), 3600000);
	assert_true(llabs(number(run, "began") + 3600000 - began) < 60000);
	began = number(run, "began");
	json_decref(run);
	/* A machine without a clock of its own learns the time. */
	wall_clock_set(30LL * WALL_YEAR);
	now += 1000;
	run = ledger_watch_run(f->watch);
	assert_true(number(run, "run") == id);
	assert_int_equal(number(run, "ms"), 3601000);
	assert_true(llabs(number(run, "began") - 30LL * WALL_YEAR * 1000 -
	    began) < 60000);
	json_decref(run);
	wall_clock_set(0);
}

/* A machine that slept: who knows what was meanwhile. */
static void
test_sleep(void **state)
{
	struct fixture *f = *state;
	long long id = ledger_watch_id(f->watch);

	come_up(f);
	now += 1000;
	end(f, "lost", 1, 1000);
	told_is(f, "outage vps 1300 -1 lost: why, 9 silent, 0 tries\n");
	/* Our clock falls behind the one that counts sleep. */
	now -= 20000;
	json_decref(ledger_watch_run(f->watch));
	assert_true(ledger_watch_id(f->watch) != id);
	told_is(f, "run -18700\nwatch vps 0 -1\n"
	    "outage vps 0 -1 lost: why, 9 silent, 0 tries\n");
}

/* What the first notice after sleep tells was so before the new run began. */
static void
test_early_notice(void **state)
{
	struct fixture *f = *state;

	come_up(f);
	now += 1000;
	end(f, "lost", 1, 1000);
	now -= 20000;
	str_fini(&f->told);
	ledger_watch_hear(f->watch, &(struct notice){ .kind = NOTICE_HOST,
	    .now_ms = now - 1, .host = "vps", .from = "waiting",
	    .to = "disabled" });
	told_is(f, "run -18700\nwatch vps 0 -1\n"
	    "outage vps 0 -1 lost: why, 9 silent, 0 tries\n"
	    "outage vps 0 0 lost: why, 9 silent, 0 tries\n"
	    "watch vps 0 0\n");
}

static void
test_long_sentence(void **state)
{
	struct fixture *f = *state;
	char text[2 * LEDGER_TEXT_MAX];
	size_t dots = 0;

	/* "€" is three bytes: the 100th would end behind the limit. */
	memset(text, '.', sizeof(text));
	for (size_t i = 1; i + 3 < sizeof(text); i += 3)
		memcpy(text + i, "\xe2\x82\xac", 3);
	text[sizeof(text) - 1] = '\0';
	come_up(f);
	forward(f, "denied", text);
	for (const char *p = f->told.p; *p != '\0'; p++)
		dots += (unsigned char)*p == 0xe2;
	assert_int_equal(dots, (LEDGER_TEXT_MAX - 1) / 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_outage, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(test_never_up, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(test_unexplained, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(test_forward, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(test_run, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_sleep, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(test_early_notice, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(test_long_sentence, set_up,
		    tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
