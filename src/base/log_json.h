/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_BASE_LOG_JSON_H
#define HAWSER_BASE_LOG_JSON_H

#include <stddef.h>

/*
 * log_json: one event of the log as one JSON object. Writes into a buffer, so
 * that logging never needs memory.
 */

struct log_json_event {
	const char *time;	/* RFC 3339 */
	const char *level;
	const char *who;
	const char *text;	/* a clause, then key=value pairs */
};

/*
 * Writes {"time":…,"level":…,"who":…,"msg":…} and one member for each pair at
 * the end of text; a value may be in quotes, as in why="no route". All are
 * strings, lest a member's type hang on its value. A pair with the key of
 * another member gets "_" before it. Bytes that aren't UTF-8 become U+FFFD.
 * What doesn't fit is left out. The length without the NUL; out holds at least
 * 256 bytes.
 */
size_t log_json(char *out, size_t size, const struct log_json_event *);

#endif
