/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "supervisor/host.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "supervisor/host_entry.h"
#include "supervisor/notice.h"

void
host_timer_set(struct event *timer, int64_t ms)
{
	struct timeval tv;

	if (ms < 0)
		ms = 0;
	tv.tv_sec = ms / 1000;
	tv.tv_usec = ms % 1000 * 1000;
	evtimer_add(timer, &tv);
}

bool
host_is_up(const struct host_entry *e)
{
	return e->state == HOST_UP || e->state == HOST_DEGRADED;
}

/* "900ms", "12.5s", "7m12s", "3h05m". */
static const char *
span(char *out, size_t size, int64_t ms)
{
	if (ms < 1000)
		snprintf(out, size, "%dms", (int)ms);
	else if (ms < 60000)
		snprintf(out, size, "%.1fs", (double)ms / 1000);
	else if (ms < 3600000)
		snprintf(out, size, "%dm%02ds", (int)(ms / 60000),
		    (int)(ms / 1000 % 60));
	else
		snprintf(out, size, "%lldh%02dm", (long long)(ms / 3600000),
		    (int)(ms / 60000 % 60));
	return out;
}

void
host_update_hold(struct host_entry *e)
{
	int64_t now = clock_now_ms(), limit;

	event_del(e->hold);
	if (host_is_up(e))
		return;
	if (e->state == HOST_DISABLED || e->state == HOST_PARKED) {
		host_forwards_close(e);
		return;
	}
	limit = e->outage_ms + e->conf->hold_ms;
	if (now >= limit || (e->state == HOST_WAITING && e->due_ms > limit))
		host_forwards_close(e);
	else
		host_timer_set(e->hold, limit - now);
}

static void
on_hold(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	host_update_hold(arg);
}

static void
update_availability(struct host_entry *e)
{
	enum availability_state s = AVAILABILITY_DOWN;

	if (e->state == HOST_DISABLED)
		s = AVAILABILITY_UNKNOWN;
	else if (host_is_up(e))
		s = AVAILABILITY_UP;
	if (s != e->availability.state)
		availability_set(&e->availability, s, clock_now_ms());
}

static void
disarm(struct host_entry *e)
{
	event_del(e->due);
	e->due_ms = 0;
}

static void
unqueue(struct host_entry *e)
{
	event_del(e->granted);
	budget_give_back(e->table->env.budget, &e->claim);
}

static void
kill_main(struct host_entry *e)
{
	unqueue(e);
	if (e->main != NULL)
		host_run_free(e->main);
	e->main = NULL;
}

static void
stop_main(struct host_entry *e)
{
	struct host_run *run = e->main;

	host_replace_cancel(e);
	e->main = NULL;
	if (run == NULL)
		return;
	log_info("the link is closed as ordered host=%s", e->name);
	if (e->removed)
		host_run_retire(run, ORDER_DRAIN, e->conf->drain_ms);
	else
		host_run_retire(run, ORDER_STOP, e->table->stopping ?
		    e->table->stop_limit_ms : HOST_STOP_MS);
}

static void
begin_outage(struct host_entry *e)
{
	host_replace_cancel(e);
	e->outage_ms = clock_now_ms();
	e->up_since_ms = 0;
	e->tries = 0;
	e->rtt_us = -1;
	host_forwards_down(e);
}

void
host_set_due(struct host_entry *e)
{
	e->due_ms = clock_now_ms() + e->verdict.delay_ms;
	host_timer_set(e->due, e->verdict.delay_ms);
}

static void
queue(struct host_entry *e)
{
	const struct host *nearest = chain_nearest(e->conf);

	if (budget_ask(e->table->env.budget, &e->claim, nearest->hostname,
	    nearest->port))
		event_active(e->granted, EV_TIMEOUT, 0);
}

static void
on_budget_grant(void *arg)
{
	struct host_entry *e = arg;

	/* By way of the loop: starting may fail and pass the place on. */
	event_active(e->granted, EV_TIMEOUT, 0);
}

static void
spawn_main(struct host_entry *e)
{
	struct err err;

	e->tries++;
	e->hastened = false;
	host_network_set(e, NULL);
	if ((e->main = host_run_start(e, ROLE_MAIN, &err)) == NULL)
		host_attempt_ended(e, END_CRASH, err.text, -1);
}

