/* SPDX-License-Identifier: ISC */
#include "config/report.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/str.h"

static bool
is_known(const struct config *c, const char *file, int line, int column,
    const char *text)
{
	for (size_t i = c->diagnostic_count; i-- > 0;) {
		const struct diagnostic *d = &c->diagnostics[i];

		if (d->line == line && d->column == column &&
		    str_equal(d->file, file) && str_equal(d->text, text))
			return true;
	}
	return false;
}

void
report_add_list(struct config *c, enum severity severity, const char *file,
    int line, int column, const char *fmt, va_list ap)
{
	char text[ERR_TEXT_SIZE];

	vsnprintf(text, sizeof(text), fmt, ap);
	if (c->diagnostic_count > REPORT_MAX ||
	    is_known(c, file, line, column, text))
		return;
	if (c->diagnostic_count == REPORT_MAX) {
		severity = SEVERITY_ERROR;
		file = NULL;
		line = column = 0;
		snprintf(text, sizeof(text),
		    "more than %d complaints: the rest isn't listed",
		    REPORT_MAX);
	}
	c->diagnostics = mem_grow(c->diagnostics, c->diagnostic_count + 1,
	    sizeof(*c->diagnostics));
	c->diagnostics[c->diagnostic_count++] = (struct diagnostic){
		.severity = severity,
		.file = file != NULL ? str_dup(file) : NULL,
		.line = line,
		.column = column,
		.text = str_dup(text),
	};
}

void
report_add(struct config *c, enum severity severity, const char *file,
    int line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report_add_list(c, severity, file, line, 0, fmt, ap);
	va_end(ap);
}

void
report_add_at(struct config *c, enum severity severity, const char *file,
    int line, int column, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report_add_list(c, severity, file, line, column, fmt, ap);
	va_end(ap);
}

char *
report_place(const char *file, int line, int column)
{
	return column > 0 ? str_dupf("%s:%d:%d", file, line, column) :
	    str_dupf("%s:%d", file, line);
}

/* A diagnostic, the place of its file, and its own place. */
struct place {
	struct diagnostic diagnostic;
	size_t file, own;
};

static int
compare(const void *va, const void *vb)
{
	const struct place *a = va, *b = vb;

	if (a->file != b->file)
		return a->file < b->file ? -1 : 1;
	if (a->diagnostic.line != b->diagnostic.line)
		return a->diagnostic.line - b->diagnostic.line;
	if (a->diagnostic.column != b->diagnostic.column)
		return a->diagnostic.column - b->diagnostic.column;
	return a->own < b->own ? -1 : 1;
}

void
report_sort(struct config *c)
{
	struct place *places =
	    mem_alloc(c->diagnostic_count * sizeof(*places));

	for (size_t i = 0; i < c->diagnostic_count; i++) {
		size_t first = 0;

		while (!str_equal(c->diagnostics[first].file,
		    c->diagnostics[i].file))
			first++;
		places[i] = (struct place){ c->diagnostics[i], first, i };
	}
	if (c->diagnostic_count > 0)
		qsort(places, c->diagnostic_count, sizeof(*places), compare);
	for (size_t i = 0; i < c->diagnostic_count; i++)
		c->diagnostics[i] = places[i].diagnostic;
	free(places);
}
