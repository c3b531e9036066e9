/* SPDX-License-Identifier: ISC */
#include "config/together.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "config/circles.h"
#include "config/host.h"
#include "config/report.h"

/* A listening side of the configuration, and whose it is. */
struct listener {
	const struct host *host;
	const struct forward *forward;
	const struct origin *origin;
	const char *route;	/* the way to the host */
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
	if (!la && (rc = strcmp(a->route, b->route)) != 0)
		return rc;
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
	    a->host->port != b->host->port ||
	    strcmp(a->route, b->route) != 0))
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
	char *there = report_place(old->origin->file, old->origin->line,
	    old->origin->column);
	struct str where;

	str_init(&where);
	endpoint_format(&new_->forward->listen, &where);
	report_add_at(c, SEVERITY_ERROR, new_->origin->file,
	    new_->origin->line, new_->origin->column,
	    "%s %s is listened on twice%s: %s has it too, at %s",
	    new_->forward->listen.kind == ENDPOINT_UNIX ? "socket" : "port",
	    where.p, forward_is_local(new_->forward->kind) ? "" :
	    " on that server", old->host->name, there);
	str_fini(&where);
	free(there);
}

static void
check_rivals(struct config *c)
{
	char **routes = mem_alloc(c->host_count * sizeof(*routes));
	struct listener *all;
	size_t count = 0, n = 0;

	for (size_t i = 0; i < c->host_count; i++) {
		count += c->hosts[i].forward_count;
		routes[i] = host_route(&c->hosts[i]);
	}
	all = mem_alloc(count * sizeof(*all));
	for (size_t i = 0; i < c->host_count; i++)
		for (size_t j = 0; j < c->hosts[i].forward_count &&
		    c->hosts[i].enabled; j++)
			all[n++] = (struct listener){ &c->hosts[i],
			    &c->hosts[i].forwards[j],
			    &c->hosts[i].forward_origins[j], routes[i] };
	if (n > 0)
		qsort(all, n, sizeof(*all), compare);
	for (size_t i = 1; i < n; i++)
		for (size_t j = i; j-- > 0 && is_rival(&all[j], &all[i]);)
			if (overlaps(&all[j].forward->listen,
			    &all[i].forward->listen)) {
				complain(c, &all[j], &all[i]);
				break;
			}
	for (size_t i = 0; i < c->host_count; i++)
		free(routes[i]);
	free(routes);
	free(all);
}

void
together_check(struct config *c)
{
	check_rivals(c);
	circles_check(c);
}
