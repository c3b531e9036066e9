/* SPDX-License-Identifier: ISC */
#define _DEFAULT_SOURCE		/* strsep */
#include "config/show.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/assemble.h"
#include "config/expand.h"
#include "config/host.h"
#include "config/report.h"
#include "config/resolve.h"
#include "config/tree.h"

/* One name being shown. */
struct view {
	const struct resolution *r;
	const struct show_options *options;
	struct config *report;
	struct str *out;
};

static void
put(const struct view *v, const struct keyword *k, const char *text,
    const struct entry *from)
{
	for (const char *p = k->name; *p != '\0'; p++)
		str_printf(v->out, "%c", tolower((unsigned char)*p));
	str_printf(v->out, " %s", text);
	if (v->options->origin && from != NULL) {
		char *place = document_place(from);

		str_printf(v->out, "\t# %s", place);
		free(place);
	} else if (v->options->origin)
		str_append(v->out, "\t# default");
	str_append(v->out, "\n");
}

/* What ssh -G expands before it prints; the rest it prints as written. */
enum expansion { AS_WRITTEN, TOKENS, TILDE_TOKENS_VARIABLES };

static enum expansion
expansion_of(const struct keyword *k)
{
	switch ((int)keyword_id(k)) {
	case KW_REMOTECOMMAND:
		return TOKENS;
	case KW_CONTROLPATH:
	case KW_IDENTITYAGENT:
	case KW_FORWARDAGENT:
	case KW_USERKNOWNHOSTSFILE:
		return TILDE_TOKENS_VARIABLES;
	default:
		return AS_WRITTEN;
	}
}

/* New: a text as it is printed; what can't be expanded is an error. */
static char *
expand(const struct view *v, const struct keyword *k, const char *text,
    const struct entry *from)
{
	enum expansion how = expansion_of(k);
	char *path, *whole = NULL;
	struct err err;

	if (how == AS_WRITTEN || (how == TILDE_TOKENS_VARIABLES &&
	    strcasecmp(text, "none") == 0))
		return str_dup(text);
	if (how == TOKENS) {
		whole = expand_tokens(text, HOST_TOKENS, &v->r->tokens, &err);
	} else {
		path = expand_tilde(text, v->r->tokens.user, &err);
		if (path != NULL)
			whole = expand_all(path, HOST_TOKENS, &v->r->tokens,
			    &err);
		free(path);
	}
	if (whole == NULL)
		document_complain(v->report, SEVERITY_ERROR, from, "%s: %s",
		    k->name, err.text);
	return whole;
}

/* Texts in one line, separated by blanks. */
static void
put_joined(const struct view *v, const struct keyword *k, char *const *texts,
    size_t count, const struct entry *from)
{
	struct str all;

	str_init(&all);
	for (size_t i = 0; i < count; i++) {
		char *whole = expand(v, k, texts[i], from);

		str_printf(&all, "%s%s", i > 0 ? " " : "",
		    whole != NULL ? whole : "");
		free(whole);
	}
	put(v, k, all.p, from);
	str_fini(&all);
}

/* For these, "none" is the way to say: nothing. */
static bool
is_cleared(const struct keyword *k, const char *text)
{
	switch ((int)keyword_id(k)) {
	case KW_LOCALCOMMAND:
	case KW_REMOTECOMMAND:
	case KW_PROXYCOMMAND:
	case KW_PROXYJUMP:
	case KW_CONTROLPATH:
	case KW_REVOKEDHOSTKEYS:
	case KW_PKCS11PROVIDER:
	case KW_SECURITYKEYPROVIDER:
	case KW_KNOWNHOSTSCOMMAND:
	case KW_HAWSERPASSPHRASECOMMAND:
	case KW_HAWSERTAKEOVER:
	case KW_HAWSERONCHANGE:
		return strcasecmp(text, "none") == 0;
	default:
		return false;
	}
}

