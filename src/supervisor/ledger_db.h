/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SUPERVISOR_LEDGER_DB_H
#define HAWSER_SUPERVISOR_LEDGER_DB_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/*
 * ledger_db: the ledger's file, an SQLite database. Used by the ledger child
 * alone, as every call may wait for a disk.
 *
 * The tables are those of ledger_watch.h's records, and "day": sums of outages
 * that are too old or too many to be kept one by one. A file that is broken is
 * set aside (PATH.corrupt-SECONDS, the newest LEDGER_DB_ASIDE_MAX of them are
 * kept) and a new one begun. One of a newer version is not touched.
 */
struct ledger_db;
struct sqlite3;

#define LEDGER_DB_VERSION	1	/* PRAGMA user_version */
#define LEDGER_DB_ASIDE_MAX	3

/* New, not open yet: that happens when it is used, and again after errors. */
struct ledger_db *ledger_db_new(const char *path);
void ledger_db_free(struct ledger_db *);	/* also NULL */

/*
 * Stores all records, or none. Those that don't make sense are left out. 0 and
 * *fresh (the file is a new one, it replaces one that is gone or broken); -1
 * with err set: ERR_PERM if the file is a newer hawser's, else it may go better
 * later.
 */
int ledger_db_store(struct ledger_db *, json_t *records, bool *fresh,
    struct err *);

/*
 * The open database, for reading. NULL with err set. Whoever finds it broken
 * says so by ledger_db_note().
 */
struct sqlite3 *ledger_db_handle(struct ledger_db *, struct err *);

/*
 * An SQLite error code became known: if it says that the file is broken, it is
 * set aside, and true is returned: try again.
 */
bool ledger_db_note(struct ledger_db *, int code);

/* Makes room, once in a while, as ledger_trim.h says. now: wall time, ms. */
int ledger_db_trim(struct ledger_db *, int64_t now, struct err *);

#endif
