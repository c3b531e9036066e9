/* SPDX-License-Identifier: ISC */
#include "config/yamlread.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/str.h"
#include "config/report.h"

#define HINT	"defaults: holds what all hosts share"

struct yamlread {
	yaml_parser_t parser;
	yaml_event_t event;		/* the one being looked at */
	const char *file;
	const char *bytes;		/* for the place of a broken one */
	struct config *report;
	int depth;
};

__attribute__((format(printf, 4, 0)))
static void
complain(struct yamlread *r, int line, int column, const char *fmt,
    va_list ap)
{
	char text[ERR_TEXT_SIZE];

	vsnprintf(text, sizeof(text), fmt, ap);
	report_add_at(r->report, SEVERITY_ERROR, r->file, line, column, "%s",
	    text);
}

void
yamlread_complain_at(struct yamlread *r, int line, int column,
    const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complain(r, line, column, fmt, ap);
	va_end(ap);
}

void
yamlread_complain(struct yamlread *r, const char *fmt, ...)
{
	va_list ap;

	if (r->event.type == YAML_ALIAS_EVENT)
		return;
	va_start(ap, fmt);
	complain(r, yamlread_line(r), yamlread_column(r), fmt, ap);
	va_end(ap);
}

int
yamlread_line(const struct yamlread *r)
{
	return (int)r->event.start_mark.line + 1;
}

int
yamlread_column(const struct yamlread *r)
{
	return (int)r->event.start_mark.column + 1;
}

/* The reader of bytes stops ahead of the parser, and knows only the offset. */
static void
complain_of_byte(struct yamlread *r)
{
	int line = 1, column = 1;

	for (size_t i = 0; i < r->parser.problem_offset; i++) {
		unsigned char c = (unsigned char)r->bytes[i];

		if (c == '\n') {
			line++;
			column = 0;
		}
		column += (c & 0xc0) != 0x80;
	}
	yamlread_complain_at(r, line, column,
	    "a byte that can't stand in YAML in UTF-8 (%s)",
	    r->parser.problem);
}

static void
complain_of_parser(struct yamlread *r)
{
	const yaml_parser_t *p = &r->parser;
	int line = (int)p->problem_mark.line + 1;
	int column = (int)p->problem_mark.column + 1;

	if (p->error == YAML_READER_ERROR)
		complain_of_byte(r);
	else if (p->context != NULL)
		yamlread_complain_at(r, line, column,
		    "it isn't YAML: %s, %s from line %d on", p->problem,
		    p->context, (int)p->context_mark.line + 1);
	else
		yamlread_complain_at(r, line, column, "it isn't YAML: %s",
		    p->problem != NULL ? p->problem : "memory is out");
}

/* The anchor and the tag of the event, NULL where there is none. */
static void
find_properties(const yaml_event_t *e, const yaml_char_t **anchor,
    const yaml_char_t **tag)
{
	*anchor = *tag = NULL;
	if (e->type == YAML_SCALAR_EVENT) {
		*anchor = e->data.scalar.anchor;
		*tag = e->data.scalar.tag;
	} else if (e->type == YAML_SEQUENCE_START_EVENT) {
		*anchor = e->data.sequence_start.anchor;
		*tag = e->data.sequence_start.tag;
	} else if (e->type == YAML_MAPPING_START_EVENT) {
		*anchor = e->data.mapping_start.anchor;
		*tag = e->data.mapping_start.tag;
	}
}

static bool
is_begin(const struct yamlread *r)
{
	return r->event.type == YAML_SEQUENCE_START_EVENT ||
	    r->event.type == YAML_MAPPING_START_EVENT;
}

static bool
is_end(const struct yamlread *r)
{
	return r->event.type == YAML_SEQUENCE_END_EVENT ||
	    r->event.type == YAML_MAPPING_END_EVENT;
}

/* What YAML has and we don't take. */
static int
check_event(struct yamlread *r)
{
	const yaml_char_t *anchor, *tag;

	find_properties(&r->event, &anchor, &tag);
	if (r->event.type == YAML_ALIAS_EVENT)
		yamlread_complain_at(r, yamlread_line(r), yamlread_column(r),
		    "aliases (*%s) aren't taken: " HINT,
		    (const char *)r->event.data.alias.anchor);
	if (anchor != NULL)
		yamlread_complain(r, "anchors (&%s) aren't taken: " HINT,
		    (const char *)anchor);
	if (tag != NULL)
		yamlread_complain(r, "tags (%s) aren't taken",
		    (const char *)tag);
	if (r->depth <= YAMLREAD_DEPTH_MAX)
		return 0;
	yamlread_complain(r, "maps and lists are nested more than %d deep",
	    YAMLREAD_DEPTH_MAX);
	return -1;
}

