/* SPDX-License-Identifier: ISC */
#include "config/match.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "config/localnet.h"

/* What Match version sees: a name that no pattern for OpenSSH means. */
#define RELEASE		"hawser_" HAWSER_VERSION

static const struct {
	const char *name;
	bool has_argument;
} kinds[] = {
	[MATCH_ALL] = { "all", false },
	[MATCH_CANONICAL] = { "canonical", false },
	[MATCH_FINAL] = { "final", false },
	[MATCH_HOST] = { "host", true },
	[MATCH_ORIGINALHOST] = { "originalhost", true },
	[MATCH_USER] = { "user", true },
	[MATCH_LOCALUSER] = { "localuser", true },
	[MATCH_TAGGED] = { "tagged", true },
	[MATCH_LOCALNETWORK] = { "localnetwork", true },
	[MATCH_EXEC] = { "exec", true },
	[MATCH_VERSION] = { "version", true },
	[MATCH_SESSIONTYPE] = { "sessiontype", true },
	[MATCH_COMMAND] = { "command", true },
};
static_assert(sizeof(kinds) / sizeof(kinds[0]) == MATCH_KIND_COUNT,
    "one row per kind");

static int
find_kind(const char *name, enum match_kind *out, struct err *err)
{
	const char *names[MATCH_KIND_COUNT], *nearest;

	for (int i = 0; i < MATCH_KIND_COUNT; i++) {
		names[i] = kinds[i].name;
		if (strcasecmp(kinds[i].name, name) == 0) {
			*out = (enum match_kind)i;
			return 0;
		}
	}
	nearest = str_nearest(name, names, MATCH_KIND_COUNT);
	if (nearest == NULL)
		return err_set(err, ERR_INPUT,
		    "Match has no criterion \"%s\"", name);
	return err_set(err, ERR_INPUT, "Match has no criterion \"%s\"; "
	    "did you mean \"%s\"?", name, nearest);
}

static struct match_criterion *
add(struct match *m)
{
	m->criteria = mem_grow(m->criteria, m->count + 1,
	    sizeof(*m->criteria));
	m->criteria[m->count] = (struct match_criterion){ 0 };
	return &m->criteria[m->count++];
}

/* May it be said that there is none, by ""? */
static bool
may_be_empty(enum match_kind kind)
{
	return kind == MATCH_TAGGED || kind == MATCH_COMMAND;
}

/* Takes the argument of the last criterion. 0, or -1 with err set. */
static int
take_argument(struct match *m, const char *word, struct err *err)
{
	struct match_criterion *c = &m->criteria[m->count - 1];

	if (word == NULL || (*word == '\0' && !may_be_empty(c->kind)))
		return err_set(err, ERR_INPUT, "Match %s needs an argument",
		    kinds[c->kind].name);
	if (c->kind == MATCH_LOCALNETWORK && !localnet_is_list(word))
		return err_set(err, ERR_INPUT, "Match localnetwork needs "
		    "networks (address/bits), not \"%s\"", word);
	c->argument = str_dup(word);
	return 0;
}

/* Parses "name", "!name" or "name=argument". 0, or -1 with err set. */
static int
take_criterion(struct match *m, const char *word, const char **argument,
    struct err *err)
{
	struct match_criterion *c = add(m);
	const char *equals = strchr(word, '=');
	char *name;
	int rc;

	c->negated = *word == '!';
	word += c->negated;
	name = str_dupf("%.*s", (int)(equals != NULL ? equals - word :
	    (ptrdiff_t)strlen(word)), word);
	rc = find_kind(name, &c->kind, err);
	free(name);
	*argument = equals != NULL ? equals + 1 : NULL;
	if (rc == 0 && equals != NULL && !kinds[c->kind].has_argument)
		return err_set(err, ERR_INPUT, "Match %s takes no argument",
		    kinds[c->kind].name);
	return rc;
}

