/* SPDX-License-Identifier: ISC */
#include <assert.h>
#include <event2/event.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "ipc/order.h"
#include "supervisor/host_entry.h"
#include "supervisor/notice.h"

/* How a state is spoken of, and how soon what is behind it is tried again. */
static const struct {
	bool degraded;		/* the host is not all it should be */
	int first_ms;		/* 0: not retried from here; doubles */
	int last_ms;
} states[] = {
	[FORWARD_DOWN] = { 0 },
	[FORWARD_UP] = { 0 },
	[FORWARD_VERIFIED] = { 0 },
	[FORWARD_UNPROVABLE] = { 0 },
	[FORWARD_HELD] = { true, 1000, 30000 },
	/* The server's policy: an administrator has to act first. */
	[FORWARD_DENIED] = { true, 60000, 600000 },
	[FORWARD_TARGET_DOWN] = { true, 0, 0 },
	/* By a worker that is about to let go of it, after a reload? */
	[FORWARD_BIND_FAILED] = { true, 100, 30000 },
};
static_assert(sizeof(states) / sizeof(states[0]) == FORWARD_STATE_COUNT,
    "one row per state");

static bool
is_local(const struct host_forward *f)
{
	return forward_is_local(f->spec.kind);
}

void
host_forward_stop_retry(struct host_forward *f)
{
	event_del(f->retry);
	f->retry_at_ms = 0;
}

void
host_forward_set_retry(struct host_forward *f, int64_t ms)
{
	f->retry_at_ms = clock_now_ms() + ms;
	host_timer_set(f->retry, ms);
}

/*
 * The next try of a forward in this state, if it is one to be tried again. A
 * local one that has its listener is with the worker: only its next client
 * can tell more.
 */
static void
plan_retry(struct host_forward *f)
{
	int64_t ms = states[f->state].first_ms;

	/* What we have bound, a worker may have had no place for. */
	if (ms == 0 || (is_local(f) && listener_is_open(&f->listener) &&
	    f->state != FORWARD_BIND_FAILED)) {
		f->retries = 0;
		host_forward_stop_retry(f);
		return;
	}
	for (unsigned i = 0; i < f->retries && ms < states[f->state].last_ms;
	    i++)
		ms *= 2;
	if (ms > states[f->state].last_ms)
		ms = states[f->state].last_ms;
	f->retries++;
	host_forward_set_retry(f, ms);
}

void
host_forward_tell(const struct host_forward *f, const char *from)
{
	notices_tell(f->host->table->env.notices, (struct notice){
	    .kind = NOTICE_FORWARD, .host = f->host->name,
	    .forward = f->spec.id, .from = from,
	    .to = forward_state_name(f->state), .text = f->detail });
}

void
host_forward_set(struct host_forward *f, enum forward_state state,
    const char *detail)
{
	enum forward_state old = f->state;
	char *copy = detail != NULL ? str_dup(detail) : NULL;
	int64_t now = clock_now_ms();
	bool told = old == state && str_equal(f->detail, detail);

	free(f->detail);
	f->detail = copy;
	f->state = state;
	if (old != state) {
		if (old == FORWARD_HELD)
			f->held_ms += now - f->since_ms;
		f->since_ms = now;
		f->since_wall_ms = clock_wall_ms();
		f->retries = 0;
	}
	if (!told)
		host_forward_tell(f, forward_state_name(old));
	if (old == state)
		return;
	if (states[state].degraded)
		log_warn("a forward is %s host=%s forward=%s why=\"%s\"",
		    forward_state_name(state), f->host->name, f->spec.id,
		    detail != NULL ? detail : "");
	else if (state != FORWARD_DOWN)
		log_info("a forward is %s host=%s forward=%s",
		    forward_state_name(state), f->host->name, f->spec.id);
}

/* Tells the host, whose state may depend on it. */
static void
tell_host(struct host_entry *e)
{
	if (host_is_up(e))
		host_handle(e, host_forwards_are_degraded(e) ?
		    EVENT_DEGRADE : EVENT_RECOVER);
}

