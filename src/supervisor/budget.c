/* SPDX-License-Identifier: ISC */
#include "supervisor/budget.h"

#include <assert.h>
#include <stdlib.h>

#include "base/str.h"

/* Exists while somebody has a place or waits for one. */
struct budget_endpoint {
	char *hostname;
	uint16_t port;
	unsigned in_use;
	TAILQ_HEAD(, budget_claim) waiting;
	LIST_ENTRY(budget_endpoint) entry;
};

struct budget {
	unsigned places;
	LIST_HEAD(, budget_endpoint) endpoints;
};

struct budget *
budget_new(unsigned places)
{
	struct budget *b = mem_alloc(sizeof(*b));

	b->places = places;
	LIST_INIT(&b->endpoints);
	return b;
}

void
budget_free(struct budget *b)
{
	if (b == NULL)
		return;
	assert(LIST_EMPTY(&b->endpoints));
	free(b);
}

void
budget_claim_init(struct budget_claim *c, void (*on_grant)(void *arg),
    void *arg)
{
	*c = (struct budget_claim){ .on_grant = on_grant, .arg = arg };
}

static struct budget_endpoint *
find_endpoint(struct budget *b, const char *hostname, uint16_t port)
{
	struct budget_endpoint *e;

	LIST_FOREACH(e, &b->endpoints, entry)
		if (e->port == port && str_equal(e->hostname, hostname))
			return e;
	e = mem_alloc(sizeof(*e));
	e->hostname = str_dup(hostname);
	e->port = port;
	TAILQ_INIT(&e->waiting);
	LIST_INSERT_HEAD(&b->endpoints, e, entry);
	return e;
}

bool
budget_ask(struct budget *b, struct budget_claim *c, const char *hostname,
    uint16_t port)
{
	struct budget_endpoint *e = find_endpoint(b, hostname, port);

	assert(c->endpoint == NULL);
	c->endpoint = e;
	c->granted = e->in_use < b->places;
	if (c->granted)
		e->in_use++;
	else
		TAILQ_INSERT_TAIL(&e->waiting, c, entry);
	return c->granted;
}

void
budget_give_back(struct budget *b, struct budget_claim *c)
{
	struct budget_endpoint *e = c->endpoint;
	struct budget_claim *next;

	(void)b;
	if (e == NULL)
		return;
	c->endpoint = NULL;
	if (!c->granted) {
		TAILQ_REMOVE(&e->waiting, c, entry);
		next = NULL;
	} else {
		/* The place goes to the next one, who keeps e alive. */
		c->granted = false;
		if ((next = TAILQ_FIRST(&e->waiting)) != NULL)
			TAILQ_REMOVE(&e->waiting, next, entry);
		else
			e->in_use--;
	}
	if (next != NULL) {
		next->granted = true;
		next->on_grant(next->arg);
		return;
	}
	if (e->in_use == 0) {
		LIST_REMOVE(e, entry);
		free(e->hostname);
		free(e);
	}
}
