/* SPDX-License-Identifier: ISC */
#include "config/scalar.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "config/fwdspec.h"
#include "config/snake.h"
#include "config/sshconf.h"
#include "config/value.h"

#define BLANKS	" \t"

/* The row with the name that its user has written. */
struct named {
	struct keyword keyword;
	char name[SNAKE_SIZE];
};

static void
name(struct named *out, const struct keyword *k)
{
	out->keyword = *k;
	snake_name(k, out->name);
	out->keyword.name = out->name;
}

bool
scalar_is_forward(const struct keyword *k)
{
	return k->field == FIELD_FORWARDS;
}

enum scalar_list
scalar_list(const struct keyword *k)
{
	switch ((int)k->kind) {
	case KIND_FILES:
	case KIND_DOMAINS:
	case KIND_CNAMES:
	case KIND_ADD_KEYS:
	case KIND_SEND_ENV:
	case KIND_SET_ENV:
	case KIND_PERMIT_OPEN:
	case KIND_CHANNEL_TIMEOUT:
	case KIND_IPQOS:
	case KIND_REKEY:
	case KIND_DURATIONS:
		return SCALAR_WORDS;
	case KIND_ALGORITHMS:
	case KIND_JUMP:
	case KIND_METHODS:
		return SCALAR_COMMAS;
	default:
		return k->many ? SCALAR_LINES : SCALAR_ONE;
	}
}

/* What no line of ssh_config(5) can hold either. */
static int
check_text(const struct named *n, const char *text, struct err *err)
{
	if (text[strspn(text, BLANKS)] == '\0')
		return err_set(err, ERR_INPUT, "%s needs a value", n->name);
	for (const char *p = text; *p != '\0'; p++)
		if (((unsigned char)*p < 0x20 && *p != '\t') || *p == 0x7f)
			return err_set(err, ERR_INPUT, "%s can't hold the end "
			    "of a line or another control character", n->name);
	return 0;
}

static int
parse_words(const struct named *n, char *const *words, size_t count,
    struct value *out, struct err *err)
{
	struct sshconf_line line = { .keyword = (char *)n->name,
	    .rest = words[0], .argv = (char **)words, .argc = count };

	for (size_t i = 0; i < count; i++)
		if (check_text(n, words[i], err) == -1)
			return -1;
	return value_parse(&n->keyword, &line, out, err);
}

/* Cuts text as ssh cuts what follows a keyword. */
static int
parse_cut(const struct named *n, const char *text, struct value *out,
    struct err *err)
{
	char *whole = str_dupf("%s %s", n->name, text);
	struct sshconf_line line;
	int rc = sshconf_parse_line(&line, whole, strlen(whole), err);

	if (rc == 0)
		rc = value_parse(&n->keyword, &line, out, err);
	sshconf_line_fini(&line);
	free(whole);
	return rc;
}

/* A forward in one word. */
static int
parse_spec(const struct named *n, const char *spec, struct value *out,
    struct err *err)
{
	enum fwdspec_side side = n->keyword.kind == KIND_LOCAL_FORWARD ?
	    FWDSPEC_LOCAL : n->keyword.kind == KIND_REMOTE_FORWARD ?
	    FWDSPEC_REMOTE : FWDSPEC_DYNAMIC;
	struct str shown;

	str_init(&shown);
	if (fwdspec_parse(&out->forward, side, spec, &shown, err) == -1) {
		str_fini(&shown);
		return err_prefix(err, "%s %s", n->name, spec);
	}
	out->has_forward = true;
	value_add(out, str_take(&shown));
	return 0;
}

int
scalar_parse(const struct keyword *k, const char *text, struct value *out,
    struct err *err)
{
	struct named n;
	char *word = (char *)text;

	name(&n, k);
	if (check_text(&n, text, err) == -1)
		return -1;
	if (scalar_is_forward(k) && strpbrk(text, BLANKS) == NULL)
		return parse_spec(&n, text, out, err);
	if (scalar_is_forward(k) || scalar_list(k) == SCALAR_WORDS)
		return parse_cut(&n, text, out, err);
	return parse_words(&n, &word, 1, out, err);
}

int
scalar_parse_list(const struct keyword *k, char *const *texts, size_t count,
    struct value *out, struct err *err)
{
	struct named n;
	struct str all;
	int rc;

	name(&n, k);
	if (count == 0)
		return err_set(err, ERR_INPUT, "%s needs a value", n.name);
	if (scalar_list(k) == SCALAR_WORDS)
		return parse_words(&n, texts, count, out, err);
	str_init(&all);
	for (size_t i = 0; i < count; i++)
		str_printf(&all, "%s%s", i > 0 ? "," : "", texts[i]);
	rc = parse_words(&n, &all.p, 1, out, err);
	str_fini(&all);
	return rc;
}

int
scalar_parse_forward(const struct keyword *k, const char *listen,
    const char *target, struct value *out, struct err *err)
{
	char *words[] = { (char *)listen, (char *)target };
	struct named n;

	name(&n, k);
	return parse_words(&n, words, target != NULL ? 2 : 1, out, err);
}