static void
lend(struct host_entry *e)
{
	char text[32];

	host_network_note(e, &e->claim, true);
	budget_give_back(e->table->env.budget, &e->claim);
	log_info("the link is up host=%s server=\"%s\" tries=%u after=%s",
	    e->name, e->main->server, e->tries,
	    span(text, sizeof(text), clock_now_ms() - e->outage_ms));
	e->up_since_ms = clock_now_ms();
	e->outage_ms = 0;
	host_forwards_lend(e);
}

/* The actions in the order of enum host_action. */
static void (*const act[ACTION_COUNT])(struct host_entry *) = {
	disarm, unqueue, kill_main, stop_main, begin_outage,
	host_forwards_bind, host_set_due, queue, spawn_main, lend,
	host_replace_start, host_forwards_retry,
};

void
host_tell(struct host_entry *e)
{
	const char *from = e->told, *to = host_state_name(e->state);
	const struct host_last_end *last = &e->last_end;

	if (str_equal(from, to))
		return;
	e->told = to;
	notices_tell(e->table->env.notices, (struct notice){
	    .kind = NOTICE_HOST, .host = e->name, .from = from, .to = to,
	    .class_ = last->known ? end_class_name(last->class_) : NULL,
	    .text = last->known ? last->text : NULL, .tries = e->tries });
}

void
host_handle(struct host_entry *e, enum host_event event)
{
	enum host_state old = e->state;
	struct host_step step = host_fsm_step(old, event);

	if (step.next == old && step.actions == 0)
		return;
	log_debug("the state changes host=%s event=%s from=%s to=%s", e->name,
	    host_event_label(event), host_state_label(old),
	    host_state_label(step.next));
	e->state = step.next;
	if (host_state_name(old) != host_state_name(step.next))
		e->since_wall_ms = clock_wall_ms();
	for (unsigned i = 0; i < ACTION_COUNT; i++)
		if (step.actions & (1u << i))
			act[i](e);
	/* An action may have brought a further event, and another state. */
	update_availability(e);
	host_update_hold(e);
	host_tell(e);
	if (e->state != old)
		host_hostkey_watch(e->table);
	if (host_is_up(e))
		host_handle(e, host_forwards_are_degraded(e) ?
		    EVENT_DEGRADE : EVENT_RECOVER);
}

static void
log_end(const struct host_entry *e, bool repeated, int64_t up_ms)
{
	const char *class_ = end_class_name(e->last_end.class_);
	const char *text = e->last_end.text;
	char next[32], after[32];

	if (e->verdict.delay_ms == 0)
		snprintf(next, sizeof(next), "now");
	else
		span(next, sizeof(next), e->verdict.delay_ms);
	if (e->verdict.park)
		log_error("parked until an operator acts host=%s class=%s "
		    "why=\"%s\"", e->name, class_, text);
	else if (up_ms >= 0)
		(e->last_end.class_ == END_CRASH ? log_error : log_warn)(
		    "the link ended host=%s class=%s why=\"%s\" "
		    "after=%s next=%s", e->name, class_, text,
		    span(after, sizeof(after), up_ms), next);
	else if (repeated)
		log_debug("no link again host=%s class=%s tries=%u next=%s",
		    e->name, class_, e->tries, next);
	else if (e->last_end.class_ == END_CRASH)
		log_error("the worker failed host=%s class=%s why=\"%s\" "
		    "next=%s", e->name, class_, text, next);
	else
		log_warn("no link host=%s class=%s why=\"%s\" next=%s",
		    e->name, class_, text, next);
}

bool
host_ends_alike(const struct host_entry *e, enum end_class class_,
    const char *text)
{
	const struct host_last_end *last = &e->last_end;

	return last->known && last->class_ == class_ &&
	    str_equal(last->text, text);
}

uint32_t
host_random(void)
{
	uint32_t random = 0;

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) == -1)
		random = (uint32_t)clock_now_ms() * 2654435761u;
	return random;
}

struct schedule_verdict
host_note_end(struct host_entry *e, struct schedule *schedule,
    enum end_class class_, const char *text, int64_t up_ms)
{
	struct schedule_limits limits = {
		.min_ms = e->conf->backoff_min_ms,
		.max_ms = e->conf->backoff_max_ms,
		.stable_ms = e->conf->stable_ms,
	};
	char *copy = str_dup(text);

	free(e->last_end.text);
	e->last_end = (struct host_last_end){ true, class_, copy,
	    clock_wall_ms() };
	e->ends[class_]++;
	return schedule_next(schedule, &limits, class_, up_ms, host_random());
}

