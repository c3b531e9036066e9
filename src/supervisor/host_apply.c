/* SPDX-License-Identifier: ISC */
#include <assert.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/str.h"
#include "ipc/order.h"
#include "supervisor/host_entry.h"

static const struct forward *
find_spec(const struct host *conf, const char *id)
{
	for (size_t i = 0; i < conf->forward_count; i++)
		if (str_equal(conf->forwards[i].id, id))
			return &conf->forwards[i];
	return NULL;
}

static bool
is_up(const struct host_entry *e)
{
	return e->state == HOST_UP || e->state == HOST_DEGRADED;
}

static void
cancel(struct host_forward *f)
{
	struct host_entry *e = f->host;

	if (e->main != NULL && is_up(e))
		worker_proc_send(e->main->proc, ORDER_CANCEL,
		    json_pack("{s:s}", "id", f->spec.id), NULL, 0);
	log_info("a forward is removed host=%s forward=%s", e->name,
	    f->spec.id);
	host_forward_free(f);
}

/* The same listening side leads to another target from now on. */
static void
retarget(struct host_forward *f, const struct forward *spec)
{
	log_info("a forward has a new target host=%s forward=%s",
	    f->host->name, f->spec.id);
	forward_fini(&f->spec);
	forward_copy(&f->spec, spec);
	if (is_up(f->host))
		host_forward_lend(f);
}

static void
add(struct host_entry *e, const struct forward *spec)
{
	struct host_forward *f = host_forward_new(e, spec);

	log_info("a forward is added host=%s forward=%s", e->name,
	    f->spec.id);
	if (is_up(e))
		host_forward_lend(f);
	else if (e->state != HOST_DISABLED && e->state != HOST_PARKED)
		host_forward_bind(f);
}

/* Makes the forwards those of the model, on the link as it is. */
static void
sync_forwards(struct host_entry *e, const struct host *conf)
{
	struct host_forward *f, *next;

	for (f = TAILQ_FIRST(&e->forwards); f != NULL; f = next) {
		const struct forward *spec = find_spec(conf, f->spec.id);

		next = TAILQ_NEXT(f, entry);
		if (spec == NULL || spec->kind != f->spec.kind ||
		    !endpoint_equal(&spec->listen, &f->spec.listen))
			cancel(f);
		else if (!forward_equal(spec, &f->spec))
			retarget(f, spec);
	}
	/* In the order of the files; what exists moves to its place. */
	for (size_t i = 0; i < conf->forward_count; i++) {
		f = host_forward_find(e, conf->forwards[i].id);
		if (f == NULL) {
			add(e, &conf->forwards[i]);
			continue;
		}
		TAILQ_REMOVE(&e->forwards, f, entry);
		TAILQ_INSERT_TAIL(&e->forwards, f, entry);
	}
}

static void
apply_keep(struct host_table *t, const struct plan_step *s)
{
	host_table_find(t, s->name)->conf = s->new_;
}

static void
apply_live(struct host_table *t, const struct plan_step *s)
{
	struct host_entry *e = host_table_find(t, s->name);

	e->conf = s->new_;
	sync_forwards(e, s->new_);
	host_follow_wish(e);
	host_update_hold(e);
	if (is_up(e))
		host_handle(e, host_forwards_are_degraded(e) ?
		    EVENT_DEGRADE : EVENT_RECOVER);
}

static void
apply_replace(struct host_table *t, const struct plan_step *s)
{
	struct host_entry *e = host_table_find(t, s->name);

	apply_live(t, s);
	host_handle(e, EVENT_CHANGED);
}

static void
apply_add(struct host_table *t, const struct plan_step *s)
{
	struct host_entry *e = host_entry_new(t, s->new_);

	TAILQ_INSERT_TAIL(&t->hosts, e, entry);
	host_follow_wish(e);
}

static void
apply_remove(struct host_table *t, const struct plan_step *s)
{
	struct host_entry *e = host_table_find(t, s->name);
	struct host_forward *f;

	e->removed = true;
	host_follow_wish(e);
	while ((f = TAILQ_FIRST(&e->forwards)) != NULL)
		host_forward_free(f);
	e->conf = NULL;
	TAILQ_REMOVE(&t->hosts, e, entry);
	TAILQ_INSERT_TAIL(&t->leaving, e, entry);
	host_check_gone(t, e);
}

static const struct {
	void (*apply)(struct host_table *, const struct plan_step *);
	size_t count;		/* offset of the counter */
} actions[] = {
	[PLAN_KEEP] = { apply_keep, offsetof(struct host_changes, kept) },
	[PLAN_LIVE] = { apply_live, offsetof(struct host_changes, live) },
	[PLAN_REPLACE] = { apply_replace,
	    offsetof(struct host_changes, replaced) },
	[PLAN_ADD] = { apply_add, offsetof(struct host_changes, added) },
	[PLAN_REMOVE] = { apply_remove,
	    offsetof(struct host_changes, removed) },
};
static_assert(sizeof(actions) / sizeof(actions[0]) == PLAN_REMOVE + 1,
    "one row per action");

void
host_table_apply(struct host_table *t, const struct plan *plan,
    const struct config *config, struct host_changes *out)
{
	*out = (struct host_changes){ 0 };
	for (size_t i = 0; i < plan->step_count; i++) {
		const struct plan_step *s = &plan->steps[i];

		actions[s->action].apply(t, s);
		++*(unsigned *)((char *)out + actions[s->action].count);
	}
	for (size_t i = 0; i < config->host_count; i++) {
		struct host_entry *e = host_table_find(t,
		    config->hosts[i].name);

		TAILQ_REMOVE(&t->hosts, e, entry);
		TAILQ_INSERT_TAIL(&t->hosts, e, entry);
	}
}
