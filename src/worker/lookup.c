/* SPDX-License-Identifier: ISC */
#include "worker/lookup.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/endpoint.h"
#include "base/str.h"
#include "worker/report.h"

struct lookup_request {
	struct lookup *lookup;
	long long number;
	bool asked;		/* else the name is bad: the timer says so */
	lookup_answer *answer;
	void *arg;
	struct event *timer;
	LIST_ENTRY(lookup_request) link;
};

struct lookup {
	struct loop *loop;
	long long last;		/* number given out last; never reused */
	LIST_HEAD(, lookup_request) requests;
};

struct lookup *
lookup_new(struct loop *l)
{
	struct lookup *k = mem_alloc(sizeof(*k));

	k->loop = l;
	LIST_INIT(&k->requests);
	return k;
}

void
lookup_cancel(struct lookup_request *r)
{
	LIST_REMOVE(r, link);
	event_free(r->timer);
	free(r);
}

void
lookup_free(struct lookup *k)
{
	if (k == NULL)
		return;
	while (!LIST_EMPTY(&k->requests))
		lookup_cancel(LIST_FIRST(&k->requests));
	free(k);
}

/* Letters, digits and what else names and scoped literals are made of. */
static bool
is_name(const char *name)
{
	size_t n = strlen(name);

	return n > 0 && n <= ENDPOINT_HOST_MAX && name[0] != '-' &&
	    strspn(name, "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_%:") == n;
}

/* Forgets the request, then tells its owner. */
static void
finish(struct lookup_request *r, const char *const *addresses, size_t count,
    const char *why)
{
	lookup_answer *answer = r->answer;
	void *arg = r->arg;

	lookup_cancel(r);
	answer(arg, addresses, count, why);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct lookup_request *r = arg;

	(void)fd;
	(void)what;
	finish(r, NULL, 0, r->asked ? "the name service did not answer" :
	    "not a host name");
}

struct lookup_request *
lookup_start(struct lookup *k, const char *name, lookup_answer *answer,
    void *arg)
{
	struct lookup_request *r = mem_alloc(sizeof(*r));

	r->lookup = k;
	r->number = ++k->last;
	r->answer = answer;
	r->arg = arg;
	r->asked = is_name(name);
	LIST_INSERT_HEAD(&k->requests, r, link);
	if ((r->timer = evtimer_new(k->loop->base, on_timer, r)) == NULL)
		abort();
	loop_timer_set(r->timer, r->asked ? LOOKUP_DEADLINE_MS : 0);
	if (r->asked)
		report_fact(k->loop->report, FACT_RESOLVE,
		    json_pack("{s:I, s:s}", "req", (json_int_t)r->number,
		    "name", name));
	return r;
}

void
lookup_deliver(struct lookup *k, const struct message *m)
{
	const char *addresses[LOOKUP_ADDRESSES_MAX];
	json_t *array = json_object_get(m->body, "addresses");
	const char *why = message_string(m, "error");
	long long number = message_int(m, "req", 0);
	struct lookup_request *r;
	size_t count = 0;

	LIST_FOREACH(r, &k->requests, link)
		if (r->number == number)
			break;
	if (r == NULL)
		return;
	for (size_t i = 0; i < json_array_size(array) &&
	    count < LOOKUP_ADDRESSES_MAX; i++) {
		addresses[count] = json_string_value(json_array_get(array, i));
		if (addresses[count] != NULL)
			count++;
	}
	finish(r, addresses, count, why != NULL ? why : "no such name");
}
