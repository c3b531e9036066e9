/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "config/resolve.h"

#include <ctype.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/str.h"
#include "config/report.h"

/* One evaluation under way. */
struct pass {
	const struct resolve_source *source;
	struct resolution *out;
	struct config *report;
	const char *name;	/* what Host patterns are held against */
	bool final;
	bool failed;
};

const struct entry *
resolution_entry(const struct resolution *r, enum keyword_id id)
{
	return r->settings[id].count > 0 ? r->settings[id].entries[0] : NULL;
}

const char *
resolution_text(const struct resolution *r, enum keyword_id id)
{
	const struct entry *e = resolution_entry(r, id);

	return e != NULL ? e->value.texts[0] : keyword_get(id)->def;
}

bool
resolution_flag(const struct resolution *r, enum keyword_id id)
{
	const char *text = resolution_text(r, id);

	return strcmp(text, "yes") == 0 || strcmp(text, "true") == 0;
}

static void
fail(struct pass *p, const char *file, int line, int column,
    const char *text)
{
	report_add_at(p->report, SEVERITY_ERROR, file, line, column, "%s",
	    text);
	p->failed = true;
}

static bool
is_same(const struct entry *a, const struct entry *b)
{
	if (a->value.has_forward)
		return forward_equal(&a->value.forward, &b->value.forward);
	return str_equal(a->value.texts[0], b->value.texts[0]);
}

static bool
has(const struct setting *s, const struct entry *e)
{
	for (size_t i = 0; i < s->count; i++)
		if (is_same(s->entries[i], e))
			return true;
	return false;
}

/* ProxyJump and ProxyCommand shut each other out: the first of them wins. */
static bool
is_shut_out(const struct resolution *r, enum keyword_id id)
{
	if (id == KW_PROXYJUMP)
		return resolution_entry(r, KW_PROXYCOMMAND) != NULL;
	return id == KW_PROXYCOMMAND &&
	    resolution_entry(r, KW_PROXYJUMP) != NULL;
}

static void
add_shadow(struct resolution *r, const struct entry *idle,
    const struct entry *winner)
{
	r->shadows = mem_grow(r->shadows, r->shadow_count + 1,
	    sizeof(*r->shadows));
	r->shadows[r->shadow_count++] = (struct shadow){ idle, winner };
}

/* A line that holds is applied; general: so it does for many names. */
static void
apply(struct resolution *r, const struct entry *e, bool general)
{
	enum keyword_id id = keyword_id(e->keyword);
	struct setting *s = &r->settings[id];

	if (e->value.count == 0 || is_shut_out(r, id))
		return;
	if (!e->keyword->many && s->count > 0) {
		if (s->general && !general && !is_same(e, s->entries[0]))
			add_shadow(r, e, s->entries[0]);
		return;
	}
	/* Variables may be sent twice; keys and forwards aren't used twice. */
	if (e->keyword->kind != KIND_SEND_ENV && has(s, e))
		return;
	if (s->count == 0)
		s->general = general;
	s->entries = mem_grow(s->entries, s->count + 1, sizeof(*s->entries));
	s->entries[s->count++] = e;
}

static void
meet_unknown(struct pass *p, const struct document *d,
    const struct entry *e)
{
	const char *ignored = resolution_text(p->out, KW_IGNOREUNKNOWN);
	const char *nearest;
	struct err err;

	if (ignored != NULL && match_list(e->name, ignored, true))
		return;
	nearest = keyword_nearest(e->name);
	if (nearest != NULL)
		err_set(&err, ERR_INPUT, "there is no keyword \"%s\"; did "
		    "you mean %s?", e->name, nearest);
	else
		err_set(&err, ERR_INPUT, "there is no keyword \"%s\"",
		    e->name);
	if (d->lends)
		document_complain(p->report, SEVERITY_WARNING, e, "%s",
		    err.text);
	else
		fail(p, e->file, e->line, e->column, err.text);
}

/* HostName as far as the lines so far have said; new, NULL with err set. */
static char *
host_so_far(const struct pass *p, struct err *err)
{
	const char *text = resolution_text(p->out, KW_HOSTNAME);
	struct expand_tokens t = { .host = p->out->name };

	if (p->final)
		return str_dup(p->out->host);
	if (text == NULL)
		return str_dup(p->out->name);
	return expand_tokens(text, "h", &t, err);
}

