/* SPDX-License-Identifier: ISC */
#include "supervisor/ledger_trim.h"

#include <sqlite3.h>
#include <stddef.h>

#include "supervisor/uptime.h"

/* Of too many so many stay: not every record shall find them too many. */
#define SPARE(max)	((max) - (max) / 10)

/* Runs sql, whose ?1 and ?2 are numbers. */
static int
run(sqlite3 *db, const char *sql, int64_t a, int64_t b)
{
	sqlite3_stmt *st;
	int rc = sqlite3_prepare_v2(db, sql, -1, &st, NULL);

	if (rc != SQLITE_OK)
		return rc;
	if (sqlite3_bind_parameter_count(st) > 0)
		sqlite3_bind_int64(st, 1, a);
	if (sqlite3_bind_parameter_count(st) > 1)
		sqlite3_bind_int64(st, 2, b);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW)
		continue;
	sqlite3_finalize(st);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* How many rows a table has; 0, too, if that can't be told. */
static int64_t
count(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *st;
	int64_t n = 0;

	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK)
		return 0;
	if (sqlite3_step(st) == SQLITE_ROW)
		n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return n;
}

/* One outage's share of each of its days. */
static int
add_days(sqlite3_stmt *add, int64_t subject, struct uptime_span s, int flap)
{
	int64_t first = s.from / UPTIME_DAY_MS;
	int rc;

	for (int64_t day = first; day * UPTIME_DAY_MS < s.to || day == first;
	    day++) {
		sqlite3_bind_int64(add, 1, subject);
		sqlite3_bind_int64(add, 2, day);
		sqlite3_bind_int64(add, 3, uptime_of_day(s, day));
		/* It is counted where it began. */
		sqlite3_bind_int(add, 4, day == first);
		sqlite3_bind_int(add, 5, day == first && flap);
		sqlite3_bind_int64(add, 6, s.to - s.from);
		sqlite3_step(add);
		if ((rc = sqlite3_reset(add)) != SQLITE_OK)
			return rc;
	}
	return SQLITE_OK;
}

