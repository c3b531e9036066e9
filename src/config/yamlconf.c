/* SPDX-License-Identifier: ISC */
#include "config/yamlconf.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "config/index.h"
#include "config/scalar.h"
#include "config/snake.h"
#include "config/yamlread.h"

/* What one file has said so far. */
struct file {
	struct yamlconf out;
	struct index names;		/* of hosts: their lines */
	int lines[2];			/* of the parts; 0: not there */
	size_t values;
};

/* The keywords of one host or of the defaults. */
struct stanza {
	struct file *file;
	struct document *document;
	int lines[KEYWORD_COUNT];	/* where each stands; 0: nowhere */
	const struct keyword *keyword;	/* the one being read */
	const char *name;		/* and its name here */
};

/* Counts a host, or a value that is kept. */
static int
count(struct yamlread *r, struct file *f)
{
	if (++f->values <= YAMLCONF_VALUES_MAX)
		return 0;
	yamlread_complain(r, "there are more than %d hosts and values in this "
	    "file", YAMLCONF_VALUES_MAX);
	return -1;
}

/* A new entry for a value at this place. */
static struct value *
begin_entry(struct stanza *s, int line, int column)
{
	struct entry *e = document_add_entry(s->document, s->keyword, line);

	e->column = column;
	return &e->value;
}

/* Ends it: it stays if rc is 0, else what is wrong is told. */
static void
end_entry(struct yamlread *r, struct stanza *s, int rc,
    const struct err *err)
{
	struct block *b = &s->document->blocks[s->document->count - 1];
	struct entry *e = &b->entries[b->count - 1];

	if (rc == 0)
		return;
	yamlread_complain_at(r, e->line, e->column, "%s", err->text);
	value_fini(&e->value);
	b->count--;
}

static int
read_text(struct yamlread *r, struct stanza *s)
{
	const char *text = yamlread_text(r, s->name);
	struct value *v;
	struct err err;

	if (text == NULL)
		return 0;
	if (count(r, s->file) == -1)
		return -1;
	v = begin_entry(s, yamlread_line(r), yamlread_column(r));
	end_entry(r, s, scalar_parse(s->keyword, text, v, &err), &err);
	return 0;
}

/* The sides of a forward that is a map. */
struct sides {
	char *listen, *target;
	bool broken;
};

static int
take_side(struct yamlread *r, const struct yamlread_key *key, void *arg)
{
	struct sides *sides = arg;
	char **side = strcmp(key->text, "listen") == 0 ? &sides->listen :
	    strcmp(key->text, "target") == 0 ? &sides->target : NULL;
	const char *text;

	if (side == NULL)
		yamlread_complain_at(r, key->line, key->column, "a forward "
		    "has listen and target, but no \"%s\"", key->text);
	else if (*side != NULL)
		yamlread_complain_at(r, key->line, key->column,
		    "%s stands here twice", key->text);
	else if (yamlread_node(r) != YAMLREAD_TEXT)
		yamlread_complain(r, "%s has to be a text", key->text);
	else if ((text = yamlread_text(r, key->text)) != NULL) {
		*side = str_dup(text);
		return 0;
	}
	sides->broken = true;
	return yamlread_skip(r);
}

static int
read_forward(struct yamlread *r, struct stanza *s)
{
	struct sides sides = { 0 };
	int line = yamlread_line(r), column = yamlread_column(r), rc;
	struct value *v;
	struct err err;

	rc = count(r, s->file) == -1 ? -1 :
	    yamlread_map(r, take_side, &sides);
	if (rc == 0 && !sides.broken && sides.listen == NULL) {
		yamlread_complain_at(r, line, column,
		    "%s needs listen: here", s->name);
	} else if (rc == 0 && !sides.broken) {
		v = begin_entry(s, line, column);
		end_entry(r, s, scalar_parse_forward(s->keyword, sides.listen,
		    sides.target, v, &err), &err);
	}
	free(sides.listen);
	free(sides.target);
	return rc;
}

/* One value of the stanza's keyword. */
static int
read_item(struct yamlread *r, void *arg)
{
	struct stanza *s = arg;
	bool is_forward = scalar_is_forward(s->keyword);

	if (yamlread_node(r) == YAMLREAD_TEXT)
		return read_text(r, s);
	if (yamlread_node(r) == YAMLREAD_MAP && is_forward)
		return read_forward(r, s);
	yamlread_complain(r, "%s has to be %s", s->name, is_forward ?
	    "a text or a map with listen and target" :
	    "a text, a number, or yes or no");
	return yamlread_skip(r);
}

/* A list of which the items are together one value. */
struct words {
	struct stanza *stanza;
	struct value texts;
	bool broken;
};

static int
take_word(struct yamlread *r, void *arg)
{
	struct words *w = arg;
	const char *text = NULL;

	if (yamlread_node(r) == YAMLREAD_TEXT)
		text = yamlread_text(r, w->stanza->name);
	else
		yamlread_complain(r, "each item of %s has to be a text",
		    w->stanza->name);
	if (text != NULL) {
		value_add(&w->texts, str_dup(text));
		return count(r, w->stanza->file);
	}
	w->broken = true;
	return yamlread_skip(r);
}

static int
read_words(struct yamlread *r, struct stanza *s)
{
	int line = yamlread_line(r), column = yamlread_column(r), rc;
	struct words w = { .stanza = s };
	struct value *v;
	struct err err;

	rc = yamlread_list(r, take_word, &w);
	if (rc == 0 && !w.broken) {
		v = begin_entry(s, line, column);
		end_entry(r, s, scalar_parse_list(s->keyword, w.texts.texts,
		    w.texts.count, v, &err), &err);
	}
	value_fini(&w.texts);
	return rc;
}