/* On to the next event. */
static int
next(struct yamlread *r)
{
	yaml_event_delete(&r->event);
	if (!yaml_parser_parse(&r->parser, &r->event)) {
		complain_of_parser(r);
		return -1;
	}
	r->depth += is_begin(r) ? 1 : is_end(r) ? -1 : 0;
	return check_event(r);
}

enum yamlread_node
yamlread_node(const struct yamlread *r)
{
	switch ((int)r->event.type) {
	case YAML_SEQUENCE_START_EVENT:
		return YAMLREAD_LIST;
	case YAML_MAPPING_START_EVENT:
		return YAMLREAD_MAP;
	case YAML_ALIAS_EVENT:
		return YAMLREAD_ALIAS;
	default:
		return YAMLREAD_TEXT;
	}
}

int
yamlread_skip(struct yamlread *r)
{
	int outside = r->depth - (is_begin(r) ? 1 : 0);

	while (r->depth > outside)
		if (next(r) == -1)
			return -1;
	return 0;
}

bool
yamlread_is_null(const struct yamlread *r)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL" };
	const char *text = (const char *)r->event.data.scalar.value;

	if (r->event.type != YAML_SCALAR_EVENT ||
	    r->event.data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return false;
	for (size_t i = 0; i < sizeof(nulls) / sizeof(nulls[0]); i++)
		if (strcmp(text, nulls[i]) == 0)
			return true;
	return false;
}

const char *
yamlread_text(struct yamlread *r, const char *name)
{
	const char *text = (const char *)r->event.data.scalar.value;

	if (yamlread_is_null(r))
		yamlread_complain(r, "%s has no value", name);
	else if (strlen(text) != r->event.data.scalar.length)
		yamlread_complain(r, "%s holds a NUL byte", name);
	else
		return text;
	return NULL;
}

/* One pair of a map; it begins at the key. */
static int
read_pair(struct yamlread *r, yamlread_pair *pair, void *arg)
{
	struct yamlread_key key = { .line = yamlread_line(r),
	    .column = yamlread_column(r) };
	const char *text = NULL;
	char *copy;
	int rc;

	if (yamlread_node(r) != YAMLREAD_TEXT)
		yamlread_complain(r, "a name has to stand here");
	else
		text = yamlread_text(r, "this name");
	if (text == NULL) {
		if (yamlread_skip(r) == -1 || next(r) == -1)
			return -1;
		return yamlread_skip(r);
	}
	key.text = copy = str_dup(text);
	rc = next(r) == -1 ? -1 : pair(r, &key, arg);
	free(copy);
	return rc;
}

int
yamlread_map(struct yamlread *r, yamlread_pair *pair, void *arg)
{
	for (;;) {
		if (next(r) == -1)
			return -1;
		if (r->event.type == YAML_MAPPING_END_EVENT)
			return 0;
		if (read_pair(r, pair, arg) == -1)
			return -1;
	}
}

int
yamlread_list(struct yamlread *r, yamlread_item *item, void *arg)
{
	for (;;) {
		if (next(r) == -1)
			return -1;
		if (r->event.type == YAML_SEQUENCE_END_EVENT)
			return 0;
		if (item(r, arg) == -1)
			return -1;
	}
}

static void
read_stream(struct yamlread *r, yamlread_item *root, void *arg)
{
	/* The stream's start, then its end or a document's start. */
	if (next(r) == -1 || next(r) == -1 ||
	    r->event.type == YAML_STREAM_END_EVENT)
		return;
	if (r->event.data.document_start.tag_directives.start !=
	    r->event.data.document_start.tag_directives.end)
		yamlread_complain(r, "tags aren't taken");
	/* The document's root, its end, and what comes then. */
	if (next(r) == -1 || root(r, arg) == -1 || next(r) == -1 ||
	    next(r) == -1)
		return;
	if (r->event.type != YAML_STREAM_END_EVENT)
		yamlread_complain(r,
		    "a second document begins here: a file holds one");
}

void
yamlread_file(const char *file, const char *bytes, size_t n,
    yamlread_item *root, void *arg, struct config *report)
{
	struct yamlread r = { .file = file, .bytes = bytes,
	    .report = report };

	if (!yaml_parser_initialize(&r.parser))
		abort();
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.parser,
	    (const unsigned char *)bytes, n);
	read_stream(&r, root, arg);
	yaml_event_delete(&r.event);
	yaml_parser_delete(&r.parser);
}
