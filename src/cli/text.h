/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CLI_TEXT_H
#define HAWSER_CLI_TEXT_H

#include <stddef.h>

#include "base/str.h"

/*
 * text: words that come from servers and files, made safe for a terminal.
 * Pure, and without the C library's locale: a container has none.
 */

/*
 * Appends text with each control character, each invisible character that
 * changes the direction of writing and each byte that isn't UTF-8 replaced by
 * '?'. What is appended stays on one line and cannot steer a terminal.
 */
void text_append_clean(struct str *out, const char *text);

/*
 * The columns that UTF-8 text takes on a terminal: 0 for combining marks, 2
 * for wide characters, 1 for the rest and for bytes that aren't UTF-8.
 */
size_t text_width(const char *text);

#endif
