/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CLI_STATUS_TABLE_H
#define HAWSER_CLI_STATUS_TABLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

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

#endif
