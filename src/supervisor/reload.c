/* SPDX-License-Identifier: ISC */
#include "supervisor/reload.h"

#include <event2/event.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "config/plan.h"
#include "config/torn.h"
#include "supervisor/loader.h"
#include "supervisor/notice.h"

struct waiter {
	reload_done *done;
	void *arg;
	struct reload_wish wish;
	bool next;		/* came when a load was under way */
	STAILQ_ENTRY(waiter) entry;
};
STAILQ_HEAD(waiters, waiter);

struct reload {
	struct event_base *base;
	struct host_table *table;
	struct notices *notices;
	struct config_source source;
	struct config *config;		/* in force; NULL before the first */
	struct loader *loader;		/* NULL: none is under way */
	struct event *begin;
	bool again;
	struct waiters waiters;
	reload_apply *watch;
	void *watch_arg;
	int64_t loaded_wall_ms;
	int64_t tried_wall_ms;
	unsigned generation;
	char *error;
};

static void
take_waiter(struct reload *r, struct waiter *w)
{
	STAILQ_REMOVE(&r->waiters, w, waiter, entry);
	free(w);
}

/* What a load came to. */
struct outcome {
	struct config *config;	/* NULL if nothing could be loaded */
	struct config *spare;	/* it, or the one before, to be freed */
	struct plan *plan;	/* NULL if there is an error */
	char *error;		/* the first of the files, or NULL */
	char *torn;		/* why they look half-written, or NULL */
};

/* Why it isn't applied, or NULL. */
static const char *
find_obstacle(const struct outcome *o, bool force)
{
	return o->error != NULL || force ? o->error : o->torn;
}

/* Does any of those who waited for this load want it applied? With force? */
static bool
is_wanted(const struct reload *r, bool *force)
{
	const struct waiter *w;
	bool wanted = false;

	*force = false;
	STAILQ_FOREACH(w, &r->waiters, entry) {
		if (w->next || w->wish.dry_run)
			continue;
		wanted = true;
		*force = *force || w->wish.force;
	}
	return wanted;
}

/* Tells those who waited for this load, to be applied or not. */
static void
tell(struct reload *r, const struct outcome *o, bool dry_run, bool force)
{
	struct reload_result result = { .config = o->config, .plan = o->plan };
	struct waiter *w, *next;

	for (w = STAILQ_FIRST(&r->waiters); w != NULL; w = next) {
		reload_done *done = w->done;
		void *arg = w->arg;

		next = STAILQ_NEXT(w, entry);
		if (w->next || w->wish.dry_run != dry_run)
			continue;
		result.error = find_obstacle(o, force ||
		    (dry_run && w->wish.force));
		take_waiter(r, w);
		if (done != NULL)
			done(arg, &result);
	}
}

static void
log_diagnostic(const struct diagnostic *d)
{
	struct str s;

	str_init(&s);
	diagnostic_format(d, &s);
	switch (d->severity) {
	case SEVERITY_ERROR:
		log_error("%s", s.p);
		break;
	case SEVERITY_WARNING:
		log_warn("%s", s.p);
		break;
	case SEVERITY_NOTE:
		log_debug("%s", s.p);
		break;
	}
	str_fini(&s);
}

/*
 * Every diagnostic goes to the log; not if nothing runs yet and nothing will:
 * then whoever started us prints them.
 */
static void
log_diagnostics(const struct reload *r, const struct outcome *o)
{
	if (o->config == NULL || (o->error != NULL && r->generation == 0))
		return;
	for (size_t i = 0; i < o->config->diagnostic_count; i++)
		log_diagnostic(&o->config->diagnostics[i]);
}

/* The model comes in force; the one before can be spared. */
static void
apply(struct reload *r, struct outcome *o)
{
	const size_t *n = o->plan->counts;

	if (r->watch != NULL)
		r->watch(r->watch_arg, o->config);
	host_table_apply(r->table, o->plan, o->config);
	o->spare = r->config;
	r->config = o->config;
	r->generation++;
	r->loaded_wall_ms = r->tried_wall_ms;
	log_info("the configuration is in force hosts=%zu added=%zu "
	    "removed=%zu replaced=%zu changed=%zu kept=%zu",
	    o->config->host_count, n[PLAN_ADD], n[PLAN_REMOVE],
	    n[PLAN_REPLACE], n[PLAN_LIVE], n[PLAN_KEEP]);
}