static int
read_list(struct yamlread *r, struct stanza *s)
{
	switch (scalar_list(s->keyword)) {
	case SCALAR_LINES:
		return yamlread_list(r, read_item, s);
	case SCALAR_WORDS:
	case SCALAR_COMMAS:
		return read_words(r, s);
	case SCALAR_ONE:
		break;
	}
	yamlread_complain(r, "%s takes one value, not a list", s->name);
	return yamlread_skip(r);
}

static int
complain_of_unknown(struct yamlread *r, const struct yamlread_key *key)
{
	char *nearest = snake_nearest(key->text);

	if (nearest != NULL)
		yamlread_complain_at(r, key->line, key->column, "there is no "
		    "keyword \"%s\"; did you mean %s?", key->text, nearest);
	else
		yamlread_complain_at(r, key->line, key->column,
		    "there is no keyword \"%s\"", key->text);
	free(nearest);
	return yamlread_skip(r);
}

static int
take_keyword(struct yamlread *r, const struct yamlread_key *key, void *arg)
{
	struct stanza *s = arg;
	int *stands;

	if ((s->keyword = snake_find(key->text)) == NULL)
		return complain_of_unknown(r, key);
	s->name = key->text;
	stands = &s->lines[keyword_id(s->keyword)];
	if (*stands != 0) {
		yamlread_complain_at(r, key->line, key->column, "%s stands "
		    "here twice, first in line %d", key->text, *stands);
		return yamlread_skip(r);
	}
	*stands = key->line;
	if (yamlread_node(r) == YAMLREAD_LIST)
		return read_list(r, s);
	return read_item(r, s);
}

/* The keywords of a host or the defaults; there may be none. */
static int
read_stanza(struct yamlread *r, struct file *f, struct document *d,
    const char *name)
{
	struct stanza s = { .file = f, .document = d };

	if (yamlread_node(r) == YAMLREAD_MAP)
		return yamlread_map(r, take_keyword, &s);
	if (!yamlread_is_null(r))
		yamlread_complain(r, "%s has to be a map of keywords", name);
	return yamlread_skip(r);
}

static int
take_host(struct yamlread *r, const struct yamlread_key *key, void *arg)
{
	struct file *f = arg;
	struct index_walk walk = index_walk(&f->names, key->text);
	struct block *b;
	size_t first;

	if (count(r, f) == -1)
		return -1;
	if (index_next(&walk, &first)) {
		yamlread_complain_at(r, key->line, key->column, "the host "
		    "\"%s\" stands here twice, first in line %zu", key->text,
		    first);
		return yamlread_skip(r);
	}
	if (*key->text == '\0' || strpbrk(key->text, "*?!") != NULL) {
		yamlread_complain_at(r, key->line, key->column, "\"%s\" is "
		    "no host's name; defaults: holds what all hosts share",
		    key->text);
		return yamlread_skip(r);
	}
	b = document_add_block(f->out.hosts, BLOCK_HOST, key->line);
	b->column = key->column;
	value_add(&b->patterns, str_dup(key->text));
	index_add(&f->names, b->patterns.texts[0], (size_t)key->line);
	return read_stanza(r, f, f->out.hosts, key->text);
}

static int
read_hosts(struct yamlread *r, struct file *f)
{
	if (yamlread_node(r) == YAMLREAD_MAP)
		return yamlread_map(r, take_host, f);
	if (!yamlread_is_null(r))
		yamlread_complain(r, "hosts has to be a map from names to "
		    "their keywords");
	return yamlread_skip(r);
}

static int
take_part(struct yamlread *r, const struct yamlread_key *key, void *arg)
{
	static const char *const parts[] = { "hosts", "defaults" };
	struct file *f = arg;
	int part = strcmp(key->text, parts[0]) == 0 ? 0 :
	    strcmp(key->text, parts[1]) == 0 ? 1 : -1;
	const char *nearest;

	if (part == -1) {
		nearest = str_nearest(key->text, parts, 2);
		yamlread_complain_at(r, key->line, key->column, "a file has "
		    "hosts and defaults, but no \"%s\"%s%s%s", key->text,
		    nearest != NULL ? "; did you mean " : "",
		    nearest != NULL ? nearest : "",
		    nearest != NULL ? "?" : "");
		return yamlread_skip(r);
	}
	if (f->lines[part] != 0) {
		yamlread_complain_at(r, key->line, key->column, "%s stands "
		    "here twice, first in line %d", key->text,
		    f->lines[part]);
		return yamlread_skip(r);
	}
	f->lines[part] = key->line;
	return part == 0 ? read_hosts(r, f) :
	    read_stanza(r, f, f->out.defaults, "defaults");
}

static int
read_root(struct yamlread *r, void *arg)
{
	if (yamlread_node(r) == YAMLREAD_MAP)
		return yamlread_map(r, take_part, arg);
	if (!yamlread_is_null(r))
		yamlread_complain(r,
		    "the file has to be a map with hosts and defaults");
	return yamlread_skip(r);
}

struct yamlconf
yamlconf_parse(const char *file, const char *bytes, size_t n,
    struct config *report)
{
	struct file f = { 0 };

	f.out.hosts = document_new(file, false);
	f.out.hosts->is_sole = true;
	f.out.defaults = document_new(file, false);
	yamlread_file(file, bytes, n, read_root, &f, report);
	index_fini(&f.names);
	document_end(f.out.hosts);
	document_end(f.out.defaults);
	return f.out;
}
