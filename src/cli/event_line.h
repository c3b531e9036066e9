/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CLI_EVENT_LINE_H
#define HAWSER_CLI_EVENT_LINE_H

#include <jansson.h>
#include <stdbool.h>

#include "base/str.h"

/*
 * event_line: one event of GET /v1/events as people read it:
 * "12:04:10  vps  R:2222  held: ...". Pure but for the time zone.
 */

/* Appends the line; nothing of an event that isn't for people. */
void event_line(const json_t *event, bool colour, struct str *out);

#endif