/* A socket's path gets its tokens; the rest is as fwdspec wrote it. */
static void
put_forward(const struct view *v, const struct entry *e)
{
	const struct forward *f = &e->value.forward;
	char *text = e->value.texts[0], *whole;
	struct err err;

	if (resolution_flag(v->r, KW_CLEARALLFORWARDINGS))
		return;
	if (f->listen.kind != ENDPOINT_UNIX && f->target.kind != ENDPOINT_UNIX)
		put(v, e->keyword, text, e);
	else if ((whole = expand_tokens(text, HOST_TOKENS, &v->r->tokens,
	    &err)) == NULL)
		document_complain(v->report, SEVERITY_ERROR, e, "%s",
		    err.text);
	else {
		put(v, e->keyword, whole, e);
		free(whole);
	}
}

/* The first limit and the first interval count, from whichever lines. */
static void
put_rekey(const struct view *v, const struct setting *s)
{
	const char *interval = "0";
	char *text;

	for (size_t i = s->count; i-- > 0;)
		if (s->entries[i]->value.count > 1)
			interval = s->entries[i]->value.texts[1];
	text = str_dupf("%s %s", s->entries[0]->value.texts[0], interval);
	put(v, s->entries[0]->keyword, text, s->entries[0]);
	free(text);
}

/* Is the variable taken out again by a later "-pattern"? */
static bool
is_taken_out(const struct setting *s, size_t line, size_t word)
{
	const char *name = s->entries[line]->value.texts[word];

	for (; line < s->count; line++, word = SIZE_MAX) {
		const struct value *v = &s->entries[line]->value;

		for (size_t i = word + 1; i < v->count; i++)
			if (v->texts[i][0] == '-' &&
			    str_match(name, v->texts[i] + 1))
				return true;
	}
	return false;
}

static void
put_send_env(const struct view *v, const struct setting *s)
{
	for (size_t i = 0; i < s->count; i++)
		for (size_t j = 0; j < s->entries[i]->value.count; j++)
			if (s->entries[i]->value.texts[j][0] != '-' &&
			    !is_taken_out(s, i, j))
				put(v, s->entries[i]->keyword,
				    s->entries[i]->value.texts[j],
				    s->entries[i]);
}

static void
put_entry(const struct view *v, const struct entry *e)
{
	const struct keyword *k = e->keyword;
	const struct value *value = &e->value;

	if (value->has_forward)
		put_forward(v, e);
	else if (keyword_id(k) == KW_LOGVERBOSE)
		put(v, k, value->texts[0], e);	/* ssh reads no more */
	else if (k->kind == KIND_SET_ENV)
		for (size_t i = 0; i < value->count; i++)
			put(v, k, value->texts[i], e);
	else if (!is_cleared(k, value->texts[0]))
		put_joined(v, k, value->texts, value->count, e);
}

/* The default, if it isn't one of those that hang on other keywords. */
static const char *
default_of(const struct view *v, const struct keyword *k)
{
	const struct resolution *r = v->r;
	const struct entry *known = resolution_entry(r, KW_USERKNOWNHOSTSFILE);
	bool ssh = v->options->ssh_defaults;

	switch ((int)keyword_id(k)) {
	case KW_UPDATEHOSTKEYS:
		if (ssh && (strcmp(resolution_text(r, KW_VERIFYHOSTKEYDNS),
		    "false") != 0 || (known != NULL && (known->value.count > 1
		    || strcmp(known->value.texts[0], "~/.ssh/known_hosts") !=
		    0))))
			return "false";
		break;
	case KW_SERVERALIVEINTERVAL:
		if (ssh && resolution_flag(r, KW_BATCHMODE))
			return "300";
		break;
	}
	return ssh && k->ssh_def != NULL ? k->ssh_def : k->def;
}

static void
put_default(const struct view *v, const struct keyword *k)
{
	const char *def = default_of(v, k);
	char *copy, *rest, *word;

	if (def == NULL || is_cleared(k, def))
		return;
	copy = rest = str_dup(def);
	if (k->many && k->kind == KIND_STRING) {
		while ((word = strsep(&rest, " ")) != NULL)
			put(v, k, word, NULL);
	} else if (expansion_of(k) != AS_WRITTEN) {
		char *words[8];
		size_t n = 0;

		while (n < 8 && (word = strsep(&rest, " ")) != NULL)
			words[n++] = word;
		put_joined(v, k, words, n, NULL);
	} else {
		put(v, k, def, NULL);
	}
	free(copy);
}

