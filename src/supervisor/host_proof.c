/* SPDX-License-Identifier: ISC */
#include <event2/event.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "supervisor/host_entry.h"

/*
 * Is a forward what it says? Real use tells, and where there is none, a proof
 * of a remote forward: at once when the server listens, then whenever it was
 * idle for HawserVerify.
 */

/* A worker's list of addresses: its length, and bytes of each. */
#define BOUND_MAX	4
/* So many HawserVerify pass between two proofs that are in vain. */
#define RARELY		10
#define BOUND_TEXT_MAX	300

void
host_proof_stop(struct host_forward *f)
{
	struct host_proof *p = &f->proof;

	event_del(p->lapse);
	event_del(p->next);
	json_decref(p->bound);
	p->bound = NULL;
	free(p->truth);
	p->truth = NULL;
	p->ok_ms = 0;
	p->us = -1;
}

/* Nothing passed for so long that it is not known any more. */
static void
on_lapse(evutil_socket_t fd, short what, void *arg)
{
	struct host_forward *f = arg;

	(void)fd;
	(void)what;
	if (f->state == FORWARD_VERIFIED)
		host_forward_set(f, FORWARD_UP, f->proof.truth);
	if (!forward_is_local(f->spec.kind))
		host_timer_set(f->proof.next, 0);
}

static bool
can_be_proved(const struct host_forward *f)
{
	return !forward_is_local(f->spec.kind) &&
	    (f->state == FORWARD_UP || f->state == FORWARD_VERIFIED ||
	    f->state == FORWARD_UNPROVABLE);
}

/* Used lately, it needs no proof yet; else one is ordered. */
static void
on_next(evutil_socket_t fd, short what, void *arg)
{
	struct host_forward *f = arg;
	struct host_entry *e = f->host;
	int64_t ms = e->conf->verify_ms, idle;

	(void)fd;
	(void)what;
	if (ms == 0 || !can_be_proved(f) || !host_is_up(e) || e->main == NULL)
		return;
	idle = clock_now_ms() - f->proof.ok_ms;
	if (f->proof.bound != NULL && f->proof.ok_ms != 0 && idle < ms) {
		host_timer_set(f->proof.next, ms - idle);
		return;
	}
	chain_send(e->main->chain, ORDER_PROVE,
	    json_pack("{s:s}", "id", f->spec.id), NULL, 0);
	/* The result sets it anew. */
	host_timer_set(f->proof.next, ms);
}

void
host_proof_init(struct host_forward *f)
{
	struct event_base *base = f->host->table->env.base;

	f->proof.us = -1;
	f->proof.lapse = evtimer_new(base, on_lapse, f);
	f->proof.next = evtimer_new(base, on_next, f);
	if (f->proof.lapse == NULL || f->proof.next == NULL)
		abort();
}

void
host_proof_fini(struct host_forward *f)
{
	host_proof_stop(f);
	event_free(f->proof.lapse);
	event_free(f->proof.next);
}

static void
plan_lapse(struct host_forward *f)
{
	host_timer_set(f->proof.lapse, f->proof.ok_ms +
	    2 * f->host->conf->verify_ms - clock_now_ms());
}

/* By a proof or by use. */
static void
note_verified(struct host_forward *f)
{
	f->proof.verified_wall_ms = clock_wall_ms();
	plan_lapse(f);
}

void
host_proof_used(struct host_forward *f, bool on_main)
{
	struct host_proof *p = &f->proof;
	bool as_asked = f->state == FORWARD_VERIFIED ||
	    f->state == FORWARD_UNPROVABLE ||
	    (f->state == FORWARD_UP && p->truth == NULL);

	f->last_ok_wall_ms = clock_wall_ms();
	if (!on_main)
		return;
	p->ok_ms = clock_now_ms();
	if (f->host->conf->verify_ms == 0 || !as_asked)
		return;
	note_verified(f);
	host_forward_set(f, FORWARD_VERIFIED,
	    f->state == FORWARD_UNPROVABLE ? NULL : p->truth);
}

/* Something else is bound than was asked for: said once. */
static void
keep_truth(struct host_forward *f, const char *truth)
{
	struct host_proof *p = &f->proof;

	if (truth != NULL && !str_equal(truth, p->truth) &&
	    f->state == FORWARD_UP)
		log_warn("a forward is not as it was asked for host=%s "
		    "forward=%s why=\"%s\"", f->host->name, f->spec.id,
		    truth);
	free(p->truth);
	p->truth = truth != NULL ? str_dup(truth) : NULL;
}

/* Of what a worker says only this: a few short texts. */
static void
keep_bound(struct host_proof *p, const json_t *bound)
{
	json_decref(p->bound);
	p->bound = json_array();
	for (size_t i = 0; i < BOUND_MAX; i++) {
		json_t *text = json_array_get(bound, i);

		if (json_is_string(text) &&
		    json_string_length(text) <= BOUND_TEXT_MAX)
			json_array_append(p->bound, text);
	}
}

/* What the worker says of its own accord: it listens, or does not. */
static void
on_news(struct host_forward *f)
{
	if (f->state == FORWARD_TARGET_DOWN)
		return;			/* it listens as before */
	host_proof_stop(f);
	if (f->host->conf->verify_ms != 0 && can_be_proved(f))
		host_timer_set(f->proof.next, 0);
}

void
host_proof_note(struct host_forward *f, enum forward_state state,
    const char *detail)
{
	int64_t age = clock_now_ms() - f->proof.ok_ms;

	if (state != FORWARD_UNPROVABLE || f->state != FORWARD_VERIFIED ||
	    age >= 2 * f->host->conf->verify_ms)
		host_forward_set(f, state, detail);
}

void
host_proof_on_fact(struct host_forward *f, const struct message *m)
{
	struct host_proof *p = &f->proof;
	int64_t ms = f->host->conf->verify_ms;
	json_t *bound = json_object_get(m->body, "bound");
	bool proved = message_int(m, "us", -1) >= 0;

	if (bound == NULL) {
		on_news(f);
		return;
	}
	keep_bound(p, bound);
	p->us = message_int(m, "us", -1);
	if (f->state != FORWARD_TARGET_DOWN)
		keep_truth(f, proved || f->state == FORWARD_UP ?
		    message_string(m, "detail") : NULL);
	if (f->state == FORWARD_VERIFIED && proved) {
		p->ok_ms = clock_now_ms();
		note_verified(f);
	}
	/* What can't be proved is not asked for all the time. */
	if (ms != 0)
		host_timer_set(p->next, proved ? ms : RARELY * ms);
}

void
host_forwards_set_verify(struct host_entry *e)
{
	struct host_forward *f;

	TAILQ_FOREACH(f, &e->forwards, entry) {
		if (f->state == FORWARD_VERIFIED)
			plan_lapse(f);
		if (e->conf->verify_ms != 0 && can_be_proved(f))
			host_timer_set(f->proof.next, 0);
	}
}
