/* SPDX-License-Identifier: ISC */
#include "worker/forward_remote.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "worker/forwarded.h"
#include "worker/proof.h"
#include "worker/triage.h"
#include "worker/tunnel.h"

enum stage {
	STAGE_IDLE,		/* not listening: not asked, or refused */
	STAGE_ASKING,
	STAGE_TRIAGE,		/* was refused: why? */
	STAGE_LISTENING,
	STAGE_CANCELLING,
};

struct forward_remote {
	struct loop *loop;
	struct tunnel *tunnel;
	enum stage stage;
	char *bind;			/* as in the request, or the path */
	uint16_t port;			/* the one that listens */
	struct triage *triage;		/* NULL: none is going on */
	struct proof *proof;		/* NULL: none is going on */
	/* Where a proof found that nobody listens: sshd logs every look. */
	bool refused[BIND_TRUTH_ADDRESSES];
	enum forward_state verdict;	/* why the first request was refused */
	char *reason;			/* a sentence; NULL: it was not yet */
	bool cancelled;
	void (*done)(struct forward_remote *, void *arg);
	void *done_arg;
};

static bool
is_unix(const struct forward_remote *f)
{
	return tunnel_forward(f->tunnel)->listen.kind == ENDPOINT_UNIX;
}

/* The request was refused, and it is known why. */
static void
settle(struct forward_remote *f)
{
	void (*done)(struct forward_remote *, void *) = f->done;

	f->stage = STAGE_IDLE;
	if (!f->cancelled) {
		tunnel_restate(f->tunnel, f->verdict, 0, f->reason);
		return;
	}
	tunnel_restate(f->tunnel, FORWARD_DOWN, 0, NULL);
	tunnel_mute(f->tunnel);
	f->done = NULL;
	if (done != NULL)
		done(f, f->done_arg);
}

static void
on_triage(void *arg, enum forward_state verdict, const char *why)
{
	struct forward_remote *f = arg;

	f->triage = NULL;
	f->verdict = verdict;
	f->reason = str_dup(why);
	settle(f);
}

static void
start_triage(struct forward_remote *f)
{
	if (f->reason != NULL) {
		settle(f);
		return;
	}
	f->stage = STAGE_TRIAGE;
	f->triage = triage_new(f->loop, tunnel_forward(f->tunnel), f->bind,
	    on_triage, f);
}

/* Listening */

static void
on_cancelled(void *arg, bool ok, uint32_t port)
{
	struct forward_remote *f = arg;

	(void)port;
	if (!ok)
		log_warn("the server knows nothing of the forward that was "
		    "cancelled forward=%s", tunnel_forward(f->tunnel)->id);
	settle(f);
}

static void
send_cancel(struct forward_remote *f)
{
	f->stage = STAGE_CANCELLING;
	if (is_unix(f))
		connection_cancel_unix(f->loop->connection, f->bind,
		    on_cancelled, f);
	else
		connection_cancel(f->loop->connection, f->bind, f->port,
		    on_cancelled, f);
}

static void
on_answer(void *arg, bool ok, uint32_t port)
{
	struct forward_remote *f = arg;

	if (!ok) {
		if (f->cancelled)
			settle(f);
		else
			start_triage(f);
		return;
	}
	f->port = (uint16_t)port;
	if (f->cancelled) {
		send_cancel(f);
		return;
	}
	f->stage = STAGE_LISTENING;
	tunnel_restate(f->tunnel, FORWARD_UP, f->port, NULL);
}

/* Proof */

/* What is bound stays as it is for as long as the server listens. */
static void
note_refused(struct forward_remote *f, const struct probe_result *results,
    size_t count)
{
	const char *addresses[BIND_TRUTH_ADDRESSES];

	if (bind_truth_addresses(&tunnel_forward(f->tunnel)->listen,
	    addresses) != count)
		return;		/* there was no channel for some */
	for (size_t i = 0; i < count; i++)
		f->refused[i] = results[i].verdict == PROBE_REFUSED;
}

static void
on_proved(void *arg, const struct probe_result *results, size_t count,
    int64_t us)
{
	struct forward_remote *f = arg;
	struct loop *l = tunnel_loop(f->tunnel);
	struct bind_truth truth;

	bind_truth_tell(&tunnel_forward(f->tunnel)->listen, f->port,
	    transport_banner(connection_transport(l->connection)), results,
	    count, &truth);
	if (truth.bound_count > 0)
		note_refused(f, results, count);
	proof_free(f->proof);
	f->proof = NULL;
	tunnel_proved(f->tunnel, &truth, us);
	bind_truth_fini(&truth);
}

static const struct proof_ops proof_ops = {
	.on_done = on_proved,
	.on_stranger = forwarded_adopt,
};

void
forward_remote_prove(struct forward_remote *f)
{
	if (f->stage == STAGE_LISTENING && f->proof == NULL)
		f->proof = proof_new(f->tunnel, f->port, f->refused,
		    &proof_ops, f);
}

void
forward_remote_client(void *listener_arg, struct channel *c,
    const struct forwarded_open *open)
{
	struct forward_remote *f = listener_arg;
	struct forwarded_way way;

	forwarded_note_way(&way, open);
	if (f->proof != NULL && proof_concerns(f->proof, open))
		proof_hold(f->proof, c, &way);
	else
		forwarded_start(f->tunnel, c, &way);
}

/* ssh's spellings of the address (ssh_config(5), RFC 4254 7.1). */
static const char *
bind_address(const char *host)
{
	if (host == NULL)
		return "localhost";
	return strcmp(host, "*") == 0 ? "" : host;
}

struct forward_remote *
forward_remote_new(struct loop *l, const struct forward *forward)
{
	struct forward_remote *f = mem_alloc(sizeof(*f));

	f->loop = l;
	f->tunnel = tunnel_new(l, forward);
	f->bind = str_dup(bind_address(forward->listen.host));
	return f;
}

void
forward_remote_free(struct forward_remote *f)
{
	proof_free(f->proof);
	triage_free(f->triage);
	tunnel_unref(f->tunnel);
	free(f->bind);
	free(f->reason);
	free(f);
}

void
forward_remote_order(struct forward_remote *f, const struct forward *forward)
{
	const struct forward *old = tunnel_forward(f->tunnel);

	if (f->cancelled)
		return;
	tunnel_retarget(f->tunnel, forward);
	if (f->stage == STAGE_LISTENING) {
		tunnel_restate(f->tunnel, FORWARD_UP, f->port, NULL);
		return;
	}
	if (f->stage != STAGE_IDLE)
		return;
	f->stage = STAGE_ASKING;
	if (is_unix(f))
		connection_listen_unix(f->loop->connection, f->bind, f,
		    on_answer, f);
	else
		connection_listen(f->loop->connection, f->bind,
		    old->listen.port, f, on_answer, f);
}

void
forward_remote_cancel(struct forward_remote *f,
    void (*done)(struct forward_remote *, void *arg), void *arg)
{
	proof_free(f->proof);
	f->proof = NULL;
	f->cancelled = true;
	f->done = done;
	f->done_arg = arg;
	switch (f->stage) {
	case STAGE_TRIAGE:
		triage_free(f->triage);
		f->triage = NULL;
		settle(f);
		break;
	case STAGE_IDLE:
		settle(f);
		break;
	case STAGE_LISTENING:
		send_cancel(f);
		break;
	case STAGE_ASKING:	/* the answer decides */
	case STAGE_CANCELLING:
		break;
	}
}
