/* SPDX-License-Identifier: ISC */
#include "config/iniconf.h"

#include <assert.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/utf8.h"
#include "config/report.h"
#include "config/scalar.h"
#include "config/snake.h"

#define BLANKS		" \t\r\f\v"
#define COMMENTS	";#"
#define BOM		"\xef\xbb\xbf"

enum section {
	SECTION_NONE,		/* before the first */
	SECTION_UNKNOWN,
	SECTION_SUPERVISOR,
	SECTION_API,
	SECTION_DEFAULTS,
	SECTION_COUNT
};

static const char *const sections[] = {
	[SECTION_SUPERVISOR] = "supervisor",
	[SECTION_API] = "api",
	[SECTION_DEFAULTS] = "defaults",
};
static_assert(sizeof(sections) / sizeof(sections[0]) == SECTION_COUNT,
    "one name per section");

enum key {
	KEY_LOG_LEVEL,
	KEY_LOG_FORMAT,
	KEY_INHERIT,
	KEY_MATCH_EXEC,
	KEY_USER,
	KEY_GROUP,
	KEY_API_GROUP,
	KEY_COUNT
};

/*
 * The reading of one file. inih asks for lines and calls back with names and
 * values; where these stand, and which lines are nothing, is known here.
 */
struct reader {
	const char *file;
	struct config *report;
	struct iniconf out;
	const char *p, *end;		/* what inih hasn't got yet */
	int line;
	const char *text;		/* the line that inih has */
	size_t length;
	bool pending;			/* that line has to be a pair */
	enum section section;
	int keys[KEY_COUNT];		/* where each stands; 0: nowhere */
	int keywords[KEYWORD_COUNT];	/* the same, of [defaults] */
};

typedef int take_fn(struct reader *, const char *value, struct err *);

static take_fn take_log_level, take_log_format, take_inherit, take_exec,
    take_user, take_group, take_api_group;

static const struct {
	enum section section;
	const char *name;
	take_fn *take;
} keys[] = {
	[KEY_LOG_LEVEL] = { SECTION_SUPERVISOR, "log_level",
	    take_log_level },
	[KEY_LOG_FORMAT] = { SECTION_SUPERVISOR, "log_format",
	    take_log_format },
	[KEY_INHERIT] = { SECTION_SUPERVISOR, "inherit_ssh_config",
	    take_inherit },
	[KEY_MATCH_EXEC] = { SECTION_SUPERVISOR, "match_exec", take_exec },
	[KEY_USER] = { SECTION_SUPERVISOR, "user", take_user },
	[KEY_GROUP] = { SECTION_SUPERVISOR, "group", take_group },
	[KEY_API_GROUP] = { SECTION_API, "group", take_api_group },
};
static_assert(sizeof(keys) / sizeof(keys[0]) == KEY_COUNT,
    "one row per key");

__attribute__((format(printf, 3, 4)))
static void
complain(struct reader *r, int column, const char *fmt, ...)
{
	char text[ERR_TEXT_SIZE];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	report_add_at(r->report, SEVERITY_ERROR, r->file, r->line, column,
	    "%s", text);
}

/* "; did you mean x?", or "". New. */
static char *
hint(const char *nearest)
{
	return nearest == NULL ? str_dup("") :
	    str_dupf("; did you mean %s?", nearest);
}

/* Where the value in the line begins, from 1. */
static int
value_column(const struct reader *r)
{
	size_t n = 0;

	while (n < r->length && r->text[n] != '=' && r->text[n] != ':')
		n++;
	for (n++; n < r->length && strchr(BLANKS, r->text[n]) != NULL;)
		n++;
	return (int)n + 1;
}

/* The index of word in the list, or -1 with ERR_INPUT. */
static int
find_word(const char *name, const char *word, const char *const *list,
    int count, struct err *err)
{
	struct str all;

	str_init(&all);
	for (int i = 0; i < count; i++) {
		if (strcmp(list[i], word) == 0) {
			str_fini(&all);
			return i;
		}
		str_printf(&all, "%s%s", i > 0 ? ", " : "", list[i]);
	}
	err_set(err, ERR_INPUT, "%s can't be \"%s\"; it is one of %s", name,
	    word, all.p);
	str_fini(&all);
	return -1;
}

static int
find_flag(const char *name, const char *word, struct err *err)
{
	static const char *const flags[] = { "no", "yes", "false", "true" };
	int i = find_word(name, word, flags, 4, err);

	return i == -1 ? -1 : i % 2;
}

