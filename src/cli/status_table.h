/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CLI_STATUS_TABLE_H
#define HAWSER_CLI_STATUS_TABLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "cli/table.h"

/*
 * status_table: the answer of GET /v1/status as people read it: one line per
 * host, one indented line per forward. Pure. Fields that are missing or of
 * another type are left out; nothing in the answer is trusted to be short or
 * printable.
 */

/*
 * Appends the table of all hosts in status. now_ms (since 1970) is what
 * "3 m 12 s" and "in 43 s" are counted from.
 */
void status_table(const json_t *status, int64_t now_ms, bool colour,
    struct str *out);

/*
 * What there is to say of one host beside its state, for an empty out: why it
 * isn't up, what comes next. Mostly nothing if it is up.
 */
void status_host_detail(const json_t *host, int64_t now_ms, struct str *out);

/* The colour of a host's or forward's state. */
enum tint status_tint(const char *state);

#endif
