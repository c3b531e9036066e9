/* SPDX-License-Identifier: ISC */
#include "config/value.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "config/expand.h"
#include "config/fwdspec.h"
#include "config/kinds.h"

/* Appends the words of a closed list to a sentence. */
static int
not_a_word(const struct keyword *k, const char *word, struct err *err)
{
	struct str all;

	str_init(&all);
	for (const struct words_row *r = k->words; r->text != NULL; r++)
		str_printf(&all, "%s%s", r == k->words ? "" : ", ", r->text);
	err_set(err, ERR_INPUT, "%s can't be \"%s\"; it is one of %s",
	    k->name, word, all.p);
	str_fini(&all);
	return -1;
}

static int
parse_word(struct args *a, struct value *out, struct err *err)
{
	const char *word = args_next(a, err);
	const struct words_row *row;

	if (word == NULL)
		return -1;
	if ((row = words_find(a->keyword->words, word)) == NULL)
		return not_a_word(a->keyword, word, err);
	value_add(out, str_dup(words_meaning(row)));
	return 0;
}

static int
parse_int(struct args *a, struct value *out, struct err *err)
{
	const char *word = args_next(a, err);
	char *end;
	long n;

	if (word == NULL)
		return -1;
	errno = 0;
	n = strtol(word, &end, 10);
	if (end == word || *end != '\0' || errno != 0 || n < 0 || n > INT_MAX)
		return err_set(err, ERR_INPUT, "%s needs a number, not \"%s\"",
		    a->keyword->name, word);
	value_add(out, str_dupf("%ld", n));
	return 0;
}

static int
parse_port(struct args *a, struct value *out, struct err *err)
{
	const char *word = args_next(a, err);
	uint16_t port;

	if (word == NULL || expand_port(&port, word, err) == -1)
		return -1;
	if (port == 0)
		return err_set(err, ERR_INPUT, "%s can't be 0",
		    a->keyword->name);
	value_add(out, str_dupf("%u", port));
	return 0;
}

static int
parse_time(struct args *a, struct value *out, struct err *err)
{
	const char *word = args_next(a, err);

	if (word == NULL)
		return -1;
	if (strcmp(word, "none") == 0)
		return 0;
	return args_add_seconds(a, word, out, err);
}

/* Milliseconds in the fewest words: "1m30s", "500ms", "0". */
static char *
format_duration(int64_t ms)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} units[] = {
		{ "d", 86400000 }, { "h", 3600000 }, { "m", 60000 },
		{ "s", 1000 }, { "ms", 1 },
	};
	struct str s;

	if (ms == 0)
		return str_dup("0");
	str_init(&s);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (ms >= units[i].ms)
			str_printf(&s, "%lld%s",
			    (long long)(ms / units[i].ms), units[i].unit);
		ms %= units[i].ms;
	}
	return str_take(&s);
}

static int
parse_duration(struct args *a, struct value *out, struct err *err)
{
	const char *word = args_next(a, err);
	int64_t ms;

	if (word == NULL)
		return -1;
	ms = strcasecmp(word, "no") == 0 ? 0 : value_duration(word);
	if (ms < a->keyword->min || ms > a->keyword->max) {
		char *min = format_duration(a->keyword->min);
		char *max = format_duration(a->keyword->max);

		err_set(err, ERR_INPUT, "%s needs a time from %s to %s, not "
		    "\"%s\"", a->keyword->name, min, max, word);
		free(min);
		free(max);
		return -1;
	}
	value_add(out, format_duration(ms));
	return 0;
}

static int
parse_durations(struct args *a, struct value *out, struct err *err)
{
	if (parse_duration(a, out, err) == -1 ||
	    parse_duration(a, out, err) == -1)
		return -1;
	if (value_duration(out->texts[0]) > value_duration(out->texts[1]))
		return err_set(err, ERR_INPUT,
		    "%s needs the shorter time first", a->keyword->name);
	return 0;
}

static int
parse_string(struct args *a, struct value *out, struct err *err)
{
	const char *word = args_next(a, err);

	if (word == NULL)
		return -1;
	value_add(out, str_dup(word));
	return 0;
}

static int
parse_command(struct args *a, struct value *out, struct err *err)
{
	const char *rest = a->line->rest;

	(void)err;
	value_add(out, str_dup(rest + strspn(rest, " \t\r\n=")));
	a->next = a->line->argc;
	return 0;
}

static int
parse_ignored(struct args *a, struct value *out, struct err *err)
{
	(void)err;
	value_add(out, str_dup(a->line->rest));
	a->next = a->line->argc;
	return 0;
}

/* The words of Host and Include: there may be none, but no empty one. */
static int
parse_words(struct args *a, struct value *out, struct err *err)
{
	while (a->next < a->line->argc) {
		const char *word = args_next(a, err);

		if (word == NULL)
			return -1;
		value_add(out, str_dup(word));
	}
	return 0;
}

