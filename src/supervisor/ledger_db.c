/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "supervisor/ledger_db.h"

#include <errno.h>
#include <glob.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/str.h"
#include "supervisor/ledger_trim.h"

#define BUSY_MS		2000	/* another one, an operator's, reads it */
#define TRIM_EVERY	1000	/* records */

/* What each kind of record becomes. The columns have its members' names. */
#define MEMBERS_MAX	8
static const struct {
	const char *kind;
	bool has_subject;	/* ?1 */
	const char *sql;
	const char *members[MEMBERS_MAX];	/* ?3..., after the run */
} kinds[] = {
	{ "run", false, "INSERT INTO run VALUES (?2, ?3, ?4) ON CONFLICT"
	    " DO UPDATE SET began = excluded.began, ms = excluded.ms",
	    { "began", "ms" } },
	{ "watch", true, "INSERT INTO watch VALUES (?1, ?2, ?3, ?4)"
	    " ON CONFLICT DO UPDATE SET ms = excluded.ms",
	    { "at", "ms" } },
	{ "outage", true, "INSERT OR REPLACE INTO outage VALUES"
	    " (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
	    { "at", "ms", "back", "flap", "class", "text", "silent_ms",
	    "attempts" } },
};
#define KIND_COUNT	(sizeof(kinds) / sizeof(kinds[0]))

struct ledger_db {
	char *path;
	sqlite3 *db;		/* NULL: not open */
	sqlite3_stmt *insert[KIND_COUNT], *find, *add;	/* NULL: not yet */
	bool fresh;		/* made by us, and nobody knows yet */
	unsigned since_trim;	/* records */
};

