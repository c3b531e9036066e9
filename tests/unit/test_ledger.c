/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include <event2/event.h>
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
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/places.h"
#include "base/str.h"
#include "supervisor/ledger.h"
#include "supervisor/notice.h"
#include "wall_clock.h"
#include "only_child.h"

/* This program is its own ledger child. */

struct fixture {
	char dir[64], path[96];
	struct event_base *base;
	struct notices *notices;
	struct ledger *ledger;
	int answers;
	json_t *history;		/* the last answer; NULL: an error */
	char error[512];
};

/* The clock, which runs ahead: each step of a test takes its time. */
static int64_t ahead;

static int64_t
get_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000 + ahead;
}

static int
set_up(void **state)
{
	struct fixture *f = mem_alloc(sizeof(*f));

	snprintf(f->dir, sizeof(f->dir), "/tmp/hawser-ledger-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/ledger.sqlite", f->dir);
	f->base = event_base_new();
	f->notices = notices_new();
	f->ledger = ledger_new(f->base, f->notices, f->path);
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	static const char *const tails[] = { "", "-wal", "-shm" };
	struct fixture *f = *state;

	ledger_free(f->ledger);
	notices_free(f->notices);
	event_base_free(f->base);
	json_decref(f->history);
	for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		char *path = str_dupf("%s%s", f->path, tails[i]);

		unlink(path);
		free(path);
	}
	rmdir(f->dir);
	free(f);
	return 0;
}

static void
on_answer(void *arg, json_t *history, const char *error)
{
	struct fixture *f = arg;

	f->answers++;
	json_decref(f->history);
	f->history = json_incref(history);
	snprintf(f->error, sizeof(f->error), "%s", error != NULL ? error : "");
}

/* Asks, and waits for the answer. */
static void
ask(struct fixture *f)
{
	int64_t deadline = clock_now_ms() + 30000;
	int before = f->answers;

	ledger_ask(f->ledger, &(struct ledger_question){
	    .limit = LEDGER_LIMIT_MAX }, on_answer, f);
	while (f->answers == before) {
		assert_true(clock_now_ms() < deadline);
		event_base_loop(f->base, EVLOOP_ONCE);
	}
}

static size_t
count(const struct fixture *f, const char *array)
{
	if (f->history == NULL)
		fail_msg("%s", f->error);
	return json_array_size(json_object_get(f->history, array));
}

static void
tell(struct fixture *f, enum notice_kind kind, const char *host,
    const char *to)
{
	ahead += 10;
	notices_tell(f->notices, (struct notice){ .kind = kind, .host = host,
	    .to = to, .class_ = kind == NOTICE_END ? "lost" : NULL,
	    .text = "why", .up_ms = 1, .silent_ms = 7 });
}

/* A host that was lost, and is back. */
static void
lose(struct fixture *f, const char *host)
{
	tell(f, NOTICE_HOST, host, "up");
	tell(f, NOTICE_END, host, NULL);
	tell(f, NOTICE_HOST, host, "waiting");
	tell(f, NOTICE_HOST, host, "up");
}

static void
test_store(void **state)
{
	struct fixture *f = *state;
	json_t *outage;

	assert_int_equal(only_child(), 0);
	lose(f, "vps");
	ask(f);
	assert_int_equal(count(f, "outages"), 1);
	assert_int_equal(count(f, "summary"), 1);
	outage = json_array_get(json_object_get(f->history, "outages"), 0);
	assert_string_equal(json_string_value(json_object_get(outage,
	    "state")), "over");
	assert_int_equal(json_integer_value(json_object_get(outage,
	    "detection_ms")), 7);
}

/* More than a batch, and more than a part of an answer. */
static void
test_many(void **state)
{
	struct fixture *f = *state;
	char name[16];

	for (int i = 0; i < 250; i++) {
		snprintf(name, sizeof(name), "host%d", i);
		lose(f, name);
	}
	ask(f);
	assert_int_equal(count(f, "outages"), 250);
	assert_int_equal(count(f, "summary"), 250);
}

/* The machine slept while more waited than a batch holds. */
static void
test_sleep(void **state)
{
	struct fixture *f = *state;
	char name[16];

	for (int i = 0; i < 250; i++) {
		snprintf(name, sizeof(name), "host%d", i);
		lose(f, name);
	}
	wall_clock_sleep(60);	/* which the next batch notices */
	ask(f);
	assert_int_equal(count(f, "outages"), 250);
	assert_int_equal(count(f, "summary"), 250);
	/* All that lasts is more than a batch, too. */
	wall_clock_sleep(60);
	ask(f);
	assert_int_equal(count(f, "summary"), 250);
}

/* What waits when we end is written then; the next one knows it. */
static void
test_end(void **state)
{
	struct fixture *f = *state;

	lose(f, "vps");
	ledger_free(f->ledger);
	assert_int_equal(only_child(), 0);
	f->ledger = ledger_new(f->base, f->notices, f->path);
	lose(f, "nas");
	ask(f);
	assert_int_equal(count(f, "outages"), 2);
}

/* A child that is killed: nothing that was told is missing. */
static void
test_killed(void **state)
{
	struct fixture *f = *state;
	pid_t pid;

	lose(f, "vps");
	ask(f);
	pid = only_child();
	assert_int_not_equal(pid, 0);
	lose(f, "vps");
	kill(pid, SIGKILL);
	ask(f);
	assert_int_not_equal(only_child(), pid);
	assert_int_equal(count(f, "outages"), 2);
}

/*
 * A child that stands still: nobody waits for it, a question is refused in
 * time, and of what it misses it is told what holds.
 */