int
match_parse(struct match *out, char *const *words, size_t count,
    struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		const char *argument;
		enum match_kind kind;

		if (take_criterion(out, words[i], &argument, err) == -1)
			return -1;
		kind = out->criteria[out->count - 1].kind;
		/* At most one criterion stands before "all", none behind. */
		if (kind == MATCH_ALL && (i + 1 < count || out->count > 2))
			return err_set(err, ERR_INPUT, "Match all can't be "
			    "combined with other criteria");
		if (!kinds[kind].has_argument)
			continue;
		if (argument == NULL && i + 1 < count)
			argument = words[++i];
		if (take_argument(out, argument, err) == -1)
			return -1;
	}
	if (out->count == 0)
		return err_set(err, ERR_INPUT,
		    "Match needs at least one criterion");
	return 0;
}

void
match_fini(struct match *m)
{
	for (size_t i = 0; i < m->count; i++)
		free(m->criteria[i].argument);
	free(m->criteria);
	*m = (struct match){ 0 };
}

bool
match_wants_final(const struct match *m)
{
	for (size_t i = 0; i < m->count; i++)
		if (m->criteria[i].kind == MATCH_FINAL)
			return true;
	return false;
}

static char *
lower_copy(const char *text, size_t n, bool lower)
{
	char *copy = str_dupf("%.*s", (int)n, text);

	for (char *p = copy; lower && *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	return copy;
}

bool
match_list(const char *text, const char *patterns, bool lower)
{
	bool found = false;

	while (*patterns != '\0') {
		bool negated = *patterns == '!', matches;
		size_t n;
		char *one;

		patterns += negated;
		n = strcspn(patterns, ",");
		one = lower_copy(patterns, n, lower);
		matches = str_match(text, one);
		free(one);
		if (matches && negated)
			return false;
		found = found || matches;
		patterns += n + (patterns[n] == ',');
	}
	return found;
}

/* Match host: names have no case. */
static bool
match_name(const char *name, const char *patterns)
{
	char *lower = lower_copy(name, strlen(name), true);
	bool matches = match_list(lower, patterns, true);

	free(lower);
	return matches;
}

bool
match_host_line(char *const *patterns, size_t count, const char *name)
{
	bool found = false;

	for (size_t i = 0; i < count; i++) {
		bool negated = patterns[i][0] == '!';

		if (!str_match(name, patterns[i] + negated))
			continue;
		if (negated)
			return false;
		found = true;
	}
	return found;
}

/* No pattern matches what isn't there; only "" does. */
static bool
match_optional(const char *text, const char *patterns)
{
	if (*text == '\0' || *patterns == '\0')
		return *text == *patterns;
	return match_list(text, patterns, false);
}

static int
run(const struct match_subject *s, const char *argument, struct err *err)
{
	char *command = expand_tokens(argument, "CdhijkLlnpru", &s->tokens,
	    err);
	int rc;

	if (command == NULL)
		return -1;
	rc = s->exec(s->exec_arg, command, err);
	free(command);
	return rc;
}

/* Does this one hold, before negation? 1, 0, or -1 with err set. */
static int
holds(const struct match_criterion *c, const struct match_subject *s,
    struct err *err)
{
	switch (c->kind) {
	case MATCH_ALL:
		return 1;
	case MATCH_CANONICAL:
	case MATCH_FINAL:
		return s->final;
	case MATCH_HOST:
		return match_name(s->host, c->argument);
	case MATCH_ORIGINALHOST:
		return match_name(s->original, c->argument);
	case MATCH_USER:
		return match_list(s->user, c->argument, false);
	case MATCH_LOCALUSER:
		return match_list(s->local_user, c->argument, false);
	case MATCH_TAGGED:
		return match_optional(s->tag, c->argument);
	case MATCH_LOCALNETWORK:
		return s->is_local(c->argument);
	case MATCH_EXEC:
		return run(s, c->argument, err);
	case MATCH_VERSION:
		return match_list(RELEASE, c->argument, false);
	case MATCH_SESSIONTYPE:
		return match_list("none", c->argument, false);
	case MATCH_COMMAND:
		return match_optional("", c->argument);
	case MATCH_KIND_COUNT:
		break;
	}
	return 0;
}

int
match_holds(const struct match *m, const struct match_subject *s,
    struct err *err)
{
	bool all = true;

	for (size_t i = 0; i < m->count && all; i++) {
		int one = holds(&m->criteria[i], s, err);

		if (one == -1)
			return -1;
		all = (one == 1) != m->criteria[i].negated;
	}
	return all;
}