/* ExitOnForwardFailure: a forward that can't be had ends the connection. */
static void
exit_on_failure(struct host_forward *f)
{
	struct host_entry *e = f->host;
	bool refused = is_local(f) ? f->state == FORWARD_BIND_FAILED :
	    f->state == FORWARD_HELD || f->state == FORWARD_DENIED;
	char *text;

	if (!refused || !e->conf->exit_on_failure || e->main == NULL ||
	    !host_is_up(e))
		return;
	text = str_dupf("%s is %s, and ExitOnForwardFailure is set: %s",
	    f->spec.id, forward_state_name(f->state),
	    f->detail != NULL ? f->detail : "");
	chain_kill(e->main->chain, END_FORWARD, text);
	free(text);
}

/* It is known who is in the way of the listener, or not any more. */
static void
on_holder(void *arg, const char *sentence)
{
	struct host_forward *f = arg;

	f->holder_known = sentence[0] != '\0';
	if (f->state != FORWARD_BIND_FAILED || !f->holder_known ||
	    str_equal(f->detail, sentence))
		return;
	log_info("the address of a forward is taken host=%s forward=%s "
	    "why=\"%s\"", f->host->name, f->spec.id, sentence);
	host_forward_set(f, FORWARD_BIND_FAILED, sentence);
}

static void
fail_to_bind(struct host_forward *f, const struct err *why)
{
	bool taken = why->code == ERR_REFUSED;

	/* What is known of the holder stays, until it is looked at again. */
	if (f->state != FORWARD_BIND_FAILED || !taken || !f->holder_known)
		host_forward_set(f, FORWARD_BIND_FAILED, why->text);
	if (taken)
		holder_search_ask(f->host->table->holders, &f->spec.listen,
		    on_holder, f);
	f->holder_known = f->holder_known && taken;
	plan_retry(f);
}

void
host_forward_bind(struct host_forward *f)
{
	struct listener_file file = {
		.mask = (mode_t)f->host->conf->unix_mask,
		.replace = f->host->conf->unix_unlink,
	};
	struct err err;

	if (!is_local(f) || listener_is_open(&f->listener))
		return;
	listener_close(&f->listener);
	if (host_spare_take(f->host->table, &f->spec.listen, &f->listener))
		listener_set_mask(&f->listener, file.mask);
	else if (listener_open(&f->listener, &f->spec.listen, &file,
	    &err) == -1) {
		fail_to_bind(f, &err);
		return;
	}
	f->holder_known = false;
	if (f->state == FORWARD_BIND_FAILED)
		log_info("the address is free again host=%s forward=%s",
		    f->host->name, f->spec.id);
	host_forward_set(f, FORWARD_DOWN, NULL);
	plan_retry(f);
}

/*
 * The sandbox of the link, made for the targets of its time, does not reach
 * the forward's: the next link's will.
 */
static void
replace_for(struct host_forward *f)
{
	struct host_entry *e = f->host;

	if (f->state == FORWARD_DOWN)
		host_forward_set(f, FORWARD_DOWN,
		    "waits for a new link, whose sandbox allows the target");
	/* One that connects already was perhaps told of this target. */
	if (e->replacement.wanted && (e->next == NULL ||
	    chain_reaches(e->next->chain, &f->spec)))
		return;
	host_replace_start(e);
}

/*
 * Asks for a remote forward; where the server is to choose the port, for the
 * one that it chose last: who was told of it finds us there again.
 */
static void
order(struct host_forward *f)
{
	struct forward wanted;

	forward_copy(&wanted, &f->spec);
	if (f->chosen != 0)
		wanted.listen.port = f->chosen;
	chain_send(host_forward_run(f)->chain, ORDER_FORWARD,
	    forward_encode(&wanted), NULL, 0);
	forward_fini(&wanted);
}

/* The port that was chosen last can't be had: the server chooses anew. */
static void
forget_chosen(struct host_forward *f)
{
	log_info("the server has to choose another port host=%s forward=%s "
	    "last=%u", f->host->name, f->spec.id, f->chosen);
	f->chosen = 0;
	chain_send(f->host->main->chain, ORDER_CANCEL,
	    json_pack("{s:s}", "id", f->spec.id), NULL, 0);
	order(f);
}

