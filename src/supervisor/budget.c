/* SPDX-License-Identifier: ISC */
#include "supervisor/budget.h"

#include <assert.h>
#include <event2/event.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/str.h"

/* Exists while somebody has a place or waits for one, or it fails. */
struct budget_endpoint {
	char *hostname;
	uint16_t port;
	unsigned in_use;
	unsigned failures;		/* in a row */
	int64_t granted_ms;		/* when a place was taken last */
	const struct budget_claim *last;	/* by whom: never looked into */
	TAILQ_HEAD(, budget_claim) waiting;
	LIST_ENTRY(budget_endpoint) entry;
};

struct budget {
	unsigned places;
	unsigned burst;			/* places taken since burst_ms */
	int64_t burst_ms;
	struct event *tick;		/* NULL: not started */
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

static void
forget(struct budget_endpoint *e)
{
	LIST_REMOVE(e, entry);
	free(e->hostname);
	free(e);
}

void
budget_free(struct budget *b)
{
	struct budget_endpoint *e;

	if (b == NULL)
		return;
	budget_stop(b);
	while ((e = LIST_FIRST(&b->endpoints)) != NULL) {
		assert(e->in_use == 0 && TAILQ_EMPTY(&e->waiting));
		forget(e);
	}
	free(b);
}

static bool
is_slow(const struct budget *b, const struct budget_endpoint *e)
{
	return e->failures >= b->places;
}

/* Has nobody a use for it? */
static bool
is_idle(const struct budget_endpoint *e)
{
	return e->in_use == 0 && TAILQ_EMPTY(&e->waiting) &&
	    (e->failures == 0 ||
	    clock_now_ms() - e->granted_ms > BUDGET_MEMORY_MS);
}

/*
 * When somebody may have a place again, wherever it leads. Not before there is
 * a loop, for which this is.
 */
static int64_t
burst_end_ms(const struct budget *b)
{
	return b->tick != NULL && b->burst >= BUDGET_BURST ?
	    b->burst_ms + BUDGET_BURST_MS : 0;
}

static bool
may_have(const struct budget *b, const struct budget_endpoint *e,
    const struct budget_claim *c)
{
	if (e->in_use >= b->places || clock_now_ms() < burst_end_ms(b))
		return false;
	return !is_slow(b, e) || c == e->last ||
	    clock_now_ms() - e->granted_ms >= BUDGET_PACE_MS;
}

static void
take(struct budget *b, struct budget_endpoint *e, struct budget_claim *c)
{
	c->granted = true;
	e->in_use++;
	e->last = c;
	e->granted_ms = clock_now_ms();
	if (e->granted_ms - b->burst_ms >= BUDGET_BURST_MS) {
		b->burst = 0;
		b->burst_ms = e->granted_ms;
	}
	b->burst++;
}

static void
serve(struct budget *b, struct budget_endpoint *e)
{
	struct budget_claim *c;

	while ((c = TAILQ_FIRST(&e->waiting)) != NULL && may_have(b, e, c)) {
		TAILQ_REMOVE(&e->waiting, c, entry);
		take(b, e, c);
		c->on_grant(c->arg);
	}
}

/* Those that wait though there are places do so for their time. */
static void
arm(struct budget *b)
{
	struct timeval tv = { 0 };
	struct budget_endpoint *e;
	int64_t least = INT64_MAX, now = clock_now_ms();
	int64_t wait = burst_end_ms(b) - now;

	if (b->tick == NULL)
		return;
	LIST_FOREACH(e, &b->endpoints, entry) {
		int64_t due = is_slow(b, e) ?
		    e->granted_ms + BUDGET_PACE_MS - now : 0;

		if (!TAILQ_EMPTY(&e->waiting) && e->in_use < b->places &&
		    due < least)
			least = due;
	}
	if (least == INT64_MAX)
		return;
	if (least < wait)
		least = wait;
	if (least > 0) {
		tv.tv_sec = (time_t)(least / 1000);
		tv.tv_usec = (suseconds_t)(least % 1000 * 1000);
	}
	evtimer_add(b->tick, &tv);
}

void
budget_tick(struct budget *b)
{
	struct budget_endpoint *e, *next;

	for (e = LIST_FIRST(&b->endpoints); e != NULL; e = next) {
		next = LIST_NEXT(e, entry);
		serve(b, e);
		if (is_idle(e))
			forget(e);
	}
	arm(b);
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	budget_tick(arg);
}

void
budget_start(struct budget *b, struct event_base *base)
{
	if ((b->tick = evtimer_new(base, on_tick, b)) == NULL)
		abort();
}

void
budget_stop(struct budget *b)
{
	if (b->tick != NULL)
		event_free(b->tick);
	b->tick = NULL;
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
	struct budget_endpoint *e, *next;

	for (e = LIST_FIRST(&b->endpoints); e != NULL; e = next) {
		next = LIST_NEXT(e, entry);
		if (e->port == port && str_equal(e->hostname, hostname))
			return e;
		if (is_idle(e))
			forget(e);
	}
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
	if (TAILQ_EMPTY(&e->waiting) && may_have(b, e, c)) {
		take(b, e, c);
		return true;
	}
	TAILQ_INSERT_TAIL(&e->waiting, c, entry);
	arm(b);
	return false;
}

bool
budget_note(struct budget *b, struct budget_claim *c, bool answered)
{
	struct budget_endpoint *e = c->endpoint;
	bool was_slow;

	if (e == NULL || !c->granted)
		return false;
	was_slow = is_slow(b, e);
	e->failures = answered ? 0 : e->failures + 1;
	return was_slow && answered;
}

void
budget_forgive(struct budget *b)
{
	struct budget_endpoint *e;

	LIST_FOREACH(e, &b->endpoints, entry)
		e->failures = 0;
	budget_tick(b);
}

bool
budget_is_paced(const struct budget_claim *c)
{
	return c->endpoint != NULL && !c->granted &&
	    c->endpoint->failures >= BUDGET_PLACES;
}

void
budget_give_back(struct budget *b, struct budget_claim *c)
{
	struct budget_endpoint *e = c->endpoint;

	if (e == NULL)
		return;
	c->endpoint = NULL;
	if (c->granted)
		e->in_use--;
	else
		TAILQ_REMOVE(&e->waiting, c, entry);
	c->granted = false;
	serve(b, e);
	if (is_idle(e))
		forget(e);
	arm(b);
}