static const char schema[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE run (id INTEGER PRIMARY KEY,"
    " began INTEGER NOT NULL, ms INTEGER NOT NULL);"
    "CREATE TABLE subject (id INTEGER PRIMARY KEY, host TEXT NOT NULL,"
    " forward TEXT NOT NULL, UNIQUE (host, forward));"
    "CREATE TABLE watch (subject INTEGER NOT NULL, run INTEGER NOT NULL,"
    " at INTEGER NOT NULL, ms INTEGER NOT NULL,"
    " PRIMARY KEY (subject, run, at)) WITHOUT ROWID;"
    "CREATE TABLE outage (subject INTEGER NOT NULL, run INTEGER NOT NULL,"
    " at INTEGER NOT NULL, ms INTEGER NOT NULL, back INTEGER NOT NULL,"
    " flap INTEGER NOT NULL, class TEXT NOT NULL, text TEXT NOT NULL,"
    " silent_ms INTEGER NOT NULL, attempts INTEGER NOT NULL,"
    " PRIMARY KEY (subject, run, at)) WITHOUT ROWID;"
    "CREATE TABLE day (subject INTEGER NOT NULL, day INTEGER NOT NULL,"
    " down_ms INTEGER NOT NULL, outages INTEGER NOT NULL,"
    " flaps INTEGER NOT NULL, longest_ms INTEGER NOT NULL,"
    " PRIMARY KEY (subject, day)) WITHOUT ROWID;"
    "PRAGMA user_version = 1;"
    "COMMIT;";

/* No data leaves memory for other files, and none is believed blindly. */
static const char settings[] =
    "PRAGMA trusted_schema = OFF;"
    "PRAGMA cell_size_check = ON;"
    "PRAGMA temp_store = MEMORY;"
    "PRAGMA journal_mode = WAL;"
    "PRAGMA synchronous = NORMAL;"
    "PRAGMA journal_size_limit = 1048576;";

struct ledger_db *
ledger_db_new(const char *path)
{
	struct ledger_db *d = mem_alloc(sizeof(*d));

	d->path = str_dup(path);
	return d;
}

static void
close_db(struct ledger_db *d)
{
	for (size_t i = 0; i < KIND_COUNT; i++) {
		sqlite3_finalize(d->insert[i]);
		d->insert[i] = NULL;
	}
	sqlite3_finalize(d->find);
	sqlite3_finalize(d->add);
	d->find = d->add = NULL;
	sqlite3_close(d->db);
	d->db = NULL;
}

void
ledger_db_free(struct ledger_db *d)
{
	if (d == NULL)
		return;
	close_db(d);
	free(d->path);
	free(d);
}

/* The names sort by time: the oldest are the first. */
static void
remove_old_asides(const struct ledger_db *d)
{
	char *pattern = str_dupf("%s.corrupt-*[0-9]", d->path);
	glob_t found;

	if (glob(pattern, 0, NULL, &found) == 0) {
		for (size_t i = 0; i + LEDGER_DB_ASIDE_MAX < found.gl_pathc;
		    i++)
			unlink(found.gl_pathv[i]);
		globfree(&found);
	}
	free(pattern);
}

static void
set_aside(struct ledger_db *d)
{
	char *aside = str_dupf("%s.corrupt-%010lld", d->path,
	    (long long)time(NULL));
	char *wal = str_dupf("%s-wal", d->path);
	char *shm = str_dupf("%s-shm", d->path);

	close_db(d);
	if (rename(d->path, aside) == -1)
		log_warn("the broken ledger cannot be set aside: move it away "
		    "yourself file=%s why=\"%s\"", d->path, strerror(errno));
	else
		log_warn("the ledger was broken and is set aside; the "
		    "history begins anew file=%s", aside);
	unlink(wal);	/* of that file: it must not meet another one */
	unlink(shm);
	remove_old_asides(d);
	free(aside);
	free(wal);
	free(shm);
}

bool
ledger_db_note(struct ledger_db *d, int code)
{
	code &= 0xff;
	if (code != SQLITE_CORRUPT && code != SQLITE_NOTADB)
		return false;
	set_aside(d);
	return d->db == NULL && access(d->path, F_OK) == -1;
}

static int
describe(const struct ledger_db *d, int code, struct err *err)
{
	bool has_text = d->db != NULL && sqlite3_errcode(d->db) != SQLITE_OK;

	return err_set(err, ERR_SYS, "%s: %s", d->path, has_text ?
	    sqlite3_errmsg(d->db) : sqlite3_errstr(code));
}

/* The single number or word that sql gives. An SQLite code. */
static int
ask(sqlite3 *db, const char *sql, int64_t *number, char *word, size_t size)
{
	sqlite3_stmt *st;
	int rc = sqlite3_prepare_v2(db, sql, -1, &st, NULL);

	if (rc != SQLITE_OK)
		return rc;
	if ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		const unsigned char *text = sqlite3_column_text(st, 0);

		*number = sqlite3_column_int64(st, 0);
		if (word != NULL)
			snprintf(word, size, "%s",
			    text != NULL ? (const char *)text : "");
		rc = SQLITE_OK;
	} else if (rc == SQLITE_DONE) {
		rc = SQLITE_CORRUPT;
	}
	sqlite3_finalize(st);
	return rc;
}

static int
make_tables(struct ledger_db *d)
{
	int rc = sqlite3_exec(d->db, "PRAGMA auto_vacuum = INCREMENTAL;"
	    "PRAGMA journal_mode = WAL;", NULL, NULL, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_exec(d->db, schema, NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		d->fresh = true;
	return rc;
}

/* An SQLite code; SQLITE_SCHEMA: a newer version's. */
static int
prepare(struct ledger_db *d)
{
	int64_t version = 0, tables = 0;
	char word[64];
	int rc;

	sqlite3_extended_result_codes(d->db, 1);
	sqlite3_busy_timeout(d->db, BUSY_MS);
	sqlite3_db_config(d->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	if ((rc = ask(d->db, "PRAGMA user_version", &version, NULL,
	    0)) != SQLITE_OK)
		return rc;
	if (version > LEDGER_DB_VERSION)
		return SQLITE_SCHEMA;
	if ((rc = ask(d->db, "SELECT count(*) FROM sqlite_master", &tables,
	    NULL, 0)) != SQLITE_OK)
		return rc;
	if (version == 0 && tables == 0 && (rc = make_tables(d)) != SQLITE_OK)
		return rc;
	if (version == 0 && tables > 0)	/* not one that we have made */
		return SQLITE_NOTADB;
	if ((rc = ask(d->db, "PRAGMA quick_check(1)", &tables, word,
	    sizeof(word))) != SQLITE_OK)
		return rc;
	if (strcmp(word, "ok") != 0)
		return SQLITE_CORRUPT;
	return sqlite3_exec(d->db, settings, NULL, NULL, NULL);
}

/*
 * New: the path without symbolic links before its last part, which is looked
 * at by who opens it. NULL: there is no such folder.
 */
static char *
resolve_folder(const char *path)
{
	const char *name = strrchr(path, '/');
	char *folder, *real, *out = NULL;

	if (name == NULL)
		return str_dup(path);
	folder = str_dupf("%.*s", (int)(name + 1 - path), path);
	if ((real = realpath(folder, NULL)) != NULL)
		out = str_dupf("%s%s", real, name);
	free(folder);
	free(real);
	return out;
}

/* To SQLite, NOFOLLOW is about each part of the path. */
static int
open_once(struct ledger_db *d)
{
	char *path = resolve_folder(d->path);
	int rc = sqlite3_open_v2(path != NULL ? path : d->path, &d->db,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOFOLLOW,
	    NULL);

	free(path);
	return rc == SQLITE_OK ? prepare(d) : rc;
}

struct sqlite3 *
ledger_db_handle(struct ledger_db *d, struct err *err)
{
	int rc;

	if (d->db != NULL)
		return d->db;
	rc = open_once(d);
	if (ledger_db_note(d, rc))
		rc = open_once(d);
	if (rc == SQLITE_OK) {
		d->since_trim = TRIM_EVERY;
		return d->db;
	}
	if (rc == SQLITE_SCHEMA)
		err_set(err, ERR_PERM, "%s was written by a newer hawser: "
		    "upgrade this one, or move the file away", d->path);
	else
		describe(d, rc, err);
	close_db(d);
	return NULL;
}

/* The statement, prepared once. An SQLite code. */
static int
prepare_once(struct ledger_db *d, sqlite3_stmt **st, const char *sql)
{
	return *st != NULL ? SQLITE_OK : sqlite3_prepare_v3(d->db, sql, -1,
	    SQLITE_PREPARE_PERSISTENT, st, NULL);
}

static void
bind(sqlite3_stmt *st, int at, const json_t *value)
{
	if (json_is_string(value))
		sqlite3_bind_text(st, at, json_string_value(value), -1,
		    SQLITE_TRANSIENT);
	else if (json_is_integer(value))
		sqlite3_bind_int64(st, at, json_integer_value(value));
	else if (json_is_boolean(value))
		sqlite3_bind_int(st, at, json_is_true(value));
	else		/* missing: the table refuses it */
		sqlite3_bind_null(st, at);
}

static int
find_subject(struct ledger_db *d, const json_t *record, int64_t *id)
{
	int rc = prepare_once(d, &d->find, "SELECT id FROM subject"
	    " WHERE host = ?1 AND forward = ?2");

	if (rc != SQLITE_OK)
		return rc;
	bind(d->find, 1, json_object_get(record, "host"));
	bind(d->find, 2, json_object_get(record, "forward"));
	*id = 0;
	if (sqlite3_step(d->find) == SQLITE_ROW)
		*id = sqlite3_column_int64(d->find, 0);
	return sqlite3_reset(d->find);
}

static int
add_subject(struct ledger_db *d, const json_t *record, int64_t *id)
{
	int rc = prepare_once(d, &d->add,
	    "INSERT INTO subject (host, forward) VALUES (?1, ?2)");

	if (rc != SQLITE_OK)
		return rc;
	bind(d->add, 1, json_object_get(record, "host"));
	bind(d->add, 2, json_object_get(record, "forward"));
	sqlite3_step(d->add);
	*id = sqlite3_last_insert_rowid(d->db);
	return sqlite3_reset(d->add);
}

static int
insert(struct ledger_db *d, size_t kind, const json_t *record)
{
	sqlite3_stmt **st = &d->insert[kind];
	int64_t subject = 0;
	int rc = prepare_once(d, st, kinds[kind].sql);

	if (rc == SQLITE_OK && kinds[kind].has_subject)
		rc = find_subject(d, record, &subject);
	if (rc == SQLITE_OK && kinds[kind].has_subject && subject == 0)
		rc = add_subject(d, record, &subject);
	if (rc != SQLITE_OK)
		return rc;
	if (kinds[kind].has_subject)
		sqlite3_bind_int64(*st, 1, subject);
	bind(*st, 2, json_object_get(record, "run"));
	for (int i = 0; i < MEMBERS_MAX && kinds[kind].members[i] != NULL; i++)
		bind(*st, 3 + i, json_object_get(record,
		    kinds[kind].members[i]));
	sqlite3_step(*st);
	return sqlite3_reset(*st);
}

static int
store_one(struct ledger_db *d, const json_t *record)
{
	const char *kind = json_string_value(json_object_get(record, "k"));
	int rc;

	for (size_t i = 0; i < KIND_COUNT; i++)
		if (str_equal(kinds[i].kind, kind)) {
			rc = insert(d, i, record);
			return (rc & 0xff) == SQLITE_CONSTRAINT ? SQLITE_OK :
			    rc;
		}
	return SQLITE_OK;
}

static int
store_all(struct ledger_db *d, json_t *records)
{
	const json_t *record;
	size_t i;
	int rc = sqlite3_exec(d->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);

	json_array_foreach(records, i, record)
		if (rc == SQLITE_OK)
			rc = store_one(d, record);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(d->db, "COMMIT", NULL, NULL, NULL);
	return rc;
}

int
ledger_db_store(struct ledger_db *d, json_t *records, bool *fresh,
    struct err *err)
{
	int rc;

	do {
		if (ledger_db_handle(d, err) == NULL)
			return -1;
		rc = store_all(d, records);
	} while (ledger_db_note(d, rc));
	if (rc != SQLITE_OK) {
		describe(d, rc, err);
		if (d->db != NULL && !sqlite3_get_autocommit(d->db))
			sqlite3_exec(d->db, "ROLLBACK", NULL, NULL, NULL);
		return -1;
	}
	*fresh = d->fresh;
	d->fresh = false;
	d->since_trim += (unsigned)json_array_size(records);
	return 0;
}

int
ledger_db_trim(struct ledger_db *d, int64_t now, struct err *err)
{
	int rc;

	if (ledger_db_handle(d, err) == NULL)
		return -1;
	if (d->since_trim < TRIM_EVERY)
		return 0;
	d->since_trim = 0;
	rc = ledger_trim(d->db, now);
	if (rc == SQLITE_OK)
		return 0;
	describe(d, rc, err);
	if (!sqlite3_get_autocommit(d->db))
		sqlite3_exec(d->db, "ROLLBACK", NULL, NULL, NULL);
	ledger_db_note(d, rc);
	return -1;
}
