/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CLI_FIELD_H
#define HAWSER_CLI_FIELD_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * field: members of what hawserd says, whatever is missing or of another type
 * in it. The object may be NULL.
 */

/* A text, or "". Borrowed. */
const char *field_text(const json_t *object, const char *name);

/* An integer, or 0. */
int64_t field_number(const json_t *object, const char *name);

/* Puts a time into *ms (since 1970); false if the member holds none. */
bool field_time(const json_t *object, const char *name, int64_t *ms);

#endif
