/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CLI_HISTORY_TABLE_H
#define HAWSER_CLI_HISTORY_TABLE_H

#include <jansson.h>
#include <stdbool.h>

#include "base/str.h"

/*
 * Appends what GET /v1/history answered, for people: the outages, the oldest
 * first, then the sums. Pure.
 */
void history_table(const json_t *history, bool colour, struct str *out);

#endif