static int
match_block(struct pass *p, const struct block *b, struct err *err)
{
	const struct resolution *r = p->out;
	const struct expand_user *user = p->source->user;
	const char *login = p->source->given_user != NULL ?
	    p->source->given_user : resolution_text(r, KW_USER);
	const char *port = p->source->given_port != NULL ?
	    p->source->given_port : resolution_text(r, KW_PORT);
	const char *alias = resolution_text(r, KW_HOSTKEYALIAS);
	const char *tag = resolution_text(r, KW_TAG);
	char *host = host_so_far(p, err);
	struct match_subject s;
	int rc;

	if (host == NULL)
		return -1;
	s = (struct match_subject){
		.host = host,
		.original = r->name,
		.user = login != NULL ? login : user->name,
		.local_user = user->name,
		.tag = tag != NULL ? tag : "",
		.final = p->final,
		.is_local = p->source->is_local,
		.exec = p->source->exec,
		.exec_arg = p->source->exec_arg,
	};
	s.tokens = (struct expand_tokens){ .user = user, .original = r->name,
	    .host = host, .port = port,
	    .remote_user = s.user, .alias = alias != NULL ? alias : host,
	    .jump = "" };
	rc = match_holds(&b->match, &s, err);
	free(host);
	return rc;
}

static bool
holds(struct pass *p, const struct document *d, const struct block *b)
{
	struct err err;
	int rc;

	if (b->kind == BLOCK_HOST)
		return match_host_line(b->patterns.texts, b->patterns.count,
		    p->name);
	if ((rc = match_block(p, b, &err)) == -1)
		fail(p, d->file, b->line, b->column, err.text);
	return rc == 1;
}

static void evaluate_list(struct pass *, const struct document_list *,
    bool active);

/* Is this a block for the name itself, not for a pattern? */
static bool
is_own(const struct block *b, const char *name)
{
	for (size_t i = 0; i < b->patterns.count; i++)
		if (strcmp(b->patterns.texts[i], name) == 0)
			return true;
	return false;
}

static void
evaluate_block(struct pass *p, const struct document *d,
    const struct block *b, bool active)
{
	bool here = active && (b->kind == BLOCK_TOP || holds(p, d, b));

	for (size_t i = 0; i < b->count && (here || b->always); i++) {
		const struct entry *e = &b->entries[i];

		if (e->keyword == NULL)
			meet_unknown(p, d, e);
		else if (e->keyword->kind == KIND_INCLUDE)
			evaluate_list(p, &e->includes, here);
		else if (here && !(d->lends && e->value.has_forward))
			apply(p->out, e, !is_own(b, p->name));
	}
}

/*
 * Evaluates documents. What stands before their first Host lines holds if
 * active; where that doesn't, they are only looked through for unknown
 * keywords.
 */
static void
evaluate_list(struct pass *p, const struct document_list *list, bool active)
{
	struct index_walk files = index_walk(&list->index, p->name);
	size_t i, j;

	while (index_next(&files, &i)) {
		const struct document *d = list->documents[i];
		struct index_walk blocks = index_walk(&d->index, p->name);

		while (index_next(&blocks, &j))
			evaluate_block(p, d, &d->blocks[j], active);
	}
}

/* Numeric addresses keep their case; a name can't be one without digits. */
static bool
is_address(const char *host)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
	    .ai_flags = AI_NUMERICHOST }, *ai;

	if (strpbrk(host, "%:") != NULL ||
	    host[strspn(host, "0123456789.")] == '\0')
		return true;
	if (getaddrinfo(host, NULL, &hints, &ai) != 0)
		return false;
	freeaddrinfo(ai);
	return true;
}

/* The one way to write an address; new. */
static char *
canonical_address(const char *host)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
	    .ai_flags = AI_NUMERICHOST }, *ai;
	char text[NI_MAXHOST];
	int rc;

	if (getaddrinfo(host, NULL, &hints, &ai) != 0)
		return str_dup(host);
	rc = getnameinfo(ai->ai_addr, ai->ai_addrlen, text, sizeof(text), NULL,
	    0, NI_NUMERICHOST);
	freeaddrinfo(ai);
	return str_dup(rc == 0 ? text : host);
}

/* Takes HostName into use, between the passes and at the end. */
static void
set_host(struct pass *p)
{
	struct resolution *r = p->out;
	const struct entry *e = resolution_entry(r, KW_HOSTNAME);
	struct expand_tokens t = { .host = r->name };
	struct err err;
	char *host = e == NULL ? str_dup(r->name) :
	    expand_tokens(e->value.texts[0], "h", &t, &err);

	if (host == NULL) {
		fail(p, e->file, e->line, e->column, err.text);
		host = str_dup(r->name);
	}
	free(r->host);
	if (is_address(host)) {
		r->host = canonical_address(host);
		free(host);
		return;
	}
	for (char *c = host; *c != '\0'; c++)
		*c = (char)tolower((unsigned char)*c);
	r->host = host;
}

