/* SPDX-License-Identifier: ISC */
#include <event2/event.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "supervisor/host_entry.h"

/*
 * Make before break: when the configuration of a link that is up changes, a
 * second worker connects first. When it has authenticated, the forwards move
 * to it (host_move.c), and the old one ends with its last connection. Should
 * the new one fail, the old link stays, and the schedule says when to try
 * again. If the old one is lost meanwhile, the host connects anew as after
 * every loss.
 */

static void
give_back(struct host_entry *e)
{
	budget_give_back(e->table->env.budget, &e->replacement.claim);
}

static void
on_grant(void *arg)
{
	struct host_entry *e = arg;

	event_active(e->replacement.due, EV_TIMEOUT, 0);
}

static void
on_due(evutil_socket_t fd, short what, void *arg)
{
	struct host_entry *e = arg;
	struct budget_claim *claim = &e->replacement.claim;
	const struct host *nearest = chain_nearest(e->conf);
	struct err err;

	(void)fd;
	(void)what;
	if (claim->endpoint == NULL &&
	    !budget_ask(e->table->env.budget, claim, nearest->hostname,
	    nearest->port))
		return;
	if (!claim->granted || e->next != NULL)
		return;
	if ((e->next = host_run_start(e, ROLE_NEXT, &err)) == NULL)
		host_replace_on_end(e, END_CRASH, err.text);
}

void
host_replace_init(struct host_entry *e)
{
	budget_claim_init(&e->replacement.claim, on_grant, e);
	e->replacement.due = evtimer_new(e->table->env.base, on_due, e);
	if (e->replacement.due == NULL)
		abort();
}

void
host_replace_fini(struct host_entry *e)
{
	give_back(e);
	event_free(e->replacement.due);
}

void
host_replace_start(struct host_entry *e)
{
	host_replace_cancel(e);
	log_info("the link is replaced: a new one connects first host=%s",
	    e->name);
	e->replacement.wanted = true;
	e->replacement.schedule = (struct schedule){ 0 };
	e->replacement.tries = 0;
	e->replacement.due_ms = 0;
	event_active(e->replacement.due, EV_TIMEOUT, 0);
}

void
host_replace_cancel(struct host_entry *e)
{
	e->replacement.wanted = false;
	event_del(e->replacement.due);
	give_back(e);
	if (e->next != NULL)
		host_run_free(e->next);
	e->next = NULL;
}

void
host_replace_retry(struct host_entry *e)
{
	if (e->replacement.wanted && e->next == NULL)
		event_active(e->replacement.due, EV_TIMEOUT, 0);
}

void
host_replace_hasten(struct host_entry *e)
{
	struct host_replacement *r = &e->replacement;
	int64_t left = r->due_ms - clock_now_ms(), delay;

	/* It waits for its time: not for a place, a worker or an operator. */
	if (!r->wanted || e->next != NULL || r->claim.endpoint != NULL ||
	    left <= 0)
		return;
	delay = schedule_wake(&r->schedule, e->last_end.class_,
	    clock_now_ms(), left, host_random());
	if (delay == left)
		return;
	r->due_ms = clock_now_ms() + delay;
	host_timer_set(r->due, delay);
}

void
host_replace_on_up(struct host_entry *e)
{
	struct host_run *old = e->main;

	host_network_note(e, &e->replacement.claim, true);
	give_back(e);
	e->replacement.wanted = false;
	e->main = e->next;
	e->main->role = ROLE_MAIN;
	e->next = NULL;
	e->rtt_us = -1;
	host_network_set(e, e->main->addresses);
	log_info("the link was replaced host=%s server=\"%s\" tries=%u",
	    e->name, e->main->server, e->replacement.tries + 1);
	old->role = ROLE_RETIRED;
	host_forwards_move(e, old);
}

void
host_replace_on_end(struct host_entry *e, enum end_class class_,
    const char *text)
{
	bool repeated = e->replacement.tries++ > 0 &&
	    host_ends_alike(e, class_, text);
	struct schedule_verdict v;

	give_back(e);
	v = host_note_end(e, &e->replacement.schedule, class_, text, -1);
	(repeated ? log_debug : log_warn)("the new link failed, the old one "
	    "stays host=%s class=%s why=\"%s\" tries=%u next_ms=%lld",
	    e->name, end_class_name(class_), text, e->replacement.tries,
	    v.park ? -1 : (long long)v.delay_ms);
	host_hostkey_watch(e->table);
	if (v.park)
		return;
	e->replacement.due_ms = clock_now_ms() + v.delay_ms;
	host_timer_set(e->replacement.due, v.delay_ms);
}