static void
apply_if_possible(struct reload *r, struct outcome *o, bool force)
{
	const char *obstacle = find_obstacle(o, force);

	r->tried_wall_ms = clock_wall_ms();
	free(r->error);
	r->error = obstacle != NULL ? str_dup(obstacle) : NULL;
	log_diagnostics(r, o);
	if (obstacle == NULL)
		apply(r, o);
	else if (r->generation > 0)
		log_error("the configuration stays as it was why=\"%s\"",
		    obstacle);
	notices_tell(r->notices, (struct notice){ .kind = NOTICE_RELOAD,
	    .to = obstacle == NULL ? "applied" : "refused",
	    .text = r->error });
}

static void
on_loaded(void *arg, struct config *c, const struct err *why)
{
	struct reload *r = arg;
	struct outcome o = { .config = c, .spare = c };
	struct waiter *w;
	struct err err;
	bool force;

	r->loader = NULL;
	o.error = c == NULL ? str_dup(why->text) : config_first_error(c);
	if (o.error == NULL)
		o.plan = plan_make(r->config, c);
	if (o.error == NULL && torn_check(r->config, c, &err) == -1)
		o.torn = str_dupf("%s (if not, \"hawser reload --force\" "
		    "takes it as it is)", err.text);
	tell(r, &o, true, false);
	if (is_wanted(r, &force))
		apply_if_possible(r, &o, force);
	tell(r, &o, false, force);
	STAILQ_FOREACH(w, &r->waiters, entry)
		w->next = false;
	plan_free(o.plan);
	config_free(o.spare);
	free(o.error);
	free(o.torn);
	if (r->again)
		event_active(r->begin, EV_TIMEOUT, 0);
}

static void
on_begin(evutil_socket_t fd, short what, void *arg)
{
	struct reload *r = arg;
	struct err err;

	(void)fd;
	(void)what;
	if (r->loader != NULL)
		return;
	r->again = false;
	r->loader = loader_start(r->base, &r->source, r->generation > 0,
	    on_loaded, r, &err);
	if (r->loader == NULL)
		on_loaded(r, NULL, &err);
}

struct reload *
reload_new(struct event_base *base, struct host_table *table,
    const struct config_source *source, struct notices *notices)
{
	struct reload *r = mem_alloc(sizeof(*r));

	r->base = base;
	r->notices = notices;
	r->table = table;
	r->source = *source;
	STAILQ_INIT(&r->waiters);
	if ((r->begin = evtimer_new(base, on_begin, r)) == NULL)
		abort();
	return r;
}

void
reload_watch(struct reload *r, reload_apply *watch, void *arg)
{
	r->watch = watch;
	r->watch_arg = arg;
}

void
reload_free(struct reload *r)
{
	struct waiter *w;

	if (r == NULL)
		return;
	while ((w = STAILQ_FIRST(&r->waiters)) != NULL)
		take_waiter(r, w);
	loader_free(r->loader);
	event_free(r->begin);
	config_free(r->config);
	free(r->error);
	free(r);
}

void
reload_start(struct reload *r, struct reload_wish wish, reload_done *done,
    void *arg)
{
	struct waiter *w = mem_alloc(sizeof(*w));

	w->wish = wish;
	w->done = done;
	w->arg = arg;
	/* A load under way may have read the files before they changed. */
	w->next = r->loader != NULL;
	STAILQ_INSERT_TAIL(&r->waiters, w, entry);
	if (r->loader != NULL)
		r->again = true;
	else
		event_active(r->begin, EV_TIMEOUT, 0);
}

void
reload_forget(struct reload *r, const void *arg)
{
	struct waiter *w, *next;

	for (w = STAILQ_FIRST(&r->waiters); w != NULL; w = next) {
		next = STAILQ_NEXT(w, entry);
		if (w->arg == arg)
			take_waiter(r, w);
	}
}

struct reload_info
reload_info(const struct reload *r)
{
	return (struct reload_info){
		.loaded_wall_ms = r->loaded_wall_ms,
		.tried_wall_ms = r->tried_wall_ms,
		.generation = r->generation,
		.error = r->error,
	};
}