static int
take_log_level(struct reader *r, const char *value, struct err *err)
{
	static const char *const levels[] = {
		[LOG_ERROR] = "error",
		[LOG_WARN] = "warn",
		[LOG_INFO] = "info",
		[LOG_DEBUG] = "debug",
	};
	int i = find_word("log_level", value, levels, 4, err);

	if (i == -1)
		return -1;
	r->out.settings.has_log_level = true;
	r->out.settings.log_level = (enum log_level)i;
	return 0;
}

static int
take_log_format(struct reader *r, const char *value, struct err *err)
{
	static const char *const formats[] = {
		[LOG_TEXT] = "text",
		[LOG_JSON] = "json",
	};
	int i = find_word("log_format", value, formats, 2, err);

	if (i == -1)
		return -1;
	r->out.settings.log_format = (enum log_format)i;
	return 0;
}

static int
take_inherit(struct reader *r, const char *value, struct err *err)
{
	int flag = find_flag("inherit_ssh_config", value, err);

	if (flag == -1)
		return -1;
	r->out.inherit = flag == 1;
	return 0;
}

static int
take_exec(struct reader *r, const char *value, struct err *err)
{
	int flag = find_flag("match_exec", value, err);

	if (flag == -1)
		return -1;
	r->out.match_exec = flag == 1 ? INICONF_EXEC_YES : INICONF_EXEC_NO;
	return 0;
}

static int
take_name(struct iniconf_name *out, const struct reader *r, const char *value)
{
	out->text = str_dup(value);
	out->line = r->line;
	out->column = value_column(r);
	return 0;
}

static int
take_user(struct reader *r, const char *value, struct err *err)
{
	(void)err;
	return take_name(&r->out.user, r, value);
}

static int
take_group(struct reader *r, const char *value, struct err *err)
{
	(void)err;
	return take_name(&r->out.group, r, value);
}

static int
take_api_group(struct reader *r, const char *value, struct err *err)
{
	(void)err;
	return take_name(&r->out.api_group, r, value);
}

/* Has it stood before? Remembers that it stands here. */
static bool
is_twice(struct reader *r, const char *name, int *line)
{
	if (*line != 0) {
		complain(r, 1, "%s stands in this section twice, first in "
		    "line %d", name, *line);
		return true;
	}
	*line = r->line;
	return false;
}

static void
take_default(struct reader *r, const char *name, const char *value)
{
	const struct keyword *k = snake_find(name);
	struct document *d = r->out.defaults;
	struct entry *e;
	struct err err;

	if (k == NULL) {
		char *nearest = snake_nearest(name), *text = hint(nearest);

		complain(r, 1, "there is no keyword \"%s\"%s", name, text);
		free(nearest);
		free(text);
		return;
	}
	if (is_twice(r, name, &r->keywords[keyword_id(k)]))
		return;
	e = document_add_entry(d, k, r->line);
	e->column = value_column(r);
	if (scalar_parse(k, value, &e->value, &err) == 0)
		return;
	complain(r, e->column, "%s", err.text);
	value_fini(&e->value);
	d->blocks[0].count--;
}

static void
complain_of_unknown(struct reader *r, const char *name)
{
	const char *names[KEY_COUNT];
	size_t count = 0;
	char *text;

	for (int i = 0; i < KEY_COUNT; i++)
		if (keys[i].section == r->section)
			names[count++] = keys[i].name;
	text = hint(str_nearest(name, names, count));
	complain(r, 1, "[%s] has no \"%s\"%s", sections[r->section], name,
	    text);
	free(text);
}

static void
take_key(struct reader *r, const char *name, const char *value)
{
	int key = 0;
	struct err err;

	while (key < KEY_COUNT && (keys[key].section != r->section ||
	    strcmp(keys[key].name, name) != 0))
		key++;
	if (key == KEY_COUNT)
		complain_of_unknown(r, name);
	else if (is_twice(r, name, &r->keys[key]))
		return;
	else if (*value == '\0')
		complain(r, 1, "%s needs a value", name);
	else if (keys[key].take(r, value, &err) == -1)
		complain(r, value_column(r), "%s", err.text);
}

/* inih's call for the line that it was given last. */
static int
on_pair(void *arg, const char *section, const char *name, const char *value)
{
	struct reader *r = arg;

	(void)section;		/* cut off if it is long: r->section isn't */
	r->pending = false;
	if (r->section == SECTION_NONE)
		complain(r, 1, "%s stands before the first [section]", name);
	else if (r->section == SECTION_DEFAULTS)
		take_default(r, name, value);
	else if (r->section != SECTION_UNKNOWN)
		take_key(r, name, value);
	return 1;
}