/* The host of the last hop, which is the one %j means. */
static char *
last_hop(const char *jump)
{
	const char *comma, *at, *host;

	if (jump == NULL || strcmp(jump, "none") == 0)
		return str_dup("");
	comma = strrchr(jump, ',');
	host = comma != NULL ? comma + 1 : jump;
	if ((at = strrchr(host, '@')) != NULL)
		host = at + 1;
	if (*host == '[')
		return str_dupf("%.*s", (int)strcspn(host + 1, "]"), host + 1);
	return str_dupf("%.*s", (int)strcspn(host, ":"), host);
}

bool
resolve_is_clean_name(const char *name)
{
	if (*name == '-')
		return false;
	for (; *name != '\0'; name++)
		if ((unsigned char)*name <= ' ' || *name == 127 ||
		    strchr("'`\"$\\;&<>|(){},", *name) != NULL)
			return false;
	return true;
}

/* A user name that a shell wouldn't act upon, and that isn't an option. */
static bool
is_clean_user(const char *name)
{
	if (*name == '-')
		return false;
	for (; *name != '\0'; name++)
		if (iscntrl((unsigned char)*name) ||
		    strchr("'`\";&<>|(){}", *name) != NULL ||
		    (isspace((unsigned char)*name) && name[1] == '-') ||
		    (*name == '\\' && name[1] == '\0'))
			return false;
	return true;
}

/* Expands User, once all that its tokens stand for is known. */
static void
set_user(struct pass *p)
{
	struct resolution *r = p->out;
	const struct entry *e = resolution_entry(r, KW_USER);
	struct err err;

	if (p->source->given_user != NULL && !is_clean_user(r->user))
		fail(p, NULL, 0, 0, "the user's name of a hop holds a "
		    "character that a shell would act upon");
	if (e == NULL || p->source->given_user != NULL)
		return;
	free(r->user);
	r->user = expand_all(e->value.texts[0], "dhijkLlnpu", &r->tokens,
	    &err);
	if (r->user == NULL) {
		fail(p, e->file, e->line, e->column, err.text);
		r->user = str_dup(p->source->user->name);
	} else if (!is_clean_user(r->user)) {
		fail(p, e->file, e->line, e->column, "User holds a character "
		    "that a shell would act upon");
	}
	r->tokens.remote_user = r->user;
}

static void
set_tokens(struct pass *p)
{
	struct resolution *r = p->out;
	const char *alias = resolution_text(r, KW_HOSTKEYALIAS);

	r->port = str_dup(p->source->given_port != NULL ?
	    p->source->given_port : resolution_text(r, KW_PORT));
	r->user = str_dup(p->source->given_user != NULL ?
	    p->source->given_user : p->source->user->name);
	r->alias = str_dup(alias != NULL ? alias : r->name);
	r->jump = last_hop(resolution_text(r, KW_PROXYJUMP));
	for (char *c = alias != NULL ? r->alias : r->alias + strlen(r->alias);
	    *c != '\0'; c++)
		*c = (char)tolower((unsigned char)*c);
	r->tokens = (struct expand_tokens){
		.user = p->source->user,
		.original = r->name,
		.host = r->host,
		.port = r->port,
		.remote_user = r->user,
		.alias = r->alias,
		.jump = r->jump,
	};
	set_user(p);
}

static bool
wants_final(const struct pass *p)
{
	return p->source->documents->wants_final ||
	    strcmp(resolution_text(p->out, KW_CANONICALIZEHOSTNAME),
	    "false") != 0;
}

int
resolve_name(const struct resolve_source *source, const char *name,
    struct resolution *out, struct config *report)
{
	struct pass p = { .source = source, .out = out, .report = report,
	    .name = name };

	out->name = str_dup(name);
	evaluate_list(&p, source->documents, true);
	set_host(&p);
	if (wants_final(&p)) {
		p.final = true;
		p.name = out->host;
		evaluate_list(&p, source->documents, true);
	}
	set_tokens(&p);
	return p.failed ? -1 : 0;
}

void
resolution_fini(struct resolution *r)
{
	for (size_t i = 0; i < KEYWORD_COUNT; i++)
		free(r->settings[i].entries);
	free(r->shadows);
	free(r->name);
	free(r->host);
	free(r->port);
	free(r->user);
	free(r->alias);
	free(r->jump);
	*r = (struct resolution){ 0 };
}
