/* SPDX-License-Identifier: ISC */
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "supervisor/host_entry.h"
#include "supervisor/resolver.h"

static void
on_addresses(void *arg, long long req, json_t *addresses, const char *error)
{
	struct host_run *run = arg;
	json_t *body = json_pack("{s:I, s:O}", "req", (json_int_t)req,
	    "addresses", addresses);

	if (error != NULL)
		json_object_set_new(body, "error", json_string(error));
	chain_send(run->chain, ORDER_ADDRESSES, body, NULL, 0);
}

static void
on_forward_fact(struct host_run *run, const struct message *m)
{
	if (run->role == ROLE_MAIN)
		host_forward_on_fact(run->host, m);
	else
		host_move_on_fact(run, m);
}

static void
on_fact(void *arg, struct message *m)
{
	struct host_run *run = arg;
	struct host_entry *e = run->host;

	if (m->name == FACT_UP) {
		free(run->server);
		run->server = str_dup(message_string(m, "server"));
	} else if (m->name == FACT_FORWARD) {
		on_forward_fact(run, m);
	} else if (m->name == FACT_TAKEOVER) {
		if (run->role == ROLE_MAIN)
			host_takeover_on_fact(e, m);
	} else if (m->name == FACT_RTT) {
		if (run->role == ROLE_MAIN)
			e->rtt_us = message_int(m, "us", -1);
	} else if (m->name == FACT_COUNTERS) {
		host_forward_on_counters(run, m);
	} else if (m->name == FACT_CONNECTION || m->name == FACT_LOST) {
		if (e->table->on_visit != NULL)
			e->table->on_visit(e->table->visit_arg, e->name,
			    chain_pid(run->chain), m);
	} else if (m->name == FACT_RESOLVE) {
		resolver_ask(e->table->env.resolver,
		    message_string(m, "name"), message_int(m, "req", 0),
		    on_addresses, run);
	}
}

void
host_run_watch(struct host_run *run)
{
	if (chain_phase(run->chain) == PHASE_UP)
		chain_send(run->chain, ORDER_WATCH, json_pack("{s:i}", "on",
		    run->host->table->on_visit != NULL), NULL, 0);
}

static void
on_phase(void *arg, enum phase phase)
{
	struct host_run *run = arg;

	log_debug("a phase begins host=%s phase=%s", run->host->name,
	    phase_name(phase));
	if (phase != PHASE_UP)
		return;
	if (run->host->table->on_visit != NULL)
		host_run_watch(run);
	host_hostkey_keep(run->host, NULL, NULL);
	if (run->role == ROLE_MAIN)
		host_handle(run->host, EVENT_UP);
	else if (run->role == ROLE_NEXT)
		host_replace_on_up(run->host);
}

/* A connection that had a place in the budget is over: what does it say? */
static void
note_end(const struct host_run *run, const struct worker_end *end)
{
	struct host_entry *e = run->host;
	struct budget_claim *claim = run->role == ROLE_MAIN ? &e->claim :
	    &e->replacement.claim;
	bool is_near;

	if (run->role == ROLE_RETIRED || !claim->granted ||
	    end->class_ == END_CRASH || end->class_ == END_STOPPED)
		return;
	is_near = e->conf->jump_count == 0 || (end->hop != NULL &&
	    strcmp(end->hop, e->conf->jumps[0].name) == 0);
	host_network_note(e, claim, !is_near ||
	    !schedule_is_silence(end->class_));
}

static void
on_end(void *arg, const struct worker_end *end)
{
	struct host_run *run = arg;
	struct host_entry *e = run->host;
	enum host_role role = run->role;
	enum end_class class_ = end->class_;
	int64_t silent_ms = end->silent_ms;
	char *text = str_dup(end->text);

	note_end(run, end);
	if (e->main == run)
		e->main = NULL;
	if (e->next == run)
		e->next = NULL;
	if (role != ROLE_RETIRED)
		host_hostkey_keep(e, end->key, end->hop);
	host_run_free(run);
	switch (role) {
	case ROLE_MAIN:
		host_attempt_ended(e, class_, text, silent_ms);
		break;
	case ROLE_NEXT:
		host_replace_on_end(e, class_, text);
		break;
	case ROLE_RETIRED:
		(class_ == END_CRASH ? log_error : log_debug)("a retired "
		    "worker ended host=%s class=%s why=\"%s\"", e->name,
		    end_class_name(class_), text);
		host_check_gone(e->table, e);
		break;
	}
	free(text);
}

static void
on_addresses_tried(void *arg, json_t *addresses)
{
	struct host_run *run = arg;

	json_decref(run->addresses);
	run->addresses = json_incref(addresses);
	if (run->role == ROLE_MAIN)
		host_network_set(run->host, addresses);
}

static const struct host *
get_host(void *arg)
{
	struct host_run *run = arg;

	return run->host->conf;
}

static void
on_host_key(void *arg, const struct host *h, struct worker_proc *from,
    bool in_time, struct message *m)
{
	struct host_run *run = arg;

	in_time = in_time && run->role != ROLE_RETIRED;
	if (m->name == FACT_HOSTKEYS)
		host_hostkey_on_list(h, in_time, m);
	else
		host_hostkey_on_fact(h, from, in_time, m);
}

static const struct chain_ops ops = {
	.on_phase = on_phase,
	.on_fact = on_fact,
	.on_host_key = on_host_key,
	.on_addresses = on_addresses_tried,
	.on_end = on_end,
	.host = get_host,
};

static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct host_run *run = arg;

	(void)fd;
	(void)what;
	log_warn("the worker did not end in time and is killed host=%s "
	    "pid=%ld", run->host->name, (long)chain_pid(run->chain));
	chain_kill(run->chain, END_STOPPED, "it did not end in time");
}

struct host_run *
host_run_start(struct host_entry *e, enum host_role role, struct err *err)
{
	struct host_run *run = mem_alloc(sizeof(*run));

	run->host = e;
	run->role = role;
	LIST_INIT(&run->tallies);
	run->chain = chain_start(e->table->env.base, &e->table->env.worker,
	    &ops, run, err);
	if (run->chain == NULL) {
		free(run);
		return NULL;
	}
	run->deadline = evtimer_new(e->table->env.base, on_deadline, run);
	if (run->deadline == NULL)
		abort();
	TAILQ_INSERT_TAIL(&e->runs, run, entry);
	return run;
}

void
host_run_free(struct host_run *run)
{
	struct host_entry *e = run->host;

	TAILQ_REMOVE(&e->runs, run, entry);
	resolver_forget(e->table->env.resolver, run);
	host_forward_forget_run(run);
	host_moves_on_end(run);
	chain_free(run->chain);
	event_free(run->deadline);
	json_decref(run->addresses);
	free(run->server);
	free(run);
}

void
host_runs_limit(struct host_entry *e, enum message_name order,
    int64_t limit_ms)
{
	struct host_run *run;

	TAILQ_FOREACH(run, &e->runs, entry)
		if (run->role == ROLE_RETIRED)
			host_run_retire(run, order, limit_ms);
}

void
host_run_retire(struct host_run *run, enum message_name order,
    int64_t limit_ms)
{
	run->role = ROLE_RETIRED;
	run->lingers = false;
	if (chain_phase(run->chain) != PHASE_UP) {
		chain_kill(run->chain, END_STOPPED, "not needed");
		return;
	}
	chain_send(run->chain, order, json_object(), NULL, 0);
	if (limit_ms >= 0)
		host_timer_set(run->deadline, limit_ms);
}
