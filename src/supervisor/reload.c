/* SPDX-License-Identifier: ISC */
#include "supervisor/reload.h"

#include <event2/event.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "config/plan.h"
#include "supervisor/loader.h"

struct waiter {
	reload_done *done;
	void *arg;
	bool next;		/* came when a load was under way */
	STAILQ_ENTRY(waiter) entry;
};
STAILQ_HEAD(waiters, waiter);

struct reload {
	struct event_base *base;
	struct host_table *table;
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

/* Tells those who waited for this load. */
static void
tell(struct reload *r, const struct reload_result *result)
{
	struct waiter *w, *next;

	for (w = STAILQ_FIRST(&r->waiters); w != NULL; w = next) {
		reload_done *done = w->done;
		void *arg = w->arg;

		next = STAILQ_NEXT(w, entry);
		if (w->next) {
			w->next = false;
			continue;
		}
		take_waiter(r, w);
		if (done != NULL)
			done(arg, result);
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

/* The first error's line, for status. New; NULL if there is no error. */
static char *
first_error(const struct config *c)
{
	for (size_t i = 0; i < c->diagnostic_count; i++)
		if (c->diagnostics[i].severity == SEVERITY_ERROR) {
			struct str s;

			str_init(&s);
			diagnostic_format(&c->diagnostics[i], &s);
			return str_take(&s);
		}
	return NULL;
}

/*
 * Every diagnostic goes to the log; not if nothing runs yet and nothing will:
 * then whoever started us prints them.
 */
static char *
judge(const struct reload *r, const struct config *c)
{
	char *error = first_error(c);

	for (size_t i = 0; i < c->diagnostic_count; i++)
		if (error == NULL || r->generation > 0)
			log_diagnostic(&c->diagnostics[i]);
	return error;
}

static void
apply(struct reload *r, struct config *c, struct reload_result *result)
{
	struct plan *plan = plan_make(r->config, c);
	const struct host_changes *n = &result->changes;

	if (r->watch != NULL)
		r->watch(r->watch_arg, c);
	host_table_apply(r->table, plan, c, &result->changes);
	plan_free(plan);
	config_free(r->config);
	r->config = c;
	r->generation++;
	r->loaded_wall_ms = r->tried_wall_ms;
	log_info("the configuration is in force hosts=%zu added=%u removed=%u "
	    "replaced=%u changed=%u kept=%u", c->host_count, n->added,
	    n->removed, n->replaced, n->live, n->kept);
}

static void
on_loaded(void *arg, struct config *c, const struct err *err)
{
	struct reload *r = arg;
	struct reload_result result = { .config = c };

	r->loader = NULL;
	r->tried_wall_ms = clock_wall_ms();
	free(r->error);
	r->error = c == NULL ? str_dup(err->text) : judge(r, c);
	result.error = r->error;
	if (r->error == NULL)
		apply(r, c, &result);
	else if (c == NULL && r->generation > 0)
		log_error("the configuration stays as it was why=\"%s\"",
		    r->error);
	else if (r->generation > 0)
		log_error("the configuration stays as it was");
	tell(r, &result);
	if (r->error != NULL)
		config_free(c);
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
	r->loader = loader_start(r->base, &r->source, on_loaded, r, &err);
	if (r->loader == NULL)
		on_loaded(r, NULL, &err);
}

struct reload *
reload_new(struct event_base *base, struct host_table *table,
    const struct config_source *source)
{
	struct reload *r = mem_alloc(sizeof(*r));

	r->base = base;
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
reload_start(struct reload *r, reload_done *done, void *arg)
{
	struct waiter *w = mem_alloc(sizeof(*w));

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