static void
test_stopped(void **state)
{
	struct fixture *f = *state;
	int64_t before;
	pid_t pid;

	lose(f, "first");
	ask(f);
	pid = only_child();
	kill(pid, SIGSTOP);
	before = clock_now_ms() - ahead;
	for (int i = 0; i < LEDGER_WAITING_MAX; i++)
		lose(f, "vps");
	tell(f, NOTICE_END, "first", NULL);
	for (int i = 0; i < LEDGER_WAITING_MAX; i++)
		lose(f, "vps");
	assert_true(clock_now_ms() - ahead - before < LEDGER_ANSWER_MS);
	ask(f);
	assert_null(f->history);
	assert_non_null(strstr(f->error, "does not answer"));
	kill(pid, SIGCONT);
	ask(f);
	while (count(f, "summary") < 2)
		ask(f);
	assert_in_range(count(f, "outages"), LEDGER_WAITING_MAX / 2, 10000);
	for (size_t i = 0; i < count(f, "outages"); i++) {
		json_t *o = json_array_get(json_object_get(f->history,
		    "outages"), i);
		bool first = str_equal(json_string_value(json_object_get(o,
		    "host")), "first");
		bool lasts = str_equal(json_string_value(json_object_get(o,
		    "state")), "lasts");

		assert_true(!lasts || first);
	}
	assert_int_equal(only_child(), pid);
}

/*
 * A disk that is full: what was written before can be asked for, and what was
 * told meanwhile is written when there is room.
 */
static void
test_full(void **state)
{
	struct fixture *f = *state;
	struct rlimit unlimited, none = { 0, RLIM_INFINITY };
	int64_t deadline = clock_now_ms() + 30000;
	pid_t pid;

	lose(f, "vps");
	ask(f);
	pid = only_child();
	assert_int_equal(prlimit(pid, RLIMIT_FSIZE, &none, &unlimited), 0);
	for (int i = 0; i < 20; i++)
		lose(f, "vps");
	ask(f);
	assert_int_equal(count(f, "outages"), 1);
	assert_int_equal(prlimit(pid, RLIMIT_FSIZE, &unlimited, NULL), 0);
	while (count(f, "outages") < 21) {
		assert_true(clock_now_ms() < deadline);
		event_base_loop(f->base, EVLOOP_ONCE);
		ask(f);
	}
	assert_int_equal(only_child(), pid);
}

/* Nobody waits for an answer any more. */
static void
test_forget(void **state)
{
	struct fixture *f = *state;

	lose(f, "vps");
	ledger_ask(f->ledger, &(struct ledger_question){ .limit = 1 },
	    on_answer, f);
	ledger_forget(f->ledger, f);
	assert_int_equal(f->answers, 0);
	ask(f);
	assert_int_equal(f->answers, 1);
}

/* The file is a newer hawser's: it stays as it is, and everybody is told. */
static void
test_newer(void **state)
{
	struct fixture *f = *state;
	unsigned char version[4] = { 0, 0, 0, 77 };
	struct stat st, later;
	FILE *file;

	lose(f, "vps");
	ask(f);
	ledger_free(f->ledger);
	/* Where PRAGMA user_version has its number: sqlite.org/fileformat. */
	file = fopen(f->path, "r+e");
	assert_non_null(file);
	fseek(file, 60, SEEK_SET);
	assert_int_equal(fwrite(version, 4, 1, file), 1);
	fclose(file);
	assert_int_equal(stat(f->path, &st), 0);
	f->ledger = ledger_new(f->base, f->notices, f->path);
	lose(f, "vps");
	for (int i = 0; i < 2; i++) {
		ask(f);
		assert_null(f->history);
		assert_non_null(strstr(f->error, "newer hawser"));
		lose(f, "vps");
	}
	assert_int_equal(stat(f->path, &later), 0);
	assert_true(later.st_mtime == st.st_mtime && later.st_size ==
	    st.st_size);
}

/* Where the state can't be kept: a sentence, and everything else goes on. */
static void
test_no_folder(void **state)
{
	struct fixture *f = *state;

	ledger_free(f->ledger);
	f->ledger = ledger_new(f->base, f->notices, "/proc/nowhere/a.sqlite");
	lose(f, "vps");
	ask(f);
	assert_null(f->history);
	assert_non_null(strstr(f->error, "/proc/nowhere/a.sqlite"));
}

static void
test_path(void **state)
{
	struct err err;
	char *path;

	(void)state;
	setenv("HAWSER_STATE", "/var/lib/x", 1);
	setenv("HAWSER_SOCKET", "/run/x/api.sock", 1);
	path = place_ledger("/run/x/api.sock", &err);
	assert_string_equal(path, "/var/lib/x/ledger.sqlite");
	free(path);
	path = place_ledger("/run/x/other.sock", &err);
	assert_int_equal(strlen(path), strlen(
	    "/var/lib/x/ledger-01234567.sqlite"));
	free(path);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
#define TEST(t)	cmocka_unit_test_setup_teardown(t, set_up, tear_down)
		TEST(test_store),
		TEST(test_many),
		TEST(test_sleep),
		TEST(test_end),
		TEST(test_killed),
		TEST(test_stopped),
		TEST(test_full),
		TEST(test_forget),
		TEST(test_newer),
		TEST(test_no_folder),
		cmocka_unit_test(test_path),
	};

	clock_inject(get_now);
	signal(SIGPIPE, SIG_IGN);
	log_setup(LOG_ERROR, "test");
	if (argc == 4 && strcmp(argv[1], LEDGER_OPTION) == 0)
		return ledger_child_main(argv[3]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