/* A line that begins with "[". */
static void
take_section(struct reader *r)
{
	const char *name = r->text + 1, *end = r->text + r->length;
	const char *stop = memchr(name, ']', (size_t)(end - name));
	char *copy, *text;

	r->section = SECTION_UNKNOWN;
	if (stop == NULL) {
		complain(r, 1, "a section's name ends with ]");
		return;
	}
	copy = str_dupf("%.*s", (int)(stop - name), name);
	for (int i = SECTION_SUPERVISOR; i < SECTION_COUNT; i++)
		if (strcmp(sections[i], copy) == 0)
			r->section = (enum section)i;
	if (r->section == SECTION_UNKNOWN) {
		text = hint(str_nearest(copy, sections + SECTION_SUPERVISOR,
		    SECTION_COUNT - SECTION_SUPERVISOR));
		complain(r, 1, "there is no section [%s]%s", copy, text);
		free(text);
	}
	free(copy);
	for (stop++; stop < end && strchr(BLANKS, *stop) != NULL;)
		stop++;
	if (stop < end && strchr(COMMENTS, *stop) == NULL)
		complain(r, (int)(stop - r->text) + 1,
		    "nothing can stand behind a section's name");
}

/* Is every byte of the line part of a character that may stand here? */
static bool
is_text(struct reader *r)
{
	for (size_t i = 0; i < r->length;) {
		unsigned char c = (unsigned char)r->text[i];
		size_t n = utf8_length(r->text + i, r->length - i);

		if (n == 0 || c == '\0') {
			complain(r, (int)i + 1, n == 0 ?
			    "a byte that isn't UTF-8" : "a NUL byte");
			return false;
		}
		i += n;
	}
	return true;
}

/* Looks at the line. May inih have it? max: bytes that it has room for. */
static bool
judge_line(struct reader *r, size_t max)
{
	size_t blanks = 0;

	while (blanks < r->length && strchr(BLANKS, r->text[blanks]) != NULL)
		blanks++;
	if (!is_text(r))
		return false;
	if (blanks == r->length || strchr(COMMENTS, r->text[blanks]) != NULL)
		return false;
	if (blanks > 0) {
		complain(r, (int)blanks + 1, "the line begins with a blank: "
		    "in INI it would continue the value above");
		return false;
	}
	if (r->length > max) {
		complain(r, (int)max + 1, "the line is longer than %zu bytes",
		    max);
		return false;
	}
	if (r->text[0] == '[')
		take_section(r);
	else
		r->pending = true;
	return true;
}

static void
end_line(struct reader *r)
{
	if (r->pending)
		complain(r, 1, "it is neither [section] nor name = value");
	r->pending = false;
}

/* What inih calls for the next line. */
static char *
on_read(char *out, int size, void *arg)
{
	struct reader *r = arg;
	const char *stop;

	end_line(r);
	if (r->p == r->end)
		return NULL;
	stop = memchr(r->p, '\n', (size_t)(r->end - r->p));
	r->line++;
	r->text = r->p;
	r->length = (size_t)((stop != NULL ? stop : r->end) - r->p);
	r->p += r->length + (stop != NULL ? 1 : 0);
	/* Two bytes are for the line's end and the string's. */
	if (judge_line(r, (size_t)size - 2))
		snprintf(out, (size_t)size, "%.*s\n", (int)r->length,
		    r->text);
	else
		strcpy(out, "\n");
	return out;
}

struct iniconf
iniconf_usual(void)
{
	return (struct iniconf){ .inherit = true };
}

struct iniconf
iniconf_parse(const char *file, const char *bytes, size_t n,
    struct config *report)
{
	struct reader r = { .file = file, .report = report, .p = bytes,
	    .end = bytes + n, .out = iniconf_usual() };

	r.out.defaults = document_new(file, false);
	if (n >= strlen(BOM) && memcmp(bytes, BOM, strlen(BOM)) == 0)
		r.p += strlen(BOM);
	/* Bad lines, which it counts, have been reported. */
	if (ini_parse_stream(on_read, &r, on_pair, &r) < 0)
		abort();	/* memory is out */
	document_end(r.out.defaults);
	if (r.out.group.text != NULL && r.keys[KEY_USER] == 0)
		report_add_at(report, SEVERITY_ERROR, file, r.out.group.line,
		    1, "group says nothing without a user");
	return r.out;
}

void
iniconf_fini(struct iniconf *c)
{
	free(c->user.text);
	free(c->group.text);
	free(c->api_group.text);
	document_free(c->defaults);
	*c = (struct iniconf){ 0 };
}