void
host_attempt_ended(struct host_entry *e, enum end_class class_,
    const char *text, int64_t silent_ms)
{
	bool repeated = e->tries > 1 && host_ends_alike(e, class_, text);
	int64_t up_ms = host_is_up(e) ? clock_now_ms() - e->up_since_ms : -1;

	budget_give_back(e->table->env.budget, &e->claim);
	e->verdict = host_note_end(e, &e->schedule, class_, text, up_ms);
	if (e->hastened && up_ms < 0 && !e->verdict.park)
		e->verdict.delay_ms = schedule_wake(&e->schedule, class_,
		    clock_now_ms(), e->verdict.delay_ms, host_random());
	log_end(e, repeated, up_ms);
	availability_fail(&e->availability, clock_now_ms());
	notices_tell(e->table->env.notices, (struct notice){
	    .kind = NOTICE_END, .host = e->name,
	    .class_ = end_class_name(class_), .text = e->last_end.text,
	    .tries = e->tries, .up_ms = up_ms, .silent_ms = silent_ms });
	host_handle(e, e->verdict.park ? EVENT_ENDED_PARK : EVENT_ENDED);
}

void
host_follow_wish(struct host_entry *e)
{
	bool wanted = !e->table->stopping && !e->removed &&
	    (e->wish == WISH_UP ||
	    (e->wish == WISH_NONE && e->conf->enabled));

	if (!wanted && !e->removed && e->state != HOST_DISABLED)
		host_runs_limit(e, ORDER_STOP, e->table->stopping ?
		    e->table->stop_limit_ms : HOST_STOP_MS);
	host_handle(e, wanted ? EVENT_ENABLE : EVENT_DISABLE);
}

static void
on_due(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	host_handle(arg, EVENT_DUE);
}

static void
on_granted(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	host_handle(arg, EVENT_GRANTED);
}

struct host_entry *
host_entry_new(struct host_table *t, const struct host *conf)
{
	struct host_entry *e = mem_alloc(sizeof(*e));
	struct event_base *base = t->env.base;

	e->table = t;
	e->name = str_dup(conf->name);
	e->conf = conf;
	e->state = HOST_DISABLED;
	e->since_wall_ms = clock_wall_ms();
	e->rtt_us = -1;
	TAILQ_INIT(&e->runs);
	TAILQ_INIT(&e->forwards);
	budget_claim_init(&e->claim, on_budget_grant, e);
	availability_init(&e->availability, clock_now_ms());
	e->due = evtimer_new(base, on_due, e);
	e->granted = evtimer_new(base, on_granted, e);
	e->hold = evtimer_new(base, on_hold, e);
	if (e->due == NULL || e->granted == NULL || e->hold == NULL)
		abort();
	host_replace_init(e);
	for (size_t i = 0; i < conf->forward_count; i++)
		host_forward_new(e, &conf->forwards[i]);
	return e;
}

void
host_entry_free(struct host_entry *e)
{
	struct host_forward *f;
	struct host_run *run;

	while ((run = TAILQ_FIRST(&e->runs)) != NULL)
		host_run_free(run);
	while ((f = TAILQ_FIRST(&e->forwards)) != NULL)
		host_forward_free(f);
	budget_give_back(e->table->env.budget, &e->claim);
	host_replace_fini(e);
	event_free(e->due);
	event_free(e->granted);
	event_free(e->hold);
	free(e->ways);
	free(e->last_end.text);
	hostkey_fini(&e->offered);
	free(e->offered_by);
	free(e->name);
	free(e);
}

void
host_retry(struct host_entry *e)
{
	budget_forgive(e->table->env.budget);
	host_replace_retry(e);
	host_handle(e, EVENT_RETRY);
}

void
host_up(struct host_entry *e)
{
	log_info("an operator wants the host up host=%s", e->name);
	e->wish = WISH_UP;
	host_follow_wish(e);
}

void
host_down(struct host_entry *e)
{
	log_info("an operator wants the host down host=%s", e->name);
	e->wish = WISH_DOWN;
	host_follow_wish(e);
}

void
host_seed_availability(struct host_entry *e, const json_t *slots)
{
	int64_t now = clock_now_ms();
	const json_t *alike;
	int ago = 0;
	size_t i;

	json_array_foreach(slots, i, alike)
		for (json_int_t n = json_integer_value(json_array_get(alike,
		    0)); n > 0 && ago < AVAILABILITY_SLOTS; n--)
			availability_seed(&e->availability, now, ago++,
			    json_integer_value(json_array_get(alike, 1)),
			    json_integer_value(json_array_get(alike, 2)),
			    json_integer_value(json_array_get(alike, 3)));
}
