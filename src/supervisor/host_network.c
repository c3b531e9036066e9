/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fdio.h"
#include "base/log.h"
#include "base/str.h"
#include "supervisor/host_entry.h"
#include "supervisor/way.h"

/*
 * What hosts do when the network changes, or after sleep. It concerns a host
 * only if the way to its server (the nearest hop's) is another one now: by
 * interface, gateway, our own address, or by whether there is one at all. Then
 * its connections are asked whether they live, and a wait that the network may
 * be the reason of is cut short. What answers is left alone.
 *
 * The addresses are those that the last attempt tried; the worker tells them. A
 * host without any (its name led nowhere, or a ProxyCommand connects) goes by
 * the default routes.
 */

/* A connection that says nothing for so long on a new way is lost. */
#define PING_MS		3000
#define ADDRESSES_MAX	16	/* of those a worker tells */

struct host_way {
	struct way_to to;
	struct way way;
};

void
host_network_init(struct host_table *t)
{
	t->ways = way_open();
}

void
host_network_fini(struct host_table *t)
{
	fd_close(&t->ways);
}

/* BindAddress and BindInterface. False: no way can be found with these. */
static bool
bind_to(const struct host *h, struct way_to *to)
{
	if (h->bind_address[0] != '\0')
		to->has_from = inet_pton(to->family, h->bind_address,
		    to->from) == 1;
	else if (h->bind_interface[0] != '\0')
		return (to->interface =
		    if_nametoindex(h->bind_interface)) != 0;
	return true;
}

static void
find(const struct host_entry *e, struct host_way *w)
{
	struct way_to to = w->to;

	w->way = (struct way){ 0 };
	if (bind_to(chain_nearest(e->conf), &to))
		way_find(e->table->ways, &to, &w->way);
}

void
host_network_set(struct host_entry *e, const json_t *addresses)
{
	struct way_to to[ADDRESSES_MAX];
	size_t count = 0;

	for (size_t i = 0; i < json_array_size(addresses) &&
	    count < ADDRESSES_MAX; i++) {
		const char *text = json_string_value(
		    json_array_get(addresses, i));

		if (text != NULL && way_to_parse(&to[count], text) == 0)
			count++;
	}
	if (count == 0) {
		way_to_anywhere(to);
		count = 2;
	}
	free(e->ways);
	e->ways = mem_alloc(count * sizeof(*e->ways));
	e->way_count = count;
	for (size_t i = 0; i < count; i++) {
		e->ways[i].to = to[i];
		find(e, &e->ways[i]);
	}
}

/*
 * Asks the kernel again. True: some way is another one. Then *exists says
 * whether one of those exists, or, if all is true, one of all.
 */
static bool
look(struct host_entry *e, bool all, bool *exists)
{
	bool changed = false;

	*exists = false;
	for (size_t i = 0; i < e->way_count; i++) {
		struct way old = e->ways[i].way, *now = &e->ways[i].way;

		find(e, &e->ways[i]);
		if (!way_equal(&old, now))
			changed = true;
		else if (!all)
			continue;
		*exists = *exists || now->exists;
	}
	return changed;
}

bool
host_network_hasten(struct host_entry *e)
{
	int64_t left;

	if (e->state == HOST_CONNECTING)
		e->hastened = true;	/* when it is over, if in vain */
	if (e->state != HOST_WAITING)
		return e->state == HOST_CONNECTING;
	left = e->due_ms - clock_now_ms();
	e->verdict.delay_ms = schedule_wake(&e->schedule, e->last_end.class_,
	    clock_now_ms(), left, host_random());
	if (e->verdict.delay_ms >= left)
		return false;
	host_set_due(e);
	return true;
}

void
host_network_note(struct host_entry *e, struct budget_claim *claim,
    bool answered)
{
	const struct host *h = chain_nearest(e->conf), *other;
	struct host_entry *each;

	if (!budget_note(e->table->env.budget, claim, answered))
		return;
	log_info("the server answers again, all its hosts are tried now "
	    "server=%s port=%u", h->hostname, h->port);
	TAILQ_FOREACH(each, &e->table->hosts, entry) {
		other = chain_nearest(each->conf);
		if (other->port == h->port &&
		    strcmp(other->hostname, h->hostname) == 0)
			host_network_hasten(each);
	}
}

/* What came of it, over all hosts. */
struct sum {
	size_t asked;		/* connections */
	size_t hastened;	/* hosts that wait or connect */
};

static void
react(struct host_entry *e, bool exists, struct sum *sum)
{
	struct host_run *run;

	TAILQ_FOREACH(run, &e->runs, entry)
		sum->asked += chain_ping(run->chain, PING_MS) ? 1 : 0;
	/* Nothing can be had by trying where no way leads to. */
	if (!exists)
		return;
	sum->hastened += host_network_hasten(e) ? 1 : 0;
	host_replace_hasten(e);
}

void
host_table_network_changed(struct host_table *t)
{
	struct sum sum = { 0 };
	struct host_entry *e;
	size_t changed = 0;
	bool exists, any = false;

	TAILQ_FOREACH(e, &t->hosts, entry)
		if (look(e, false, &exists)) {
			changed++;
			any = any || exists;
			react(e, exists, &sum);
			log_debug("the way to the server is another one "
			    "host=%s exists=%s", e->name,
			    exists ? "yes" : "no");
		}
	if (any)
		budget_forgive(t->env.budget);
	(changed > 0 ? log_info : log_debug)("the network has changed "
	    "hosts=%zu asked=%zu hastened=%zu", changed, sum.asked,
	    sum.hastened);
}

void
host_table_slept(struct host_table *t, int64_t slept_ms)
{
	struct sum sum = { 0 };
	struct host_entry *e;
	bool exists;

	TAILQ_FOREACH(e, &t->hosts, entry) {
		look(e, true, &exists);
		react(e, exists, &sum);
	}
	budget_forgive(t->env.budget);
	log_info("awake again after=%llds asked=%zu hastened=%zu",
	    (long long)slept_ms / 1000, sum.asked, sum.hastened);
}