void
host_forward_lend(struct host_forward *f)
{
	struct host_run *run = host_forward_run(f);

	if (!is_local(f)) {
		if (f->held_by != NULL)
			return;
		if (chain_reaches(run->chain, &f->spec))
			order(f);
		else
			replace_for(f);
		return;
	}
	host_forward_bind(f);
	exit_on_failure(f);
	if (listener_is_open(&f->listener))
		chain_send(run->chain, ORDER_LISTEN,
		    forward_encode(&f->spec), f->listener.fds,
		    f->listener.count);
}

static void
on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct host_forward *f = arg;

	(void)fd;
	(void)what;
	f->retry_at_ms = 0;
	f->held_by = NULL;
	if (host_is_up(f->host))
		host_forward_lend(f);
	else
		host_forward_bind(f);
	tell_host(f->host);
}

struct host_forward *
host_forward_new(struct host_entry *e, const struct forward *spec)
{
	struct host_forward *f = mem_alloc(sizeof(*f));

	f->host = e;
	forward_copy(&f->spec, spec);
	f->listener.inherit = e->table->env.inherit;
	f->state = FORWARD_DOWN;
	f->since_wall_ms = clock_wall_ms();
	f->retry = evtimer_new(e->table->env.base, on_retry, f);
	if (f->retry == NULL)
		abort();
	host_proof_init(f);
	TAILQ_INSERT_TAIL(&e->forwards, f, entry);
	return f;
}

static void
free_tally(struct host_tally *t)
{
	LIST_REMOVE(t, entry);
	free(t->id);
	free(t);
}

/* Another forward may come with its id: that one counts from nothing. */
static void
forget_tallies(struct host_forward *f)
{
	struct host_run *run;
	struct host_tally *t;

	TAILQ_FOREACH(run, &f->host->runs, entry)
		LIST_FOREACH(t, &run->tallies, entry)
			if (str_equal(t->id, f->spec.id)) {
				free_tally(t);
				break;
			}
}

void
host_forward_free(struct host_forward *f)
{
	forget_tallies(f);
	host_forward_forget_move(f);
	TAILQ_REMOVE(&f->host->forwards, f, entry);
	listener_close(&f->listener);
	holder_search_forget(f->host->table->holders, f);
	event_free(f->retry);
	host_proof_fini(f);
	forward_fini(&f->spec);
	free(f->detail);
	free(f);
}

struct host_forward *
host_forward_find(struct host_entry *e, const char *id)
{
	struct host_forward *f;

	TAILQ_FOREACH(f, &e->forwards, entry)
		if (str_equal(f->spec.id, id))
			return f;
	return NULL;
}

void
host_forwards_set_mask(struct host_entry *e)
{
	struct host_forward *f;

	TAILQ_FOREACH(f, &e->forwards, entry)
		listener_set_mask(&f->listener, (mode_t)e->conf->unix_mask);
}

void
host_forwards_bind(struct host_entry *e)
{
	struct host_forward *f;

	TAILQ_FOREACH(f, &e->forwards, entry)
		host_forward_bind(f);
}

void
host_forwards_lend(struct host_entry *e)
{
	struct host_forward *f;

	TAILQ_FOREACH(f, &e->forwards, entry)
		host_forward_lend(f);
}

void
host_forwards_down(struct host_entry *e)
{
	struct host_forward *f;

	TAILQ_FOREACH(f, &e->forwards, entry) {
		host_forward_forget_move(f);
		f->port = 0;
		f->passed_in = f->passed_out = false;
		host_proof_stop(f);
		if (is_local(f) && f->state == FORWARD_BIND_FAILED)
			continue;
		host_forward_set(f, FORWARD_DOWN, NULL);
		host_forward_stop_retry(f);
	}
	host_moves_check(e);
}

void
host_forwards_retry(struct host_entry *e)
{
	struct host_forward *f;

	TAILQ_FOREACH(f, &e->forwards, entry) {
		host_forward_move_again(f);
		if (f->retry_at_ms != 0 && f->held_by == NULL) {
			host_forward_stop_retry(f);
			f->retries = 0;
			host_forward_lend(f);
		}
	}
}