static int
parse_files(struct args *a, struct value *out, struct err *err)
{
	if (parse_words(a, out, err) == -1)
		return -1;
	return args_check_none(a, "none", out, err);
}

static int
add_forward(struct args *a, enum fwdspec_side side, const char *spec,
    struct value *out, struct err *err)
{
	struct str shown;

	str_init(&shown);
	if (fwdspec_parse(&out->forward, side, spec, &shown, err) == -1) {
		str_fini(&shown);
		return err_prefix(err, "%s %s", a->keyword->name, spec);
	}
	out->has_forward = true;
	value_add(out, str_take(&shown));
	return 0;
}

static int
parse_pair(struct args *a, enum fwdspec_side side, struct value *out,
    struct err *err)
{
	const char *listen = args_next(a, err), *target = NULL;
	char *spec;
	int rc;

	if (listen == NULL)
		return -1;
	if (a->next < a->line->argc)
		target = a->line->argv[a->next++];
	if (target == NULL || *target == '\0') {
		if (side == FWDSPEC_LOCAL)
			return err_set(err, ERR_INPUT, "%s %s needs a target: "
			    "a blank, then host:port", a->keyword->name,
			    listen);
		return add_forward(a, FWDSPEC_REMOTE_WORD, listen, out, err);
	}
	spec = str_dupf("%s:%s", listen, target);
	rc = add_forward(a, side, spec, out, err);
	free(spec);
	return rc;
}

static int
parse_local_forward(struct args *a, struct value *out, struct err *err)
{
	return parse_pair(a, FWDSPEC_LOCAL, out, err);
}

static int
parse_remote_forward(struct args *a, struct value *out,
    struct err *err)
{
	return parse_pair(a, FWDSPEC_REMOTE, out, err);
}

static int
parse_dynamic_forward(struct args *a, struct value *out,
    struct err *err)
{
	const char *listen = args_next(a, err);

	if (listen == NULL)
		return -1;
	return add_forward(a, FWDSPEC_DYNAMIC, listen, out, err);
}

typedef int parse_fn(struct args *, struct value *, struct err *);

static parse_fn *const parsers[] = {
	[KIND_HOST] = parse_words,
	[KIND_MATCH] = parse_ignored,	/* match.h reads the criteria */
	[KIND_INCLUDE] = parse_words,
	[KIND_IGNORED] = parse_ignored,
	[KIND_WORD] = parse_word,
	[KIND_INT] = parse_int,
	[KIND_PORT] = parse_port,
	[KIND_TIME] = parse_time,
	[KIND_STRING] = parse_string,
	[KIND_COMMAND] = parse_command,
	[KIND_FILES] = parse_files,
	[KIND_DOMAINS] = kinds_parse_domains,
	[KIND_CNAMES] = kinds_parse_cnames,
	[KIND_ALGORITHMS] = kinds_parse_algorithms,
	[KIND_LOCAL_FORWARD] = parse_local_forward,
	[KIND_REMOTE_FORWARD] = parse_remote_forward,
	[KIND_DYNAMIC_FORWARD] = parse_dynamic_forward,
	[KIND_AGENT] = kinds_parse_agent,
	[KIND_ADD_KEYS] = kinds_parse_add_keys,
	[KIND_PERSIST] = kinds_parse_persist,
	[KIND_SEND_ENV] = kinds_parse_send_env,
	[KIND_SET_ENV] = kinds_parse_set_env,
	[KIND_PERMIT_OPEN] = kinds_parse_permit_open,
	[KIND_CHANNEL_TIMEOUT] = kinds_parse_channel_timeout,
	[KIND_KEYSTROKES] = kinds_parse_keystrokes,
	[KIND_TUNNEL_DEVICE] = kinds_parse_tunnel_device,
	[KIND_ESCAPE] = kinds_parse_escape,
	[KIND_IPQOS] = kinds_parse_ipqos,
	[KIND_REKEY] = kinds_parse_rekey,
	[KIND_MASK] = kinds_parse_mask,
	[KIND_JUMP] = kinds_parse_jump,
	[KIND_METHODS] = parse_string,
	[KIND_DURATION] = parse_duration,
	[KIND_DURATIONS] = parse_durations,
};
static_assert(sizeof(parsers) / sizeof(parsers[0]) == KIND_COUNT,
    "one parser per kind");

int
value_parse(const struct keyword *k, const struct sshconf_line *line,
    struct value *out, struct err *err)
{
	struct args a = { .keyword = k, .line = line };

	if (parsers[k->kind](&a, out, err) == -1)
		return -1;
	if (a.next < line->argc)
		return err_set(err, ERR_INPUT,
		    "%s has more arguments than it takes, from \"%s\" on",
		    k->name, line->argv[a.next]);
	return 0;
}
