/* SPDX-License-Identifier: ISC */
#define _DEFAULT_SOURCE		/* strsep */
#include "config/jump.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "config/check.h"
#include "config/command.h"
#include "config/hop.h"
#include "config/host.h"
#include "config/report.h"

/* The way to one host being found. */
struct way {
	struct host *host;		/* gets the hops */
	const struct resolve_source *source;
	struct config *report;
};

/* Whose way is being looked for: the innermost first. */
struct trail {
	const struct resolution *r;
	const struct trail *outer;
};

static void
set_command(struct host *h, const struct resolution *r,
    struct config *report)
{
	const struct entry *e = resolution_entry(r, KW_PROXYCOMMAND);

	if (e != NULL && strcmp(e->value.texts[0], "-") == 0) {
		document_complain(report, SEVERITY_ERROR, e,
		    "ProxyCommand -: hawserd's standard input leads to no "
		    "server");
		return;
	}
	free(h->proxy_command);
	h->proxy_command = command_build(r, KW_PROXYCOMMAND, report);
}

static bool
is_same(const struct resolution *a, const struct resolution *b)
{
	return strcmp(a->name, b->name) == 0 &&
	    strcmp(a->user, b->user) == 0 && strcmp(a->port, b->port) == 0;
}

static bool
is_on(const struct trail *t, const struct resolution *r)
{
	for (; t != NULL; t = t->outer)
		if (is_same(t->r, r))
			return true;
	return false;
}

static void
add_hop(struct way *w, const struct host *hop)
{
	struct host *h = w->host;

	h->jumps = mem_grow(h->jumps, h->jump_count + 1, sizeof(*h->jumps));
	h->jumps[h->jump_count++] = *hop;
}

static void add_way(struct way *, struct host *, const struct trail *);

/* Resolves one hop of e's list and adds it; its own way before, if first. */
static void
add_one(struct way *w, char *text, bool first, const struct entry *e,
    const struct trail *trail)
{
	struct resolve_source source = *w->source;
	struct resolution r = { 0 };
	struct trail here = { &r, trail };
	struct host host = { 0 };
	struct hop hop;
	char port[8];

	if (hop_cut(&hop, text) == -1 ||
	    !resolve_is_clean_name(hop.host)) {
		document_complain(w->report, SEVERITY_ERROR, e,
		    "ProxyJump: \"%s\" can't be a hop", text);
		return;
	}
	snprintf(port, sizeof(port), "%u", hop.port);
	source.given_user = hop.user;
	source.given_port = hop.port != 0 ? port : NULL;
	resolve_name(&source, hop.host, &r, w->report);
	if (is_on(trail, &r)) {
		document_complain(w->report, SEVERITY_ERROR, e,
		    "ProxyJump: the way to %s leads through %s itself (\"Host "
		    "%s\" with \"ProxyJump none\" ends it)", r.name, r.name,
		    r.name);
	} else if (w->host->jump_count == JUMP_HOPS_MAX) {
		document_complain(w->report, SEVERITY_ERROR, e,
		    "ProxyJump: %s lies behind more than %d hops",
		    w->host->name, JUMP_HOPS_MAX);
	} else {
		host_build(&host, &r, e->file, e->line, w->report);
		host_clear_forwards(&host);
		check_host(&host, &r, w->report);
		if (first)
			add_way(w, &host, &here);
		add_hop(w, &host);
	}
	resolution_fini(&r);
}

/* Adds the hops that lead to h, of which the trail's head is the values. */
static void
add_way(struct way *w, struct host *h, const struct trail *trail)
{
	const struct resolution *r = trail->r;
	const struct entry *e = resolution_entry(r, KW_PROXYJUMP);
	char *list, *rest, *text;
	struct err err;

	if (e == NULL || strcasecmp(e->value.texts[0], "none") == 0) {
		set_command(h, r, w->report);
		return;
	}
	list = expand_tokens(e->value.texts[0], COMMAND_TOKENS, &r->tokens,
	    &err);
	if (list == NULL) {
		document_complain(w->report, SEVERITY_ERROR, e,
		    "ProxyJump: %s", err.text);
		return;
	}
	for (rest = list; (text = strsep(&rest, ",")) != NULL;)
		add_one(w, text, text == list, e, trail);
	free(list);
}

void
jump_build(struct host *h, const struct resolution *r,
    const struct resolve_source *source, struct config *report)
{
	struct way w = { h, source, report };
	struct trail trail = { r, NULL };

	add_way(&w, h, &trail);
}