/* "ask" needs somebody who can be asked. */
static bool
is_never_asked(const struct view *v)
{
	const struct resolution *r = v->r;
	const char *level = resolution_text(r, KW_LOGLEVEL);
	const struct entry *remote = resolution_entry(r, KW_REMOTECOMMAND);
	const struct entry *path = resolution_entry(r, KW_CONTROLPATH);

	return (path != NULL && !is_cleared(path->keyword,
	    path->value.texts[0]) &&
	    strcmp(resolution_text(r, KW_CONTROLPERSIST), "no") != 0) ||
	    (remote != NULL && !is_cleared(remote->keyword,
	    remote->value.texts[0])) ||
	    strcmp(resolution_text(r, KW_REQUESTTTY), "false") == 0 ||
	    strcmp(level, "SILENT") == 0 || strcmp(level, "FATAL") == 0 ||
	    strcmp(level, "ERROR") == 0;
}

/* What is really asked for; ssh's own lists nobody but ssh knows. */
static void
put_algorithms(const struct view *v, const struct keyword *k,
    const struct entry *e)
{
	struct algorithm_list list = { 0 };
	struct str names;

	str_init(&names);
	assemble_list(&list, k, v->r, v->report);
	assemble_append(&names, k, &list);
	put(v, k, names.p, e);
	str_fini(&names);
	free(list.names);
	free(list.origin);
}

static void
put_row(const struct view *v, const struct keyword *k)
{
	enum keyword_id id = keyword_id(k);
	const struct setting *s = &v->r->settings[id];
	const struct entry *e = s->count > 0 ? s->entries[0] : NULL;

	switch ((int)id) {
	case KW_HOST:
		put(v, k, v->r->name, NULL);
		return;
	case KW_USER:
		put(v, k, v->r->user, e);
		return;
	case KW_HOSTNAME:
		put(v, k, v->r->host, e);
		return;
	case KW_HOSTKEYALIAS:
		if (e != NULL)
			put(v, k, v->r->alias, e);
		return;
	case KW_UPDATEHOSTKEYS:
		if (e != NULL && strcmp(e->value.texts[0], "ask") == 0 &&
		    is_never_asked(v)) {
			put(v, k, "false", e);
			return;
		}
		break;
	case KW_SENDENV:
		put_send_env(v, s);
		return;
	case KW_TUNNEL:
		if (resolution_flag(v->r, KW_CLEARALLFORWARDINGS)) {
			put(v, k, "false", e);
			return;
		}
		break;
	case KW_REKEYLIMIT:
		if (e != NULL) {
			put_rekey(v, s);
			return;
		}
		break;
	}
	if (k->field == FIELD_ALGORITHMS && !v->options->ssh_defaults) {
		put_algorithms(v, k, e);
		return;
	}
	for (size_t i = 0; i < s->count; i++)
		put_entry(v, s->entries[i]);
	if (s->count == 0)
		put_default(v, k);
}

struct config *
show_host(const struct config_source *source, const char *name,
    const struct show_options *options, struct str *out)
{
	struct config *report = mem_alloc(sizeof(*report));
	struct resolution r = { 0 };
	struct tree tree = { 0 };
	struct str lines;
	struct view v = { .r = &r, .options = options, .report = report,
	    .out = &lines };

	str_init(&lines);
	if (tree_load(&tree, source, report) == 0) {
		struct resolve_source documents = tree_source(&tree);

		resolve_name(&documents, name, &r, report);
		for (int i = 0; i < KW_PROTOCOL; i++)
			if (i == KW_HOST || !keyword_is_structure(
			    keyword_get((enum keyword_id)i)))
				put_row(&v, keyword_get((enum keyword_id)i));
	}
	if (!config_has_errors(report))
		str_append(out, lines.p);
	report_sort(report);
	str_fini(&lines);
	resolution_fini(&r);
	tree_fini(&tree);
	return report;
}
