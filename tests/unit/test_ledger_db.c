/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include <fcntl.h>
#include <glob.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "supervisor/ledger_db.h"
#include "supervisor/ledger_past.h"
#include "supervisor/ledger_trim.h"
#include "supervisor/uptime.h"

#define SECOND	INT64_C(1000)
#define MINUTE	(60 * SECOND)
#define HOUR	(60 * MINUTE)
#define DAY	UPTIME_DAY_MS

struct fixture {
	char dir[64], path[96];
	struct ledger_db *db;
	int64_t now;
};

static int
set_up(void **state)
{
	struct fixture *f = mem_alloc(sizeof(*f));

	/* In memory, if there is such a folder: disks are slow. */
	snprintf(f->dir, sizeof(f->dir), "%s/hawser-ledger-XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/ledger.sqlite", f->dir);
	f->db = ledger_db_new(f->path);
	f->now = 1800000000 * SECOND;
	*state = f;
	return 0;
}

static size_t
each_file(const struct fixture *f, const char *tail, void (*act)(const char *))
{
	char *pattern = str_dupf("%s/%s", f->dir, tail);
	size_t n = 0;
	glob_t found;

	if (glob(pattern, 0, NULL, &found) == 0) {
		n = found.gl_pathc;
		for (size_t i = 0; act != NULL && i < n; i++)
			act(found.gl_pathv[i]);
		globfree(&found);
	}
	free(pattern);
	return n;
}

static void
remove_file(const char *path)
{
	unlink(path);
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	ledger_db_free(f->db);
	each_file(f, "*", remove_file);
	rmdir(f->dir);
	free(f);
	return 0;
}

static json_t *
run_record(int64_t id, int64_t began, int64_t ms)
{
	return json_pack("{s:s, s:I, s:I, s:I}", "k", "run", "run",
	    (json_int_t)id, "began", (json_int_t)began, "ms", (json_int_t)ms);
}

static json_t *
watch_record(int64_t run, const char *forward, int64_t at, int64_t ms)
{
	return json_pack("{s:s, s:I, s:s, s:s, s:I, s:I}", "k", "watch",
	    "run", (json_int_t)run, "host", "vps", "forward", forward,
	    "at", (json_int_t)at, "ms", (json_int_t)ms);
}

static json_t *
outage_record(int64_t run, const char *host, const char *forward, int64_t at,
    int64_t ms, const char *text)
{
	return json_pack("{s:s, s:I, s:s, s:s, s:I, s:I, s:b, s:b, s:s, s:s,"
	    " s:I, s:I}", "k", "outage", "run", (json_int_t)run,
	    "host", host, "forward", forward, "at", (json_int_t)at,
	    "ms", (json_int_t)ms, "back", ms >= 0, "flap", 0,
	    "class", "lost", "text", text, "silent_ms", (json_int_t)-1,
	    "attempts", (json_int_t)1);
}

/* Takes records. */
static int
try_store(struct fixture *f, json_t *records, bool *fresh, struct err *err)
{
	int rc = ledger_db_store(f->db, records, fresh, err);

	json_decref(records);
	return rc;
}

static bool
store(struct fixture *f, json_t *records)
{
	bool fresh = false;
	struct err err;

	if (try_store(f, records, &fresh, &err) == -1)
		fail_msg("%s", err.text);
	return fresh;
}

static void
on_part(void *arg, json_t *part)
{
	json_t *all = arg, *value;
	const char *name;

	json_object_foreach(part, name, value)
		if (json_is_array(value) &&
		    json_object_get(all, name) != NULL)
			json_array_extend(json_object_get(all, name), value);
		else
			json_object_set(all, name, value);
	json_decref(part);
}

/* New: everything since days ago. */
static json_t *
ask(struct fixture *f, const char *host, int days, int limit)
{
	json_t *all = json_pack("{s:[], s:[]}", "outages", "summary");
	struct ledger_past_question q = { .host = host, .now = f->now,
	    .since = f->now - days * DAY, .run = 2, .limit = limit };
	struct err err;

	if (ledger_past(f->db, &q, on_part, all, &err) == -1)
		fail_msg("%s", err.text);
	return all;
}

