/* SPDX-License-Identifier: ISC */
#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "supervisor/budget.h"
#include "supervisor/guard.h"
#include "supervisor/hooks.h"
#include "supervisor/notice.h"
#include "supervisor/resolver.h"

/*
 * Real commands, of hosts that never run: the test tells their changes. This
 * program is its own guard.
 */

#define HOSTS	20

struct fixture {
	struct event_base *base;
	struct budget *budget;
	struct resolver *resolver;
	struct notices *notices;
	struct host_table *table;
	struct hooks *hooks;
	struct host hosts[2][HOSTS];	/* the model in force, and the last */
	struct config config[2];
	char names[HOSTS][24];
	int generation;
	char dir[32];
	char *out;		/* the file that the hooks write */
};

/* The first count hosts, with this hook, are the model. */
static void
apply(struct fixture *f, size_t count, const char *command)
{
	struct config *old = &f->config[f->generation % 2];
	struct config *new_ = &f->config[(f->generation + 1) % 2];
	struct host *h = f->hosts[(f->generation + 1) % 2];
	struct plan *plan;

	for (size_t i = 0; i < count; i++) {
		snprintf(f->names[i], sizeof(f->names[i]), "h%zu", i);
		free(h[i].on_change);
		h[i] = (struct host){ .name = f->names[i],
		    .hostname = (char *)"localhost", .user = (char *)"me",
		    .port = 22, .agent = (char *)"",
		    .bind_address = (char *)"", .bind_interface = (char *)"",
		    .host_key_alias = (char *)"",
		    .passphrase_command = (char *)"",
		    .takeover = (char *)"", .proxy_command = (char *)"",
		    .on_change = str_dup(command) };
	}
	*new_ = (struct config){ .hosts = h, .host_count = count };
	plan = plan_make(f->generation == 0 ? NULL : old, new_);
	host_table_apply(f->table, plan, new_);
	plan_free(plan);
	f->generation++;
}

static int
set_up(void **state)
{
	struct fixture *f = mem_alloc(sizeof(*f));

	strcpy(f->dir, "/tmp/hawser-test-XXXXXX");
	if (mkdtemp(f->dir) == NULL || chdir(f->dir) == -1)
		return -1;
	f->out = str_dupf("%s/out", f->dir);
	f->base = event_base_new();
	f->budget = budget_new(BUDGET_PLACES);
	f->resolver = resolver_new(f->base);
	f->notices = notices_new();
	f->table = host_table_new(&(struct host_env){ .base = f->base,
	    .budget = f->budget, .resolver = f->resolver,
	    .worker = { "/nowhere", -1, NULL }, .notices = f->notices });
	f->hooks = hooks_new(f->base, f->table, f->notices, 1);
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	hooks_free(f->hooks);
	host_table_free(f->table);
	notices_free(f->notices);
	resolver_free(f->resolver);
	budget_free(f->budget);
	event_base_free(f->base);
	for (size_t i = 0; i < HOSTS; i++) {
		free(f->hosts[0][i].on_change);
		free(f->hosts[1][i].on_change);
	}
	unlink(f->out);
	free(f->out);
	if (chdir("/") == -1 || rmdir(f->dir) == -1)
		return -1;
	free(f);
	return 0;
}

static void
tell(struct fixture *f, const char *host, const char *forward,
    const char *from, const char *to)
{
	notices_tell(f->notices, (struct notice){ .kind = forward != NULL ?
	    NOTICE_FORWARD : NOTICE_HOST, .host = host, .forward = forward,
	    .from = from, .to = to, .class_ = forward != NULL ? NULL :
	    "lost", .text = "it's `gone`; $(touch x) \"\n\033[2J" });
}

/* New: what the hooks have written. */
static char *
written(const struct fixture *f)
{
	FILE *file = fopen(f->out, "r");
	char text[4096] = "";

	if (file != NULL) {
		text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
		fclose(file);
	}
	return str_dup(text);
}

static void
turn(struct fixture *f, int ms)
{
	struct timeval tick = { ms / 1000, ms % 1000 * 1000 };

	event_base_loopexit(f->base, &tick);
	event_base_dispatch(f->base);
}

/* Turns the loop until they have written exactly this. */
static void
wait_written(struct fixture *f, const char *want)
{
	int64_t deadline = clock_now_ms() + 10000;
	char *got;

	while (strcmp(got = written(f), want) != 0) {
		if (clock_now_ms() > deadline)
			fail_msg("\"%s\" is not \"%s\"", got, want);
		free(got);
		turn(f, 10);
	}
	free(got);
}

static void
the_facts_are_in_its_environment(void **state)
{
	struct fixture *f = *state;

	apply(f, 1, "printf '%s|%s|%s|%s|%s|%s|%s|%s|%s' \"$HAWSER_EVENT\" "
	    "\"$HAWSER_HOST\" \"$HAWSER_FORWARD\" \"$HAWSER_FROM\" "
	    "\"$HAWSER_TO\" \"$HAWSER_CLASS\" \"$HAWSER_TEXT\" "
	    "\"${#HAWSER_AT}\" \"$HAWSER_SUPPRESSED\" >out");
	tell(f, "h0", NULL, "up", "waiting");
	wait_written(f, "host|h0||up|waiting|lost|it's `gone`; $(touch x) "
	    "\"??[2J|24|0");
}

