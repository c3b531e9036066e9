/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "config/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "config/expand.h"
#include "config/host.h"
#include "config/report.h"

/* Does a line say what ssh does anyway? Then nothing is lost. */
static bool
is_usual(const struct entry *e)
{
	const struct keyword *k = e->keyword;
	const char *usual = k->ssh_def != NULL ? k->ssh_def : k->def;
	const char *text = e->value.texts[0];
	struct str all;
	bool same;

	if (usual == NULL)
		return strcasecmp(text, "none") == 0;
	str_init(&all);
	for (size_t i = 0; i < e->value.count; i++)
		str_printf(&all, "%s%s", i > 0 ? " " : "", e->value.texts[i]);
	same = strcmp(all.p, usual) == 0;
	str_fini(&all);
	return same;
}

static void
check_keywords(const struct host *h, const struct resolution *r,
    struct config *report)
{
	for (int i = 0; i < KEYWORD_COUNT; i++) {
		const struct entry *e = resolution_entry(r,
		    (enum keyword_id)i);

		if (e == NULL || is_usual(e))
			continue;
		/* ssh's own files are written for people at terminals. */
		if (e->keyword->use == USE_WARNED && !e->lent)
			report_add(report, SEVERITY_WARNING, e->file, e->line,
			    "%s isn't honoured: %s", e->keyword->name,
			    e->keyword->help);
		else if (e->keyword->use == USE_REFUSED)
			report_add(report, SEVERITY_ERROR, e->file, e->line,
			    "%s: %s; \"HawserEnabled no\" for %s leaves it "
			    "out", e->keyword->name, e->keyword->help,
			    h->name);
	}
}

static void
check_host_key(const struct host *h, const struct resolution *r,
    struct config *report)
{
	const struct entry *e = resolution_entry(r, KW_STRICTHOSTKEYCHECKING);

	if (e != NULL && h->checking == CHECKING_NO)
		report_add(report, SEVERITY_WARNING, e->file, e->line,
		    "StrictHostKeyChecking no: any server that answers is "
		    "trusted");
	if (e != NULL && h->checking == CHECKING_ACCEPT_NEW)
		report_add(report, SEVERITY_WARNING, e->file, e->line,
		    "StrictHostKeyChecking accept-new is treated as yes: "
		    "known_hosts isn't written; add the key by hand");
}

/* One configured private key, with "~" and tokens expanded. */
static void
check_key(const char *path, const struct entry *e, struct config *report)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd == -1) {
		report_add(report, SEVERITY_WARNING, e->file, e->line,
		    "the key %s can't be read: %s", path, strerror(errno));
		return;
	}
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode))
		report_add(report, SEVERITY_ERROR, e->file, e->line,
		    "the key %s is not a file", path);
	else if (st.st_uid == getuid() && (st.st_mode & 077) != 0)
		report_add(report, SEVERITY_ERROR, e->file, e->line,
		    "the private key %s has mode %04o, so that others can "
		    "read it: chmod 600 %s", path, st.st_mode & 07777, path);
	close(fd);
}

static void
check_keys(const struct resolution *r, struct config *report)
{
	const struct setting *s = &r->settings[KW_IDENTITYFILE];

	for (size_t i = 0; i < s->count; i++) {
		const struct entry *e = s->entries[i];
		const char *text = e->value.texts[0];
		char *path, *whole = NULL;

		if (strcasecmp(text, "none") == 0)
			continue;
		path = expand_tilde(text, r->tokens.user, NULL);
		if (path != NULL)
			whole = expand_all(path, HOST_TOKENS, &r->tokens,
			    NULL);
		if (whole != NULL)
			check_key(whole, e, report);
		free(path);
		free(whole);
	}
}

static void
check_forwards(const struct host *h, struct config *report)
{
	for (size_t i = 0; i < h->forward_count; i++) {
		const struct forward *f = &h->forwards[i];
		const struct origin *o = &h->forward_origins[i];

		if (f->listen.kind == ENDPOINT_UNIX)
			report_add(report, SEVERITY_ERROR, o->file, o->line,
			    "listening on a Unix socket (%s) isn't supported",
			    f->listen.host);
	}
}

void
check_host(const struct host *h, const struct resolution *r,
    struct config *report)
{
	check_keywords(h, r, report);
	check_host_key(h, r, report);
	check_keys(r, report);
	check_forwards(h, report);
}

/* A listening side of the configuration, and whose it is. */
struct listener {
	const struct host *host;
	const struct forward *forward;
	const struct origin *origin;
};

