/* SPDX-License-Identifier: ISC */
#include <event2/event.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/str.h"
#include "ipc/order.h"
#include "supervisor/host_entry.h"

/*
 * Forwards move from a link to the one that replaces it. A server has each port
 * for one connection alone, so that a remote forward has a gap: when the old
 * link has let go of the port, the new one asks for it. If that is refused,
 * time and again, the old link listens once more, and stays up for it.
 */

/* A run that lets go of remote forwards is waited for no longer than this. */
#define RELEASE_MS	3000

/* How often the new link asks, and how soon again; doubles. */
#define TRIES		3
#define AGAIN_MS	50

struct host_run *
host_forward_run(const struct host_forward *f)
{
	return f->is_back ? f->former : f->host->main;
}

static void
cancel_at(struct host_run *run, const struct host_forward *f)
{
	chain_send(run->chain, ORDER_CANCEL, json_pack("{s:s}", "id",
	    f->spec.id), NULL, 0);
}

/* May the run have the forward's port on the server? */
static bool
may_hold(const struct host_run *run, const struct host_forward *f)
{
	if (f->state == FORWARD_HELD || f->state == FORWARD_DENIED)
		return false;
	/* Down, it was perhaps asked for, if its target is in reach. */
	return f->state != FORWARD_DOWN ||
	    chain_reaches(run->chain, &f->spec);
}

static void
leave(struct host_forward *f, struct host_run *from)
{
	f->held_by = f->former = from;
	f->is_back = false;
	f->refusals = 0;
	host_forward_set_retry(f, RELEASE_MS);
	cancel_at(from, f);
}

void
host_forward_move_again(struct host_forward *f)
{
	if (f->is_back)
		leave(f, f->former);
}

static void
move_remote(struct host_forward *f, struct host_run *from)
{
	if (f->held_by != NULL)
		return;			/* the main run never had it */
	if (f->is_back)
		leave(f, f->former);
	else if (may_hold(from, f))
		leave(f, from);
	else
		host_forward_lend(f);
}

void
host_forwards_move(struct host_entry *e, struct host_run *from)
{
	struct host_forward *f;

	from->lingers = true;
	TAILQ_FOREACH(f, &e->forwards, entry) {
		if (f->held_by == NULL)
			host_forward_stop_retry(f);
		f->retries = 0;
		if (!forward_is_local(f->spec.kind)) {
			move_remote(f, from);
			continue;
		}
		host_forward_lend(f);
		cancel_at(from, f);
	}
	host_moves_check(e);
}

static bool
is_needed(const struct host_entry *e, const struct host_run *run)
{
	const struct host_forward *f;

	TAILQ_FOREACH(f, &e->forwards, entry)
		if (f->former == run)
			return true;
	return false;
}

void
host_moves_check(struct host_entry *e)
{
	struct host_run *run;

	TAILQ_FOREACH(run, &e->runs, entry)
		if (run->lingers && !is_needed(e, run))
			host_run_retire(run, ORDER_DRAIN, -1);
}

/* No link before the main one matters any more. */
static void
forget_former(struct host_forward *f)
{
	f->former = NULL;
	f->is_back = false;
	free(f->refusal);
	f->refusal = NULL;
}

void
host_forward_forget_move(struct host_forward *f)
{
	f->held_by = NULL;
	forget_former(f);
}

static void
go_back(struct host_forward *f)
{
	free(f->refusal);
	f->refusal = str_dup(f->detail != NULL ? f->detail :
	    forward_state_name(f->state));
	f->is_back = true;
	host_forward_lend(f);
}

bool
host_forward_try_move(struct host_forward *f)
{
	bool refused = f->state == FORWARD_HELD || f->state == FORWARD_DENIED;

	if (f->former == NULL || f->state == FORWARD_DOWN)
		return false;
	if (refused && ++f->refusals < TRIES) {
		host_forward_set_retry(f, AGAIN_MS << (f->refusals - 1));
		return true;
	}
	if (refused && chain_reaches(f->former->chain, &f->spec)) {
		go_back(f);
		return true;
	}
	forget_former(f);
	host_moves_check(f->host);
	return false;
}

/* The link before was asked to listen again. */
static void
on_back(struct host_forward *f, enum forward_state state, const char *detail)
{
	char *text;

	if (state == FORWARD_HELD || state == FORWARD_DENIED) {
		/* Nobody can have it: the new link asks on, as usual. */
		forget_former(f);
		host_moves_check(f->host);
	} else if (state == FORWARD_UP) {
		text = str_dupf("the link before still listens: the new one "
		    "was refused: %s; \"hawser retry\" moves it again",
		    f->refusal);
		log_warn("a forward did not move host=%s forward=%s "
		    "why=\"%s\"", f->host->name, f->spec.id, text);
		host_forward_set(f, state, text);
		free(text);
	} else {
		host_forward_set(f, state, detail);
	}
	host_proof_stop(f);
	host_forward_follow(f);
}

/* The forward's worker let go of it. */
static void
on_release(struct host_forward *f)
{
	struct host_entry *e = f->host;

	f->held_by = NULL;
	host_forward_stop_retry(f);
	if (host_is_up(e) && e->main != NULL)
		host_forward_lend(f);
}

void
host_move_on_fact(struct host_run *run, const struct message *m)
{
	struct host_forward *f = host_forward_find(run->host,
	    message_string(m, "id"));
	enum forward_state state;

	if (f == NULL || f->former != run ||
	    forward_state_parse(message_string(m, "state"), &state) == -1)
		return;
	if (f->held_by == run && state == FORWARD_DOWN)
		on_release(f);
	else if (f->is_back && state != FORWARD_DOWN)
		on_back(f, state, message_string(m, "detail"));
}

void
host_moves_on_end(struct host_run *run)
{
	struct host_entry *e = run->host;
	struct host_forward *f;

	TAILQ_FOREACH(f, &e->forwards, entry) {
		bool listened = f->former == run && f->is_back;

		if (f->former == run)
			forget_former(f);
		if (listened) {
			host_proof_stop(f);
			host_forward_set(f, FORWARD_DOWN, NULL);
		}
		if (f->held_by == run || listened)
			on_release(f);
	}
}
