/* SPDX-License-Identifier: ISC */
#include "config/circles.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "config/host.h"
#include "config/report.h"

/*
 * A forward: where it listens, and the listener at which its connections
 * arrive. A machine is "" for this one, else a server as it is named.
 */
struct node {
	const struct host *host;
	const struct forward *forward;
	const struct origin *origin;
	char *machine;		/* where it listens */
	char *far;		/* whence its target is dialled */
	struct node *next;	/* NULL: it leads out of what we know */
	size_t seen;		/* the walk that came by; 0: none */
};

static bool
is_same_machine(const char *name)
{
	return name == NULL || *name == '\0' ||
	    strcasecmp(name, "localhost") == 0 ||
	    strncmp(name, "127.", 4) == 0 || strcmp(name, "::1") == 0;
}

/* New. Behind a hop, localhost is the hop. */
static char *
server_of(const struct host *h)
{
	char *route = host_route(h), *server;

	server = *route == '\0' && is_same_machine(h->hostname) ?
	    str_dup("") :
	    str_dupf("%s:%u %s", h->hostname, h->port, route);
	free(route);
	return server;
}

static int
compare_place(const char *machine, const struct endpoint *e,
    const struct node *n)
{
	const struct endpoint *listen = &n->forward->listen;
	int rc = strcmp(machine, n->machine);

	if (rc != 0)
		return rc;
	if (e->kind != listen->kind)
		return (int)e->kind - (int)listen->kind;
	return e->kind == ENDPOINT_UNIX ? strcmp(e->host, listen->host) :
	    e->port - listen->port;
}

/* By the place of the listener, then in the order of the files. */
static int
compare(const void *va, const void *vb)
{
	const struct node *a = va, *b = vb;
	int rc = compare_place(a->machine, &a->forward->listen, b);

	if (rc != 0)
		return rc;
	if (a->host != b->host)
		return a->host < b->host ? -1 : 1;
	return (a->forward > b->forward) - (a->forward < b->forward);
}

struct place {
	const char *machine;
	const struct endpoint *endpoint;
};

static int
compare_key(const void *key, const void *node)
{
	const struct place *p = key;

	return compare_place(p->machine, p->endpoint, node);
}

static bool
is_loopback(const char *name)
{
	return name == NULL || *name == '\0' ||
	    strcasecmp(name, "localhost") == 0 ||
	    strcmp(name, "127.0.0.1") == 0 || strcmp(name, "::1") == 0;
}

/* Is a listener on that port reached by the target's name? */
static bool
is_reached(const struct endpoint *listen, const struct endpoint *target)
{
	if (listen->kind == ENDPOINT_UNIX)
		return true;
	if (listen->host != NULL && (strcmp(listen->host, "*") == 0 ||
	    strcmp(listen->host, "0.0.0.0") == 0 ||
	    strcmp(listen->host, "::") == 0))
		return true;
	if (is_loopback(listen->host))
		return is_loopback(target->host);
	return target->host != NULL &&
	    strcasecmp(listen->host, target->host) == 0;
}

/* The listener that a forward's connections reach, or NULL. */
static struct node *
find_next(struct node *nodes, size_t count, const struct node *from)
{
	const struct endpoint *target = &from->forward->target;
	struct place p = { from->far, target };
	struct node *n;

	if (count == 0 || target->kind == ENDPOINT_NONE ||
	    (target->kind == ENDPOINT_TCP && !is_same_machine(target->host)))
		return NULL;
	n = bsearch(&p, nodes, count, sizeof(*nodes), compare_key);
	/* From the first one there: they differ in their addresses. */
	while (n != NULL && n > nodes && compare_key(&p, n - 1) == 0)
		n--;
	for (; n != NULL && n < nodes + count && compare_key(&p, n) == 0; n++)
		if (is_reached(&n->forward->listen, target))
			return n;
	return NULL;
}

/* All forwards of the hosts that run, sorted; new. */
static struct node *
make_nodes(const struct config *c, size_t *count)
{
	struct node *nodes;
	size_t n = 0;

	for (size_t i = 0; i < c->host_count; i++)
		n += c->hosts[i].forward_count;
	nodes = mem_alloc(n * sizeof(*nodes));
	n = 0;
	for (size_t i = 0; i < c->host_count; i++) {
		const struct host *h = &c->hosts[i];

		for (size_t j = 0; j < h->forward_count && h->enabled; j++) {
			bool local = forward_is_local(h->forwards[j].kind);

			nodes[n++] = (struct node){ .host = h,
			    .forward = &h->forwards[j],
			    .origin = &h->forward_origins[j],
			    .machine = local ? str_dup("") : server_of(h),
			    .far = local ? server_of(h) : str_dup("") };
		}
	}
	if (n > 0)
		qsort(nodes, n, sizeof(*nodes), compare);
	*count = n;
	return nodes;
}

static bool
stands_behind(const struct node *a, const struct node *b)
{
	return a->host != b->host ? a->host > b->host :
	    a->forward > b->forward;
}

/* Tells of the circle that holds a node, at the last of its lines. */
static void
complain(struct config *c, const struct node *in)
{
	const struct node *last = in;
	struct str way;

	for (const struct node *n = in->next; n != in; n = n->next)
		if (stands_behind(n, last))
			last = n;
	str_init(&way);
	for (const struct node *n = last->next; n != last; n = n->next) {
		char *place = report_place(n->origin->file, n->origin->line,
		    n->origin->column);

		str_printf(&way, "%s%s of %s (%s)",
		    way.len > 0 ? ", " : " through ", n->forward->id,
		    n->host->name, place);
		free(place);
	}
	report_add_at(c, SEVERITY_ERROR, last->origin->file,
	    last->origin->line, last->origin->column,
	    "%s leads back to where it comes from%s: a connection would go "
	    "round for ever", last->forward->id, way.p != NULL ? way.p : "");
	str_fini(&way);
}

void
circles_check(struct config *c)
{
	size_t count;
	struct node *nodes = make_nodes(c, &count);

	for (size_t i = 0; i < count; i++)
		nodes[i].next = find_next(nodes, count, &nodes[i]);
	for (size_t i = 0; i < count; i++) {
		struct node *n = &nodes[i];

		while (n != NULL && n->seen == 0) {
			n->seen = i + 1;
			n = n->next;
		}
		/* Where this walk meets its own steps it goes round. */
		if (n != NULL && n->seen == i + 1)
			complain(c, n);
	}
	for (size_t i = 0; i < count; i++) {
		free(nodes[i].machine);
		free(nodes[i].far);
	}
	free(nodes);
}