/* The member at a path like "0.day.outages" of an array. Borrowed. */
static json_t *
get(json_t *all, const char *array, const char *path)
{
	json_t *at = json_object_get(all, array);
	char *copy = str_dup(path), *rest = copy, *word;

	while ((word = strsep(&rest, ".")) != NULL)
		at = json_is_array(at) ?
		    json_array_get(at, (size_t)atoi(word)) :
		    json_object_get(at, word);
	free(copy);
	return at;
}

static void
number_is(json_t *all, const char *path, double expected)
{
	json_t *n = get(all, "summary", path);

	if (!json_is_number(n) || json_number_value(n) < expected - 1e-6 ||
	    json_number_value(n) > expected + 1e-6)
		fail_msg("%s is %f, not %f", path, json_number_value(n),
		    expected);
}

static void
text_is(json_t *all, const char *path, const char *expected)
{
	const char *text = json_string_value(get(all, "outages", path));

	if (!str_equal(text, expected))
		fail_msg("%s is %s, not %s", path, text, expected);
}

/*
 * Two runs with three hours between them in which nobody knows: the first was
 * killed in an outage that nobody saw the end of.
 */
static void
test_past(void **state)
{
	struct fixture *f = *state;
	int64_t first = f->now - 10 * HOUR, second = f->now - 3 * HOUR;
	json_t *all;

	assert_true(store(f, json_pack("[o, o, o, o]",
	    run_record(1, first, 4 * HOUR), watch_record(1, "", 0, -1),
	    outage_record(1, "vps", "", HOUR, 30 * MINUTE, "one"),
	    outage_record(1, "vps", "", 3 * HOUR, -1, "two"))));
	assert_false(store(f, json_pack("[o, o, o, o, o]",
	    run_record(2, second, 3 * HOUR), watch_record(2, "", 0, -1),
	    watch_record(2, "R:80", HOUR, -1),
	    outage_record(2, "vps", "R:80", HOUR, HOUR, "held"),
	    outage_record(2, "vps", "", 3 * HOUR - MINUTE, -1, "now"))));
	all = ask(f, NULL, 7, 100);
	assert_int_equal(json_array_size(json_object_get(all, "outages")), 4);
	assert_int_equal(json_array_size(json_object_get(all, "summary")), 2);
	text_is(all, "0.state", "lasts");
	text_is(all, "0.text", "now");
	text_is(all, "1.forward", "R:80");
	text_is(all, "1.state", "over");
	text_is(all, "2.state", "unknown");
	text_is(all, "2.text", "two");
	assert_true(json_is_null(get(all, "outages", "2.back_at")));
	assert_int_equal(json_integer_value(get(all, "outages",
	    "2.duration_ms")), HOUR);
	text_is(all, "3.text", "one");
	number_is(all, "0.day.known_s", 7 * 3600);
	number_is(all, "0.day.down_s", 1800 + 3600 + 60);
	number_is(all, "0.day.availability", 0.783333);
	number_is(all, "0.day.outages", 3);
	number_is(all, "0.day.longest_s", 3600);
	number_is(all, "0.month.known_s", 7 * 3600);
	/* The forward: its own hour, and the link's last minute. */
	number_is(all, "1.day.known_s", 2 * 3600);
	number_is(all, "1.day.down_s", 3600 + 60);
	number_is(all, "1.day.outages", 2);
	json_decref(all);
	/* An outage that is told again is the same one. */
	store(f, json_pack("[o, o]", run_record(2, second, 3 * HOUR),
	    outage_record(2, "vps", "", 3 * HOUR - MINUTE, 30 * SECOND,
	    "now")));
	all = ask(f, "vps", 7, 1);
	assert_int_equal(json_array_size(json_object_get(all, "outages")), 1);
	assert_true(json_is_true(json_object_get(all, "truncated")) ||
	    json_integer_value(json_object_get(all, "truncated")) == 1);
	text_is(all, "0.state", "over");
	json_decref(all);
	all = ask(f, "nobody", 7, 1);
	assert_int_equal(json_array_size(json_object_get(all, "summary")), 0);
	json_decref(all);
}