/* The rows of "old" become sums. */
static int
sum_old(sqlite3 *db)
{
	sqlite3_stmt *old, *add;
	int rc = sqlite3_prepare_v2(db, "SELECT subject, down, ms, flap"
	    " FROM temp.old", -1, &old, NULL);

	if (rc != SQLITE_OK)
		return rc;
	rc = sqlite3_prepare_v2(db, "INSERT INTO day VALUES"
	    " (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE SET"
	    " down_ms = down_ms + excluded.down_ms,"
	    " outages = outages + excluded.outages,"
	    " flaps = flaps + excluded.flaps,"
	    " longest_ms = max(longest_ms, excluded.longest_ms)",
	    -1, &add, NULL);
	while (rc == SQLITE_OK && (rc = sqlite3_step(old)) == SQLITE_ROW) {
		int64_t from = sqlite3_column_int64(old, 1);

		rc = add_days(add, sqlite3_column_int64(old, 0),
		    (struct uptime_span){ from,
		    from + sqlite3_column_int64(old, 2) },
		    sqlite3_column_int(old, 3));
	}
	sqlite3_finalize(old);
	sqlite3_finalize(add);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/*
 * The oldest n outages of a subject, or of all (0), become sums; not those that
 * may still last.
 */
static int
merge(sqlite3 *db, int64_t subject, int64_t n, int64_t now)
{
	int rc = run(db, "DELETE FROM temp.old", 0, 0);
	sqlite3_stmt *st;

	if (rc != SQLITE_OK)
		return rc;
	rc = sqlite3_prepare_v2(db, "INSERT INTO temp.old SELECT o.subject,"
	    " o.run, o.at, r.began + o.at AS down,"
	    " iif(o.ms < 0, r.ms - o.at, o.ms), o.flap"
	    " FROM outage o JOIN run r ON r.id = o.run"
	    " WHERE (?1 = 0 OR o.subject = ?1)"
	    " AND (o.ms >= 0 OR r.began + r.ms < ?3)"
	    " ORDER BY down LIMIT ?2", -1, &st, NULL);
	if (rc != SQLITE_OK)
		return rc;
	sqlite3_bind_int64(st, 1, subject);
	sqlite3_bind_int64(st, 2, n);
	sqlite3_bind_int64(st, 3, now - UPTIME_DAY_MS);
	sqlite3_step(st);
	if ((rc = sqlite3_finalize(st)) != SQLITE_OK)
		return rc;
	if ((rc = sum_old(db)) != SQLITE_OK)
		return rc;
	return run(db, "DELETE FROM outage WHERE (subject, run, at) IN"
	    " (SELECT subject, run, at FROM temp.old)", 0, 0);
}

static int
merge_each(sqlite3 *db, int64_t now)
{
	sqlite3_stmt *st;
	int rc = sqlite3_prepare_v2(db, "SELECT subject, count(*) AS n"
	    " FROM outage GROUP BY subject HAVING n > ?1 ORDER BY n", -1, &st,
	    NULL);

	if (rc != SQLITE_OK)
		return rc;
	sqlite3_bind_int64(st, 1, LEDGER_TRIM_OUTAGES_EACH);
	/* Sorted: what it gives does not change with what we delete. */
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		rc = merge(db, sqlite3_column_int64(st, 0),
		    sqlite3_column_int64(st, 1) -
		    SPARE(LEDGER_TRIM_OUTAGES_EACH), now);
		if (rc != SQLITE_OK)
			break;
	}
	sqlite3_finalize(st);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int
merge_all(sqlite3 *db, int64_t now)
{
	int64_t n = count(db, "SELECT count(*) FROM outage");

	return n <= LEDGER_TRIM_ROWS ? SQLITE_OK :
	    merge(db, 0, n - SPARE(LEDGER_TRIM_ROWS), now);
}

/* What is too old, or too many; ?1 is a time, ?2 how many. */
static const struct {
	const char *count;	/* NULL: by time alone */
	int days;		/* 0: by number alone */
	const char *sql;
} rows[] = {
	{ NULL, LEDGER_TRIM_WATCH_DAYS, "DELETE FROM watch"
	    " WHERE (subject, run, at) IN (SELECT w.subject, w.run, w.at"
	    " FROM watch w LEFT JOIN run r ON r.id = w.run WHERE r.id IS NULL"
	    " OR r.began + iif(w.ms < 0, r.ms, w.at + w.ms) < ?1)" },
	{ "SELECT count(*) FROM watch", 0, "DELETE FROM watch"
	    " WHERE (subject, run, at) IN (SELECT w.subject, w.run, w.at"
	    " FROM watch w JOIN run r ON r.id = w.run"
	    " ORDER BY r.began + w.at LIMIT ?2)" },
	{ NULL, LEDGER_TRIM_DAYS, "DELETE FROM outage"
	    " WHERE (subject, run, at) IN (SELECT o.subject, o.run, o.at"
	    " FROM outage o LEFT JOIN run r ON r.id = o.run WHERE r.id IS NULL"
	    " OR r.began + iif(o.ms < 0, r.ms, o.at + o.ms) < ?1)" },
	{ NULL, LEDGER_TRIM_DAYS, "DELETE FROM day"
	    " WHERE day < ?1 / 86400000" },
	{ "SELECT count(*) FROM day", 0, "DELETE FROM day"
	    " WHERE (subject, day) IN (SELECT subject, day FROM day"
	    " ORDER BY day LIMIT ?2)" },
	{ NULL, 1, "DELETE FROM run WHERE began + ms < ?1"
	    " AND id NOT IN (SELECT run FROM watch)"
	    " AND id NOT IN (SELECT run FROM outage)" },
	{ NULL, 1, "DELETE FROM subject WHERE"
	    " id NOT IN (SELECT subject FROM watch)"
	    " AND id NOT IN (SELECT subject FROM outage)"
	    " AND id NOT IN (SELECT subject FROM day)" },
};

static int
delete_rows(sqlite3 *db, int64_t now)
{
	int rc = SQLITE_OK;

	for (size_t i = 0; rc == SQLITE_OK &&
	    i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t n = rows[i].count != NULL ?
		    count(db, rows[i].count) : 0;

		if (rows[i].count == NULL || n > LEDGER_TRIM_ROWS)
			rc = run(db, rows[i].sql,
			    now - rows[i].days * UPTIME_DAY_MS,
			    n - SPARE(LEDGER_TRIM_ROWS));
	}
	return rc;
}

int
ledger_trim(sqlite3 *db, int64_t now)
{
	int rc = sqlite3_exec(db, "CREATE TEMP TABLE IF NOT EXISTS old"
	    " (subject, run, at, down, ms, flap); BEGIN IMMEDIATE", NULL, NULL,
	    NULL);

	if (rc == SQLITE_OK)
		rc = merge_each(db, now);
	if (rc == SQLITE_OK)
		rc = merge_all(db, now);
	if (rc == SQLITE_OK)
		rc = delete_rows(db, now);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, "COMMIT; PRAGMA incremental_vacuum",
		    NULL, NULL, NULL);
	return rc;
}