static int
compare_text(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return (a != NULL) - (b != NULL);
	return strcmp(a, b);
}

/* Local listeners first; then by server; then by port, then by path. */
static int
compare(const void *va, const void *vb)
{
	const struct listener *a = va, *b = vb;
	bool la = forward_is_local(a->forward->kind);
	bool lb = forward_is_local(b->forward->kind);
	int rc;

	if (la != lb)
		return lb - la;
	if (!la && (rc = strcmp(a->host->hostname, b->host->hostname)) != 0)
		return rc;
	if (!la && a->host->port != b->host->port)
		return a->host->port - b->host->port;
	if (a->forward->listen.kind != b->forward->listen.kind)
		return (int)a->forward->listen.kind -
		    (int)b->forward->listen.kind;
	if (a->forward->listen.port != b->forward->listen.port)
		return a->forward->listen.port - b->forward->listen.port;
	if (a->forward->listen.kind == ENDPOINT_UNIX &&
	    (rc = compare_text(a->forward->listen.host,
	    b->forward->listen.host)) != 0)
		return rc;
	/* Equal so far: the order of the files. */
	if (a->host != b->host)
		return a->host < b->host ? -1 : 1;
	return a->forward < b->forward ? -1 : 1;
}

/* Can they be told apart only by their addresses, or not even by those? */
static bool
is_rival(const struct listener *a, const struct listener *b)
{
	if (forward_is_local(a->forward->kind) !=
	    forward_is_local(b->forward->kind))
		return false;
	if (!forward_is_local(a->forward->kind) &&
	    (strcmp(a->host->hostname, b->host->hostname) != 0 ||
	    a->host->port != b->host->port))
		return false;
	return a->forward->listen.kind == b->forward->listen.kind &&
	    a->forward->listen.port == b->forward->listen.port;
}

/* The address that is bound, with the default spelled out. */
static const char *
bind_of(const struct endpoint *e)
{
	if (e->host == NULL)
		return "localhost";
	return strcmp(e->host, "0.0.0.0") == 0 || strcmp(e->host, "::") == 0 ?
	    "*" : e->host;
}

static bool
overlaps(const struct endpoint *a, const struct endpoint *b)
{
	const char *x = bind_of(a), *y = bind_of(b);
	const char *other;

	if (a->kind == ENDPOINT_UNIX)
		return strcmp(a->host, b->host) == 0;
	if (a->port == 0)	/* the server chooses: never the same */
		return false;
	if (strcasecmp(x, y) == 0 || strcmp(x, "*") == 0 ||
	    strcmp(y, "*") == 0)
		return true;
	other = strcmp(x, "localhost") == 0 ? y :
	    strcmp(y, "localhost") == 0 ? x : "";
	return strcmp(other, "127.0.0.1") == 0 || strcmp(other, "::1") == 0;
}

static void
complain(struct config *c, const struct listener *first,
    const struct listener *second)
{
	const struct listener *old = first, *new_ = second;
	struct str where;

	str_init(&where);
	endpoint_format(&new_->forward->listen, &where);
	report_add(c, SEVERITY_ERROR, new_->origin->file, new_->origin->line,
	    "%s %s is listened on twice%s: %s has it too, at %s:%d",
	    new_->forward->listen.kind == ENDPOINT_UNIX ? "socket" : "port",
	    where.p, forward_is_local(new_->forward->kind) ? "" :
	    " on that server", old->host->name, old->origin->file,
	    old->origin->line);
	str_fini(&where);
}

void
check_together(struct config *c)
{
	struct listener *all;
	size_t count = 0, n = 0;

	for (size_t i = 0; i < c->host_count; i++)
		count += c->hosts[i].forward_count;
	all = mem_alloc(count * sizeof(*all));
	for (size_t i = 0; i < c->host_count; i++)
		for (size_t j = 0; j < c->hosts[i].forward_count &&
		    c->hosts[i].enabled; j++)
			all[n++] = (struct listener){ &c->hosts[i],
			    &c->hosts[i].forwards[j],
			    &c->hosts[i].forward_origins[j] };
	if (n > 0)
		qsort(all, n, sizeof(*all), compare);
	for (size_t i = 1; i < n; i++)
		for (size_t j = i; j-- > 0 && is_rival(&all[j], &all[i]);)
			if (overlaps(&all[j].forward->listen,
			    &all[i].forward->listen)) {
				complain(c, &all[j], &all[i]);
				break;
			}
	free(all);
}