/* The last day in quarters of an hour, as a new hawserd wants it. */
static void
test_slots(void **state)
{
	struct fixture *f = *state;
	json_t *all = json_pack("{s:[], s:[]}", "outages", "summary"), *slots;
	struct ledger_past_question q = { .now = f->now, .since = f->now,
	    .slots = true };
	struct err err;
	char *text;

	store(f, json_pack("[o, o, o, o]",
	    run_record(2, f->now - 30 * HOUR, 30 * HOUR),
	    watch_record(2, "", 10 * HOUR, 19 * HOUR),
	    watch_record(2, "R:80", 10 * HOUR, -1),
	    outage_record(2, "vps", "", 28 * HOUR, 5 * MINUTE, "two hours")));
	if (ledger_past(f->db, &q, on_part, all, &err) == -1)
		fail_msg("%s", err.text);
	assert_int_equal(json_array_size(json_object_get(all, "summary")), 1);
	slots = get(all, "summary", "0.slots");
	text = json_dumps(slots, JSON_COMPACT);
	/* Not watched; up; the outage; up; not watched. */
	assert_string_equal(text, "[[4,0,0,0],[3,900000,0,0],"
	    "[1,600000,300000,1],[72,900000,0,0],[16,0,0,0]]");
	free(text);
	json_decref(all);
}

/* Records that make no sense cost themselves alone. */
static void
test_bad_records(void **state)
{
	struct fixture *f = *state;
	json_t *all;

	store(f, json_pack("[o, s, {s:s}, {s:s, s:s}, o, o]",
	    run_record(2, f->now - HOUR, HOUR), "no", "k", "what",
	    "k", "outage", "host", "x", watch_record(2, "", 0, -1),
	    outage_record(2, "vps", "", 0, MINUTE, "good")));
	all = ask(f, NULL, 1, 10);
	assert_int_equal(json_array_size(json_object_get(all, "outages")), 1);
	json_decref(all);
}

/* In a window that begins within a span only its part counts. */
static void
test_windows(void **state)
{
	struct fixture *f = *state;
	json_t *all;

	store(f, json_pack("[o, o, o, o]",
	    run_record(2, f->now - 20 * DAY, 20 * DAY),
	    watch_record(2, "", 0, -1),
	    outage_record(2, "vps", "", 10 * DAY, DAY, "long ago"),
	    outage_record(2, "vps", "", 19 * DAY - HOUR, 2 * HOUR, "part")));
	all = ask(f, NULL, 30, 10);
	number_is(all, "0.day.known_s", 86400);
	number_is(all, "0.day.down_s", 3600);
	number_is(all, "0.day.outages", 0);
	number_is(all, "0.day.longest_s", 7200);
	number_is(all, "0.week.down_s", 7200);
	number_is(all, "0.week.outages", 1);
	number_is(all, "0.month.down_s", 86400 + 7200);
	number_is(all, "0.month.known_s", 20 * 86400);
	number_is(all, "0.month.outages", 2);
	json_decref(all);
}

static void
spoil(const char *path)
{
	int fd = open(path, O_WRONLY);
	char noise[4096];

	assert_int_not_equal(fd, -1);
	memset(noise, 0xa5, sizeof(noise));
	for (off_t at = 0; at < 3 * 4096; at += 4096)
		assert_int_equal(pwrite(fd, noise, sizeof(noise), at),
		    sizeof(noise));
	close(fd);
}

/* A broken file is set aside, and what is told then is stored. */
static void
test_corrupt(void **state)
{
	struct fixture *f = *state;

	for (int i = 1; i <= 5; i++) {
		char *old = str_dupf("%s.corrupt-000000000%d", f->path, i);

		store(f, json_pack("[o]", run_record(i, f->now, 1)));
		ledger_db_free(f->db);
		/* Those that are there are of other times than now. */
		assert_int_equal(link(f->path, old), 0);
		free(old);
		f->db = ledger_db_new(f->path);
		spoil(f->path);
	}
	assert_true(store(f, json_pack("[o]", run_record(9, f->now, 1))));
	assert_int_equal(each_file(f, "ledger.sqlite.corrupt-*", NULL),
	    LEDGER_DB_ASIDE_MAX);
	assert_int_equal(each_file(f, "ledger.sqlite.corrupt-0000000001",
	    NULL), 0);
}

