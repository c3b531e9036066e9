/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CLI_TABLE_H
#define HAWSER_CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

/*
 * table: rows of text in aligned columns, with colours for a terminal. Pure:
 * what it prints goes to a string. Cells are made safe by cli/text.h, so any
 * text may be put into one.
 */

enum tint {
	TINT_NONE,
	TINT_HEAD,		/* headings */
	TINT_GOOD,
	TINT_BUSY,		/* on its way; not yet good, not bad */
	TINT_BAD,
	TINT_FAINT,
	TINT_COUNT
};

struct table;

/* New; the caller frees it with table_free. columns is 1..16. */
struct table *table_new(size_t columns);
void table_free(struct table *);

/* Begins a row; its first cell is indented by this many spaces. */
void table_row(struct table *, size_t indent);

/*
 * Adds the next cell to the row that was begun last. Cells that aren't added
 * are empty. NULL is an empty cell.
 */
void table_cell(struct table *, enum tint, const char *text);

/*
 * Appends all rows, two spaces between columns, no spaces at the ends of
 * lines. The last column isn't padded and may be of any length.
 */
void table_print(const struct table *, bool colour, struct str *out);

#endif
