/* SPDX-License-Identifier: ISC */
#include <assert.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/str.h"
#include "ipc/order.h"
#include "supervisor/host_entry.h"
#include "supervisor/notice.h"

/* A host, or a forward of it, isn't there any more. */
static void
tell_removed(const struct host_entry *e, const struct host_forward *f)
{
	notices_tell(e->table->env.notices, (struct notice){
	    .kind = f != NULL ? NOTICE_FORWARD : NOTICE_HOST,
	    .host = e->name, .forward = f != NULL ? f->spec.id : NULL,
	    .from = f != NULL ? forward_state_name(f->state) : e->told });
}

static void
cancel_forward(struct host_entry *e, const struct forward *spec)
{
	struct host_forward *f = host_forward_find(e, spec->id);

	if (e->main != NULL && host_is_up(e))
		chain_send(host_forward_run(f)->chain, ORDER_CANCEL,
		    json_pack("{s:s}", "id", spec->id), NULL, 0);
	log_info("a forward is removed host=%s forward=%s", e->name,
	    spec->id);
	tell_removed(e, f);
	host_forward_free(f);
}

/* The same listening side leads to another target from now on. */
static void
retarget_forward(struct host_entry *e, const struct forward *spec)
{
	struct host_forward *f = host_forward_find(e, spec->id);

	log_info("a forward has a new target host=%s forward=%s", e->name,
	    spec->id);
	forward_fini(&f->spec);
	forward_copy(&f->spec, spec);
	if (host_is_up(e))
		host_forward_lend(f);
}

static void
add_forward(struct host_entry *e, const struct forward *spec)
{
	struct host_forward *f = host_forward_new(e, spec);

	log_info("a forward is added host=%s forward=%s", e->name,
	    spec->id);
	host_forward_tell(f, NULL);
	if (host_is_up(e))
		host_forward_lend(f);
	else if (e->state != HOST_DISABLED && e->state != HOST_PARKED)
		host_forward_bind(f);
}

static void (*const forward_actions[])(struct host_entry *,
    const struct forward *) = {
	[PLAN_FORWARD_CANCEL] = cancel_forward,
	[PLAN_FORWARD_RETARGET] = retarget_forward,
	[PLAN_FORWARD_ADD] = add_forward,
};
static_assert(sizeof(forward_actions) / sizeof(forward_actions[0]) ==
    PLAN_FORWARD_ACTION_COUNT, "one row per action");

/* Makes the forwards those of the model, on the link as it is. */
static void
change_forwards(struct host_entry *e, const struct plan_step *s)
{
	for (size_t i = 0; i < s->change_count; i++)
		forward_actions[s->changes[i].action](e,
		    s->changes[i].forward);
	/* In the order of the files. */
	for (size_t i = 0; i < s->new_->forward_count; i++) {
		struct host_forward *f = host_forward_find(e,
		    s->new_->forwards[i].id);

		TAILQ_REMOVE(&e->forwards, f, entry);
		TAILQ_INSERT_TAIL(&e->forwards, f, entry);
	}
	host_moves_check(e);
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
	change_forwards(e, s);
	host_forwards_set_mask(e);
	host_forwards_set_verify(e);
	host_follow_wish(e);
	host_update_hold(e);
	if (host_is_up(e))
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

	host_table_add(t, e);
	host_tell(e);
	host_follow_wish(e);
}

static void
apply_remove(struct host_table *t, const struct plan_step *s)
{
	struct host_entry *e = host_table_find(t, s->name);
	struct host_forward *f;

	e->removed = true;
	host_runs_limit(e, ORDER_DRAIN, e->conf->drain_ms);
	host_follow_wish(e);
	while ((f = TAILQ_FIRST(&e->forwards)) != NULL)
		host_forward_free(f);
	tell_removed(e, NULL);
	e->conf = NULL;
	host_table_remove(t, e);
	TAILQ_INSERT_TAIL(&t->leaving, e, entry);
	host_check_gone(t, e);
}

static void (*const actions[])(struct host_table *,
    const struct plan_step *) = {
	[PLAN_KEEP] = apply_keep,
	[PLAN_LIVE] = apply_live,
	[PLAN_REPLACE] = apply_replace,
	[PLAN_ADD] = apply_add,
	[PLAN_REMOVE] = apply_remove,
};
static_assert(sizeof(actions) / sizeof(actions[0]) == PLAN_ACTION_COUNT,
    "one row per action");

/* Also those whose host was kept: its hops' settings, or the log's. */
static void
set_runs(struct host_entry *e)
{
	struct host_run *run;

	TAILQ_FOREACH(run, &e->runs, entry)
		chain_set(run->chain);
}

void
host_table_apply(struct host_table *t, const struct plan *plan,
    const struct config *config)
{
	host_spares_gather(t, plan);
	for (size_t i = 0; i < plan->step_count; i++)
		actions[plan->steps[i].action](t, &plan->steps[i]);
	host_spares_close(t);
	for (size_t i = 0; i < config->host_count; i++) {
		struct host_entry *e = host_table_find(t,
		    config->hosts[i].name);

		TAILQ_REMOVE(&t->hosts, e, entry);
		TAILQ_INSERT_TAIL(&t->hosts, e, entry);
		set_runs(e);
	}
}