/* It breaks while it is open: a page of a table is not what it was. */
static void
test_corrupt_while_open(void **state)
{
	struct fixture *f = *state;
	json_t *records = json_array();
	bool fresh = false;
	struct err err;

	json_array_append_new(records, run_record(2, f->now - DAY, DAY));
	for (int i = 0; i < 2000; i++)
		json_array_append_new(records, outage_record(2, "vps", "",
		    i * 10, 5, "many of them"));
	store(f, records);
	sqlite3_wal_checkpoint_v2(ledger_db_handle(f->db, &err), NULL,
	    SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	sqlite3_db_release_memory(ledger_db_handle(f->db, &err));
	spoil(f->path);
	for (int i = 0; i < 3 && !fresh; i++)
		if (try_store(f, json_pack("[o]", run_record(3, f->now, 1)),
		    &fresh, &err) == -1)
			fail_msg("%s", err.text);
	assert_true(fresh);
	assert_int_equal(each_file(f, "ledger.sqlite.corrupt-*", NULL), 1);
}

static void
test_not_ours(void **state)
{
	struct fixture *f = *state;
	FILE *file = fopen(f->path, "we");
	struct err err;
	bool fresh;

	fputs("This is no database, but a long text that is in its place.",
	    file);
	fclose(file);
	assert_true(store(f, json_pack("[o]", run_record(2, f->now, 1))));
	assert_int_equal(each_file(f, "ledger.sqlite.corrupt-*", NULL), 1);
	/* A newer version's is left as it is. */
	sqlite3_exec(ledger_db_handle(f->db, &err),
	    "PRAGMA user_version = 99", NULL, NULL, NULL);
	ledger_db_free(f->db);
	f->db = ledger_db_new(f->path);
	assert_int_equal(try_store(f, json_pack("[o]",
	    run_record(2, f->now, 1)), &fresh, &err), -1);
	assert_int_equal(err.code, ERR_PERM);
	assert_non_null(strstr(err.text, "newer"));
	assert_int_equal(each_file(f, "ledger.sqlite.corrupt-*", NULL), 1);
}

/* A folder that can't be written, and one that can again. */
static void
test_no_folder(void **state)
{
	struct fixture *f = *state;
	char *away = str_dupf("%s-away", f->dir);
	struct err err;
	bool fresh;

	assert_int_equal(rename(f->dir, away), 0);
	assert_int_equal(try_store(f, json_pack("[o]",
	    run_record(2, f->now, 1)), &fresh, &err), -1);
	assert_int_equal(err.code, ERR_SYS);
	assert_non_null(strstr(err.text, f->path));
	assert_int_equal(rename(away, f->dir), 0);
	assert_true(store(f, json_pack("[o]", run_record(2, f->now, 1))));
	free(away);
}

/* A disk that is full: nothing of the batch is in; later all of it is. */
static void
test_full(void **state)
{
	struct fixture *f = *state;
	struct rlimit old, small;
	json_t *records, *all;
	struct err err;
	bool fresh;
	int rc = 0;

	store(f, json_pack("[o, o, o]", run_record(2, f->now - DAY, DAY),
	    watch_record(2, "", 0, -1),
	    outage_record(2, "vps", "", 1, 1, "before")));
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = old;
	small.rlim_cur = 64 * 1024;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	records = json_array();
	for (int i = 0; i < 1000; i++)
		json_array_append_new(records, outage_record(2, "vps", "",
		    i * 10 + 10, 5, "a sentence that needs its room"));
	rc = try_store(f, json_incref(records), &fresh, &err);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(rc, -1);
	assert_int_equal(err.code, ERR_SYS);
	all = ask(f, NULL, 7, 5000);
	assert_int_equal(json_array_size(json_object_get(all, "outages")), 1);
	json_decref(all);
	store(f, records);
	all = ask(f, NULL, 7, 5000);
	assert_int_equal(json_array_size(json_object_get(all, "outages")),
	    1001);
	json_decref(all);
}

static off_t total;

static void
add_size(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	total += st.st_size;
}

/*
 * A year in which 22 hosts flap 18 times a day, with long sentences. The file
 * stays small, the last outages are there one by one, the older ones as sums.
 */
static void
test_year(void **state)
{
	struct fixture *f = *state;
	int64_t began = f->now - 53 * 7 * DAY;
	char text[301], host[16];
	json_t *all;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (int week = 0; week < 53; week++) {
		json_t *records = json_array();

		json_array_append_new(records, run_record(2, began,
		    (week + 1) * 7 * DAY));
		json_array_append_new(records, watch_record(2, "", 0, -1));
		for (int i = 0; i < 22 * 7 * 18; i++) {
			int at = i / 22;

			snprintf(host, sizeof(host), i % 22 == 0 ? "vps" :
			    "host%d", i % 22);
			json_array_append_new(records, outage_record(2, host,
			    "", (week * 7 + at / 18) * DAY + at % 18 * HOUR,
			    6 * MINUTE, text));
		}
		store(f, records);
		assert_int_equal(ledger_db_trim(f->db,
		    began + (week + 1) * 7 * DAY, NULL), 0);
	}
	all = ask(f, "vps", 30, 10000);
	assert_int_equal(json_array_size(json_object_get(all, "outages")),
	    30 * 18);
	number_is(all, "0.month.outages", 30 * 18);
	number_is(all, "0.month.down_s", 30 * 18 * 360);
	number_is(all, "0.day.availability", 0.925);
	json_decref(all);
	each_file(f, "ledger.sqlite*", add_size);
	print_message("the year takes %lld bytes\n", (long long)total);
	assert_in_range(total, 1, 50 * 1000 * 1000);
}

/* What was merged counts on: of one host alone, too many for its share. */
static void
test_sums(void **state)
{
	struct fixture *f = *state;
	int64_t began = f->now - 20 * DAY;
	json_t *records = json_array(), *all;

	json_array_append_new(records, run_record(2, began, 20 * DAY));
	json_array_append_new(records, watch_record(2, "", 0, -1));
	for (int i = 0; i < 6000; i++)
		json_array_append_new(records, outage_record(2, "vps", "",
		    i * 4 * MINUTE, MINUTE, "flaps"));
	store(f, records);
	assert_int_equal(ledger_db_trim(f->db, f->now, NULL), 0);
	all = ask(f, NULL, 30, 10000);
	assert_int_equal(json_array_size(json_object_get(all, "outages")),
	    LEDGER_TRIM_OUTAGES_EACH - LEDGER_TRIM_OUTAGES_EACH / 10);
	number_is(all, "0.month.outages", 6000);
	number_is(all, "0.month.down_s", 6000 * 60);
	json_decref(all);
	/* Years later nothing is left. */
	f->now += 500 * DAY;
	store(f, json_pack("[o]", run_record(3, f->now, 1)));
	ledger_db_free(f->db);
	f->db = ledger_db_new(f->path);
	assert_int_equal(ledger_db_trim(f->db, f->now, NULL), 0);
	all = ask(f, NULL, 1000, 10000);
	assert_int_equal(json_array_size(json_object_get(all, "outages")), 0);
	assert_int_equal(json_array_size(json_object_get(all, "summary")), 0);
	json_decref(all);
}

/* The folder's path may have symbolic links in it. */
static void
test_links(void **state)
{
	struct fixture *f = *state;
	char path[128];

	snprintf(path, sizeof(path), "%s/link", f->dir);
	assert_int_equal(symlink(f->dir, path), 0);
	strcat(path, "/ledger.sqlite");
	ledger_db_free(f->db);
	f->db = ledger_db_new(path);
	assert_true(store(f, json_pack("[o]", run_record(2, f->now, 1))));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(t)	cmocka_unit_test_setup_teardown(t, set_up, tear_down)
		TEST(test_past),
		TEST(test_slots),
		TEST(test_bad_records),
		TEST(test_windows),
		TEST(test_corrupt),
		TEST(test_corrupt_while_open),
		TEST(test_not_ours),
		TEST(test_no_folder),
		TEST(test_links),
		TEST(test_full),
		TEST(test_year),
		TEST(test_sums),
	};

	log_setup(LOG_ERROR, "test");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
