/* SPDX-License-Identifier: ISC */
#include <event2/event.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "supervisor/host_entry.h"

/* How long after the limit of a stop the last processes may take to die. */
#define DEATH_MS	500

static void
on_stopped(evutil_socket_t fd, short what, void *arg)
{
	struct host_table *t = arg;

	(void)fd;
	(void)what;
	t->on_stopped(t->stopped_arg);
}

struct host_table *
host_table_new(const struct host_env *env)
{
	struct host_table *t = mem_alloc(sizeof(*t));

	t->env = *env;
	TAILQ_INIT(&t->hosts);
	TAILQ_INIT(&t->leaving);
	LIST_INIT(&t->spares);
	t->holders = holder_search_new(env->base);
	if ((t->stopped = evtimer_new(env->base, on_stopped, t)) == NULL)
		abort();
	host_hostkey_init(t);
	host_network_init(t);
	budget_start(t->env.budget, t->env.base);
	return t;
}

void
host_table_free(struct host_table *t)
{
	struct host_entry *e;

	if (t == NULL)
		return;
	while ((e = TAILQ_FIRST(&t->hosts)) != NULL) {
		host_table_remove(t, e);
		host_entry_free(e);
	}
	while ((e = TAILQ_FIRST(&t->leaving)) != NULL) {
		TAILQ_REMOVE(&t->leaving, e, entry);
		host_entry_free(e);
	}
	host_hostkey_fini(t);
	host_network_fini(t);
	budget_stop(t->env.budget);
	holder_search_free(t->holders);
	event_free(t->stopped);
	free(t);
}

static int
by_name(const void *a, const void *b)
{
	const struct host_entry *x = a, *y = b;

	return strcmp(x->name, y->name);
}

struct host_entry *
host_table_find(const struct host_table *t, const char *name)
{
	const struct host_entry key = { .name = (char *)name };
	struct host_entry **found = tfind(&key, &t->names, by_name);

	return found != NULL ? *found : NULL;
}

void
host_table_add(struct host_table *t, struct host_entry *e)
{
	TAILQ_INSERT_TAIL(&t->hosts, e, entry);
	if (tsearch(e, &t->names, by_name) == NULL)
		abort();
}

void
host_table_remove(struct host_table *t, struct host_entry *e)
{
	TAILQ_REMOVE(&t->hosts, e, entry);
	tdelete(e, &t->names, by_name);
}

static void
watch_runs(struct host_entries *list)
{
	struct host_entry *e;
	struct host_run *run;

	TAILQ_FOREACH(e, list, entry)
		TAILQ_FOREACH(run, &e->runs, entry)
			host_run_watch(run);
}

void
host_table_watch(struct host_table *t, host_visit *hear, void *arg)
{
	t->on_visit = hear;
	t->visit_arg = arg;
	watch_runs(&t->hosts);
	watch_runs(&t->leaving);
}

void
host_table_retry_all(struct host_table *t)
{
	struct host_entry *e;

	TAILQ_FOREACH(e, &t->hosts, entry)
		host_retry(e);
}

static bool
has_runs(const struct host_table *t)
{
	struct host_entry *e;

	TAILQ_FOREACH(e, &t->hosts, entry)
		if (!TAILQ_EMPTY(&e->runs))
			return true;
	return !TAILQ_EMPTY(&t->leaving);
}

void
host_check_gone(struct host_table *t, struct host_entry *e)
{
	if (e->removed && TAILQ_EMPTY(&e->runs)) {
		log_debug("the last connection of a removed host ended "
		    "host=%s", e->name);
		TAILQ_REMOVE(&t->leaving, e, entry);
		host_entry_free(e);
	}
	if (t->stopping && !has_runs(t))
		event_active(t->stopped, EV_TIMEOUT, 0);
}

void
host_table_stop(struct host_table *t, int64_t limit_ms,
    void (*done)(void *arg), void *arg)
{
	struct host_entry *e;

	t->stopping = true;
	t->stop_limit_ms = limit_ms;
	t->on_stopped = done;
	t->stopped_arg = arg;
	TAILQ_FOREACH(e, &t->hosts, entry) {
		host_runs_limit(e, ORDER_STOP, limit_ms);
		host_follow_wish(e);
	}
	TAILQ_FOREACH(e, &t->leaving, entry)
		host_runs_limit(e, ORDER_STOP, limit_ms);
	/* One that is killed, but held by the kernel, is not waited for. */
	host_timer_set(t->stopped, limit_ms + DEATH_MS);
	if (!has_runs(t))
		event_active(t->stopped, EV_TIMEOUT, 0);
}

void
host_table_kill(struct host_table *t)
{
	struct host_entry *e;
	struct host_run *run;

	TAILQ_FOREACH(e, &t->hosts, entry)
		TAILQ_FOREACH(run, &e->runs, entry)
			chain_kill(run->chain, END_STOPPED, "killed");
	TAILQ_FOREACH(e, &t->leaving, entry)
		TAILQ_FOREACH(run, &e->runs, entry)
			chain_kill(run->chain, END_STOPPED, "killed");
}