static void
one_at_a_time_and_the_last_state_wins(void **state)
{
	struct fixture *f = *state;

	apply(f, 1, "echo \"$HAWSER_FORWARD $HAWSER_FROM $HAWSER_TO "
	    "$HAWSER_SUPPRESSED\" >>out; sleep 0.1");
	tell(f, "h0", NULL, "up", "waiting");
	turn(f, 20);
	tell(f, "h0", "R:1", "up", "down");
	tell(f, "h0", NULL, "waiting", "connecting");
	tell(f, "h0", NULL, "connecting", "waiting");
	tell(f, "h0", NULL, "waiting", "connecting");
	tell(f, "h0", NULL, "connecting", "up");
	tell(f, "h0", "R:1", "down", "up");
	tell(f, "h0", "L:2", "down", "up");
	wait_written(f, " up waiting 0\n"
	    "R:1 up up 1\n waiting up 3\nL:2 down up 0\n");
}

/* Only changes of state count, and only where there is a hook. */
static void
no_change_no_run(void **state)
{
	struct fixture *f = *state;

	apply(f, 1, "echo run >>out");
	tell(f, "h0", NULL, NULL, "disabled");
	tell(f, "h0", "R:1", "held", "held");
	tell(f, "h0", "R:1", "held", NULL);
	tell(f, "other", NULL, "up", "waiting");
	notices_tell(f->notices, (struct notice){ .kind = NOTICE_END,
	    .host = "h0", .class_ = "lost" });
	notices_tell(f->notices, (struct notice){ .kind = NOTICE_RELOAD,
	    .to = "applied" });
	turn(f, 100);
	wait_written(f, "");
}

static void
who_hangs_is_killed(void **state)
{
	struct fixture *f = *state;
	int64_t begin = clock_now_ms();
	int status;
	char *pid;

	apply(f, 1, "test $HAWSER_TO = up || { echo $$ >out; sleep 1000; }; "
	    "test $HAWSER_TO != up || rm out");
	tell(f, "h0", NULL, "up", "waiting");
	while (strchr(pid = written(f), '\n') == NULL) {
		free(pid);
		turn(f, 10);
	}
	tell(f, "h0", NULL, "waiting", "up");
	wait_written(f, "");
	assert_true(clock_now_ms() - begin >= 900);
	/* Its guard is gone, too, so that it comes to us, dead. */
	assert_int_equal(waitpid(atoi(pid), &status, 0), atoi(pid));
	assert_true(WIFSIGNALED(status));
	free(pid);
}

static void
there_is_a_cap(void **state)
{
	struct fixture *f = *state;
	int most = 0, now = 0, ends = 0;
	char *got;

	apply(f, HOSTS, "echo b >>out; sleep 0.1; echo e >>out");
	for (int i = 0; i < HOSTS; i++)
		tell(f, f->names[i], NULL, "waiting", "up");
	do {
		turn(f, 50);
		got = written(f);
		now = ends = 0;
		for (const char *p = got; *p != '\0'; p++) {
			now += *p == 'b' ? 1 : *p == 'e' ? -1 : 0;
			ends += *p == 'e' ? 1 : 0;
			most = now > most ? now : most;
		}
		free(got);
	} while (ends < HOSTS);
	assert_in_range(most, 2, HOOKS_RUNNING_MAX);
	assert_int_equal(now, 0);
}

static void
a_reload_changes_it(void **state)
{
	struct fixture *f = *state;

	apply(f, 2, "echo old $HAWSER_HOST $HAWSER_TO >>out; sleep 0.1");
	tell(f, "h0", NULL, "waiting", "connecting");
	turn(f, 20);
	tell(f, "h0", NULL, "connecting", "up");
	apply(f, 2, "echo new $HAWSER_HOST $HAWSER_TO >>out");
	wait_written(f, "old h0 connecting\nnew h0 up\n");
	/* What is left to say of a host that is removed is said. */
	tell(f, "h1", NULL, "up", "disabled");
	apply(f, 1, "");
	wait_written(f, "old h0 connecting\nnew h0 up\nnew h1 disabled\n");
	tell(f, "h0", NULL, "up", "waiting");
	tell(f, "h1", NULL, "up", "waiting");
	turn(f, 100);
	wait_written(f, "old h0 connecting\nnew h0 up\nnew h1 disabled\n");
}

static void
a_stop_starts_none(void **state)
{
	struct fixture *f = *state;

	apply(f, 1, "echo $HAWSER_TO >>out; sleep 0.1");
	tell(f, "h0", NULL, "waiting", "up");
	turn(f, 20);
	tell(f, "h0", NULL, "up", "waiting");
	hooks_stop(f->hooks);
	tell(f, "h0", NULL, "waiting", "disabled");
	turn(f, 300);
	wait_written(f, "up\n");
}

int
main(int argc, char **argv)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(the_facts_are_in_its_environment),
		TEST(one_at_a_time_and_the_last_state_wins),
		TEST(no_change_no_run),
		TEST(who_hangs_is_killed),
		TEST(there_is_a_cap),
		TEST(a_reload_changes_it),
		TEST(a_stop_starts_none),
	};

	if (argc == 3 && strcmp(argv[1], GUARD_OPTION) == 0)
		return guard_main(argv[2]);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	log_setup(LOG_ERROR, "test");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
