/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SUPERVISOR_LEDGER_TRIM_H
#define HAWSER_SUPERVISOR_LEDGER_TRIM_H

#include <stdint.h>

struct sqlite3;

/*
 * ledger_trim: keeps the ledger's file within limits. Outages that are too many
 * become sums by day, the oldest first; what is too old goes, and so does what
 * nothing refers to.
 */

/*
 * What is kept: 35 MB if all hosts flap, with long sentences, and of the rest
 * 10 at most. Availability looks back for 30 days: what was watched is not
 * needed for longer.
 */
#define LEDGER_TRIM_DAYS	400	/* of outages and of sums */
#define LEDGER_TRIM_WATCH_DAYS	40
#define LEDGER_TRIM_OUTAGES_EACH	5000	/* of one host or forward */
#define LEDGER_TRIM_ROWS	100000	/* of each table */

/*
 * All of it or, with an SQLite error code other than SQLITE_OK, none. now: wall
 * time, ms.
 */
int ledger_trim(struct sqlite3 *, int64_t now);

#endif
