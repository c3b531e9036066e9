/* SPDX-License-Identifier: ISC */
#include "cli/table.h"

#include <assert.h>
#include <stdlib.h>

#include "cli/text.h"

#define COLUMNS_MAX	16
#define GAP		2	/* spaces between columns */

/* SGR sequences (ECMA-48 8.3.117); all are ended by SGR 0. */
static const char *const sgr[] = {
	[TINT_NONE] = "",
	[TINT_HEAD] = "\033[1m",
	[TINT_GOOD] = "\033[32m",
	[TINT_BUSY] = "\033[33m",
	[TINT_BAD] = "\033[31m",
	[TINT_FAINT] = "\033[2m",
};

static_assert(sizeof(sgr) / sizeof(sgr[0]) == TINT_COUNT,
    "every tint has a sequence");

struct cell {
	char *text;		/* clean; owned */
	enum tint tint;
};

struct row {
	size_t indent;
	size_t count;
	struct cell cells[COLUMNS_MAX];
};

struct table {
	size_t columns;
	size_t count;
	struct row *rows;
};

struct table *
table_new(size_t columns)
{
	struct table *t = mem_alloc(sizeof(*t));

	assert(columns >= 1 && columns <= COLUMNS_MAX);
	t->columns = columns;
	return t;
}

void
table_free(struct table *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->count; i++)
		for (size_t j = 0; j < t->rows[i].count; j++)
			free(t->rows[i].cells[j].text);
	free(t->rows);
	free(t);
}

void
table_row(struct table *t, size_t indent)
{
	t->rows = mem_grow(t->rows, t->count + 1, sizeof(*t->rows));
	t->rows[t->count++] = (struct row){ .indent = indent };
}

void
table_cell(struct table *t, enum tint tint, const char *text)
{
	struct row *row = &t->rows[t->count - 1];
	struct str clean;

	assert(row->count < t->columns);
	str_init(&clean);
	text_append_clean(&clean, text != NULL ? text : "");
	row->cells[row->count++] = (struct cell){
	    .text = str_take(&clean), .tint = tint };
}

/* The columns of a terminal that a cell takes, its indent included. */
static size_t
width_of(const struct row *row, size_t column)
{
	return (column == 0 ? row->indent : 0) +
	    text_width(row->cells[column].text);
}

static void
measure(const struct table *t, size_t *widths)
{
	for (size_t i = 0; i < t->count; i++)
		for (size_t j = 0; j < t->rows[i].count; j++) {
			size_t width = width_of(&t->rows[i], j);

			if (width > widths[j])
				widths[j] = width;
		}
}

static void
pad(struct str *out, size_t n)
{
	str_printf(out, "%*s", (int)n, "");
}

static void
print_row(const struct row *row, const size_t *widths, bool colour,
    struct str *out)
{
	size_t last = row->count, owed = row->indent;

	while (last > 0 && row->cells[last - 1].text[0] == '\0')
		last--;
	for (size_t j = 0; j < last; j++) {
		const struct cell *cell = &row->cells[j];
		bool tinted = colour && cell->tint != TINT_NONE &&
		    cell->text[0] != '\0';

		pad(out, owed);
		if (tinted)
			str_append(out, sgr[cell->tint]);
		str_append(out, cell->text);
		if (tinted)
			str_append(out, "\033[0m");
		owed = widths[j] - width_of(row, j) + GAP;
	}
	str_append(out, "\n");
}

void
table_print(const struct table *t, bool colour, struct str *out)
{
	size_t widths[COLUMNS_MAX] = { 0 };

	measure(t, widths);
	for (size_t i = 0; i < t->count; i++)
		print_row(&t->rows[i], widths, colour, out);
}
