/* SPDX-License-Identifier: ISC */
#include "config/assemble.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "config/report.h"

static void
add(struct str *out, const char *name, size_t n)
{
	if (out->len > 0)
		str_append(out, ",");
	str_append_n(out, name, n);
}

/* Adds the name unless it is there. */
static void
add_once(struct str *out, const char *name, size_t n)
{
	if (out->len == 0 || !algorithm_is_in(out->p, name, n))
		add(out, name, n);
}

static bool
is_pattern(const char *name, size_t n)
{
	return memchr(name, '*', n) != NULL || memchr(name, '?', n) != NULL;
}

/* Does the name, of n bytes, match the pattern, of m? */
static bool
matches(const char *name, size_t n, const char *pattern, size_t m)
{
	char *text = str_dupf("%.*s", (int)n, name);
	char *like = str_dupf("%.*s", (int)m, pattern);
	bool yes = str_match(text, like);

	free(like);
	free(text);
	return yes;
}

/*
 * The names of a list, out of all: patterns stand for what they match. What
 * isn't there goes to dropped.
 */
static void
add_names(struct str *out, const char *list, const char *all,
    struct str *dropped)
{
	const char *name, *other;
	size_t n, m;

	while ((n = algorithm_next(&list, &name)) > 0) {
		if (!is_pattern(name, n)) {
			add_once(algorithm_is_in(all, name, n) ? out :
			    dropped, name, n);
			continue;
		}
		for (const char *p = all; (m = algorithm_next(&p,
		    &other)) > 0;)
			if (matches(other, m, name, n))
				add_once(out, other, m);
	}
}

/* Does a name match a list of patterns, and none of those with "!"? */
static bool
is_matched(const char *name, size_t n, const char *patterns)
{
	bool matched = false, denied = false;
	const char *p;
	size_t m;

	while ((m = algorithm_next(&patterns, &p)) > 0)
		if (*p == '!')
			denied |= matches(name, n, p + 1, m - 1);
		else
			matched |= matches(name, n, p, m);
	return matched && !denied;
}

void
assemble_names(struct str *out, const char *text, const char *usual,
    const char *all, struct str *dropped)
{
	const char *name;
	size_t n;

	switch (*text) {
	case '-':
		while ((n = algorithm_next(&usual, &name)) > 0)
			if (!is_matched(name, n, text + 1))
				add(out, name, n);
		break;
	case '+':
		add_names(out, usual, all, dropped);
		add_names(out, text + 1, all, dropped);
		break;
	case '^':
		add_names(out, text + 1, all, dropped);
		add_names(out, usual, all, dropped);
		break;
	default:
		add_names(out, text, all, dropped);
		break;
	}
}

/* The kind of list that a keyword is about. */
static enum algorithm_kind
kind_of(const struct keyword *k)
{
	int i = 0;

	while (i < ALGORITHM_KIND_COUNT - 1 && strcmp(algorithm_keyword(
	    (enum algorithm_kind)i), k->name) != 0)
		i++;
	return (enum algorithm_kind)i;
}

/* Lines for ssh alone may name what ssh alone can do. */
static void
complain(const struct entry *e, enum algorithm_kind kind, const char *names,
    const struct str *dropped, struct config *report)
{
	struct str weak;
	const char *name;
	size_t n;

	if (e->lent)
		return;
	str_init(&weak);
	while ((n = algorithm_next(&names, &name)) > 0)
		if (algorithm_is_weak(kind, name, n))
			add(&weak, name, n);
	if (dropped->len > 0)
		document_complain(report, SEVERITY_WARNING, e,
		    "%s: hawser can't do %s and goes on without",
		    e->keyword->name, dropped->p);
	if (weak.len > 0)
		document_complain(report, SEVERITY_WARNING, e,
		    "%s allows %s, which is no longer safe: only for a server "
		    "that can do nothing better", e->keyword->name, weak.p);
	str_fini(&weak);
}

void
assemble_list(struct algorithm_list *out, const struct keyword *k,
    const struct resolution *r, struct config *report)
{
	const struct entry *e = resolution_entry(r, keyword_id(k));
	const enum algorithm_kind kind = kind_of(k);
	struct str names, usual, all, dropped;

	if (e == NULL)
		return;
	str_init(&names);
	str_init(&usual);
	str_init(&all);
	str_init(&dropped);
	algorithm_append(&usual, kind, false);
	algorithm_append(&all, kind, true);
	assemble_names(&names, e->value.texts[0], usual.p, all.p, &dropped);
	if (names.len == 0) {
		document_complain(report, SEVERITY_ERROR, e,
		    "%s leaves nothing that hawser can do; at least one of "
		    "these is needed: %s", k->name, all.p);
	} else {
		complain(e, kind, names.p, &dropped, report);
		out->names = str_take(&names);
		out->origin = document_place(e);
		str_make_printable(out->origin);	/* for sentences */
		/* ssh, too, sorts what is only added or taken out. */
		out->is_arranged = strchr("+-", e->value.texts[0][0]) == NULL;
	}
	str_fini(&names);
	str_fini(&usual);
	str_fini(&all);
	str_fini(&dropped);
}

void
assemble_append(struct str *out, const struct keyword *k,
    const struct algorithm_list *l)
{
	if (l->names != NULL)
		str_append(out, l->names);
	else
		algorithm_append(out, kind_of(k), false);
}