void
host_forwards_close(struct host_entry *e)
{
	struct host_forward *f;

	TAILQ_FOREACH(f, &e->forwards, entry) {
		if (!listener_is_lent(&f->listener)) {
			if (listener_is_open(&f->listener))
				log_debug("clients are refused host=%s "
				    "forward=%s", e->name, f->spec.id);
			listener_close(&f->listener);
		}
		host_forward_set(f, FORWARD_DOWN, NULL);
		host_forward_stop_retry(f);
	}
}

void
host_forward_follow(struct host_forward *f)
{
	if (f->state == FORWARD_HELD)
		host_takeover_order(f);
	plan_retry(f);
	exit_on_failure(f);
	tell_host(f->host);
}

void
host_forward_on_fact(struct host_entry *e, const struct message *m)
{
	struct host_forward *f = host_forward_find(e, message_string(m, "id"));
	enum forward_state state;

	if (f == NULL || f->held_by != NULL || f->is_back ||
	    forward_state_parse(message_string(m, "state"), &state) == -1)
		return;
	if (f->chosen != 0 && e->main != NULL &&
	    (state == FORWARD_HELD || state == FORWARD_DENIED)) {
		forget_chosen(f);
		return;
	}
	f->port = (uint16_t)message_int(m, "port", 0);
	if (f->spec.listen.kind == ENDPOINT_TCP && f->spec.listen.port == 0 &&
	    !is_local(f) && f->port != 0)
		f->chosen = f->port;
	host_proof_note(f, state, message_string(m, "detail"));
	host_proof_on_fact(f, m);
	if (host_forward_try_move(f))
		tell_host(e);
	else
		host_forward_follow(f);
}

static struct host_tally *
find_tally(struct host_run *run, const char *id)
{
	struct host_tally *t;

	LIST_FOREACH(t, &run->tallies, entry)
		if (str_equal(t->id, id))
			return t;
	t = mem_alloc(sizeof(*t));
	t->id = str_dup(id);
	LIST_INSERT_HEAD(&run->tallies, t, entry);
	return t;
}

static uint64_t
get_count(const struct message *m, const char *field)
{
	long long n = message_int(m, field, 0);

	return n > 0 ? (uint64_t)n : 0;
}

void
host_forward_on_counters(struct host_run *run, const struct message *m)
{
	const char *id = message_string(m, "id");
	struct host_forward *f = host_forward_find(run->host, id);
	struct host_counters now = {
		.open = get_count(m, "open"),
		.total = get_count(m, "total"),
		.failed = get_count(m, "failed"),
		.in = get_count(m, "in"),
		.out = get_count(m, "out"),
	}, then;
	struct host_tally *t;

	/* Only for what we know: a worker can make up ids without end. */
	if (f == NULL)
		return;
	t = find_tally(run, id);
	then = t->last;
	/* The worker began anew: the forward was cancelled in between. */
	if (now.total < then.total || now.in < then.in ||
	    now.out < then.out || now.failed < then.failed)
		then = (struct host_counters){ .open = then.open };
	f->passed_in |= now.in > then.in;
	f->passed_out |= now.out > then.out;
	if (f->passed_in && f->passed_out) {
		f->passed_in = f->passed_out = false;
		host_proof_used(f, run->role == ROLE_MAIN);
	}
	f->counters.open += now.open - then.open;
	f->counters.total += now.total - then.total;
	f->counters.failed += now.failed - then.failed;
	f->counters.in += now.in - then.in;
	f->counters.out += now.out - then.out;
	t->last = now;
}

void
host_forward_forget_run(struct host_run *run)
{
	struct host_tally *t;

	while ((t = LIST_FIRST(&run->tallies)) != NULL) {
		struct host_forward *f = host_forward_find(run->host, t->id);

		if (f != NULL)
			f->counters.open -= t->last.open;
		free_tally(t);
	}
}

bool
host_forwards_are_degraded(const struct host_entry *e)
{
	struct host_forward *f;

	TAILQ_FOREACH(f, &e->forwards, entry)
		if (states[f->state].degraded)
			return true;
	return false;
}
