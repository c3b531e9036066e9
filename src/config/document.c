/* SPDX-License-Identifier: ISC */
#include "config/document.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "config/report.h"
#include "config/sshconf.h"
#include "config/value.h"

struct document *
document_new(const char *file, bool lends)
{
	struct document *d = mem_alloc(sizeof(*d));

	d->file = str_dup(file);
	d->lends = lends;
	document_add_block(d, BLOCK_TOP, 0);
	return d;
}

struct block *
document_add_block(struct document *d, enum block_kind kind, int line)
{
	d->blocks = mem_grow(d->blocks, d->count + 1, sizeof(*d->blocks));
	d->blocks[d->count] = (struct block){ .kind = kind, .line = line };
	return &d->blocks[d->count++];
}

struct entry *
document_add_entry(struct document *d, const struct keyword *keyword,
    int line)
{
	struct block *b = &d->blocks[d->count - 1];

	/* Room grows by doubling: a file may be one block of many lines. */
	if ((b->count & (b->count - 1)) == 0)
		b->entries = mem_grow(b->entries,
		    b->count == 0 ? 1 : 2 * b->count, sizeof(*b->entries));
	b->entries[b->count] = (struct entry){ .keyword = keyword,
	    .file = d->file, .line = line, .lent = d->lends };
	return &b->entries[b->count++];
}

static void
add_unknown(struct document *d, struct sshconf_line *line, int number)
{
	struct entry *e = document_add_entry(d, NULL, number);

	e->name = line->keyword;
	line->keyword = NULL;
	d->blocks[d->count - 1].always = true;
}

static int
begin_block(struct document *d, const struct keyword *k,
    const struct sshconf_line *line, int number, struct err *err)
{
	bool is_host = k->kind == KIND_HOST;
	struct block *b = document_add_block(d,
	    is_host ? BLOCK_HOST : BLOCK_MATCH, number);

	if (is_host)
		return value_parse(k, line, &b->patterns, err);
	if (match_parse(&b->match, line->argv, line->argc, err) == -1) {
		b->kind = BLOCK_HOST;	/* without patterns: never holds */
		return -1;
	}
	d->wants_final = d->wants_final || match_wants_final(&b->match);
	return 0;
}

/* Takes the keyword of a line that could be cut. 0, or -1 with err set. */
static int
take_line(struct document *d, struct sshconf_line *line, int number,
    struct err *err)
{
	const struct keyword *k = keyword_find(line->keyword);
	struct block *b;
	struct entry *e;

	if (k == NULL) {
		add_unknown(d, line, number);
		return 0;
	}
	if (k->kind == KIND_HOST || k->kind == KIND_MATCH)
		return begin_block(d, k, line, number, err);
	e = document_add_entry(d, k, number);
	b = &d->blocks[d->count - 1];
	if (value_parse(k, line, &e->value, err) == -1) {
		value_fini(&e->value);
		b->count--;
		return -1;
	}
	b->always = b->always || k->kind == KIND_INCLUDE;
	return 0;
}

static void
parse_line(struct document *d, const char *text, size_t n, int number,
    struct config *report)
{
	struct sshconf_line line;
	struct err err;
	int rc = sshconf_parse_line(&line, text, n, &err);

	if (rc == 0 && line.keyword != NULL)
		rc = take_line(d, &line, number, &err);
	if (rc == -1)
		report_add(report, d->lends || err.code == ERR_NOTFOUND ?
		    SEVERITY_WARNING : SEVERITY_ERROR, d->file, number, "%s",
		    err.text);
	sshconf_line_fini(&line);
}

/* Is it plain names, so that no other name can get in? */
static bool
is_plain(const struct block *b)
{
	if (b->kind != BLOCK_HOST || b->always)
		return false;
	for (size_t i = 0; i < b->patterns.count; i++)
		if (strpbrk(b->patterns.texts[i], "*?!") != NULL)
			return false;
	return true;
}

void
document_end(struct document *d)
{
	for (size_t i = 0; i < d->count; i++) {
		const struct block *b = &d->blocks[i];

		if (!is_plain(b))
			index_add_for_all(&d->index, i);
		for (size_t j = 0; j < b->patterns.count && is_plain(b); j++)
			index_add(&d->index, b->patterns.texts[j], i);
	}
}

struct document *
document_parse(const char *file, const char *bytes, size_t n,
    bool lends, struct config *report)
{
	struct document *d = document_new(file, lends);
	const char *p = bytes, *end = bytes + n;

	for (int number = 1; p < end; number++) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));
		size_t length = (size_t)((stop != NULL ? stop : end) - p);

		parse_line(d, p, length, number, report);
		p += length + 1;
	}
	document_end(d);
	return d;
}

static void
free_block(struct block *b)
{
	for (size_t i = 0; i < b->count; i++) {
		struct entry *e = &b->entries[i];

		free(e->name);
		value_fini(&e->value);
		document_list_fini(&e->includes);
	}
	free(b->entries);
	value_fini(&b->patterns);
	match_fini(&b->match);
}

void
document_free(struct document *d)
{
	if (d == NULL)
		return;
	for (size_t i = 0; i < d->count; i++)
		free_block(&d->blocks[i]);
	index_fini(&d->index);
	free(d->blocks);
	free(d->file);
	free(d);
}

/* Is there anything in it for names that it doesn't name? */
static bool
matters_to_all(const struct document *d)
{
	for (size_t i = 0; i < d->index.all_count; i++)
		if (d->blocks[d->index.all[i]].count > 0)
			return true;
	return d->wants_final;
}

void
document_complain(struct config *report, enum severity severity,
    const struct entry *e, const char *fmt, ...)
{
	static const struct entry nowhere;
	va_list ap;

	if (e == NULL)
		e = &nowhere;
	va_start(ap, fmt);
	report_add_list(report, severity, e->file, e->line, e->column, fmt,
	    ap);
	va_end(ap);
}

char *
document_place(const struct entry *e)
{
	return report_place(e->file, e->line, e->column);
}

void
document_list_add(struct document_list *l, struct document *d)
{
	if (d == NULL)
		return;
	if (matters_to_all(d))
		index_add_for_all(&l->index, l->count);
	else
		for (size_t i = 0; i < d->count; i++)
			for (size_t j = 0; j < d->blocks[i].patterns.count; j++)
				index_add(&l->index,
				    d->blocks[i].patterns.texts[j], l->count);
	if ((l->count & (l->count - 1)) == 0)
		l->documents = mem_grow(l->documents,
		    l->count == 0 ? 1 : 2 * l->count, sizeof(*l->documents));
	l->documents[l->count++] = d;
	l->wants_final = l->wants_final || d->wants_final;
}

void
document_list_fini(struct document_list *l)
{
	for (size_t i = 0; i < l->count; i++)
		document_free(l->documents[i]);
	free(l->documents);
	index_fini(&l->index);
	*l = (struct document_list){ 0 };
}
