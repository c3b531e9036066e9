/* SPDX-License-Identifier: ISC */
#include "worker/forward_remote.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "worker/forwarded.h"
#include "worker/proof.h"
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
	struct channel *probe;		/* of the triage */
	struct proof *proof;		/* NULL: none is going on */
	/*
	 * Why the first request was refused. Looking again would keep the
	 * dead session alive that may hold the port: sshd drops it only while
	 * it is idle.
	 */
	bool judged;
	enum forward_state verdict;
	char *reason;
	bool cancelled;
	void (*done)(struct forward_remote *, void *arg);
	void *done_arg;
};

/* Held or denied */

static void
judge(struct forward_remote *f, enum forward_state verdict, const char *why)
{
	f->judged = true;
	f->verdict = verdict;
	free(f->reason);
	f->reason = str_dup(why);
}

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
on_probe_open(struct channel *c, void *arg)
{
	struct forward_remote *f = arg;
	char *why = is_unix(f) ?
	    str_dupf("%s is taken on the server by another process or an old "
	    "session (\"StreamLocalBindUnlink yes\" in the server's "
	    "sshd_config has it replaced)", f->bind) :
	    str_dupf("port %u is taken on the server by another process or an "
	    "old session", tunnel_forward(f->tunnel)->listen.port);

	channel_free(c);
	f->probe = NULL;
	judge(f, FORWARD_HELD, why);
	free(why);
	settle(f);
}

/* sshd says the same of all of these, and of the look at the socket too. */
static void
judge_unix(struct forward_remote *f)
{
	char *why = str_dupf("the server refused to listen on %s: the file "
	    "may be left of an old session (\"StreamLocalBindUnlink yes\" in "
	    "the server's sshd_config has it replaced), its folder may be "
	    "missing or not ours, or see AllowStreamLocalForwarding there",
	    f->bind);

	judge(f, FORWARD_DENIED, why);
	free(why);
}

static void
judge_denied(struct forward_remote *f, unsigned reason)
{
	if (is_unix(f))
		judge_unix(f);
	else if (reason == OPEN_PROHIBITED)
		judge(f, FORWARD_DENIED, "the server refused, and does not "
		    "let us look whether the port is taken: reason unknown "
		    "(AllowTcpForwarding, PermitListen and PermitOpen in its "
		    "sshd_config, permitlisten in authorized_keys)");
	else if (tunnel_forward(f->tunnel)->listen.port < 1024)
		judge(f, FORWARD_DENIED, "the server refused: ports below "
		    "1024 need root there, or see AllowTcpForwarding and "
		    "PermitListen in its sshd_config and permitlisten in "
		    "authorized_keys");
	else
		judge(f, FORWARD_DENIED, "the server refused: see "
		    "AllowTcpForwarding and PermitListen in its sshd_config "
		    "and permitlisten in authorized_keys");
}

static void
on_probe_failed(struct channel *c, void *arg, unsigned reason,
    const char *text)
{
	struct forward_remote *f = arg;

	(void)c;
	log_debug("the probe of a refused port failed forward=%s text=\"%s\"",
	    tunnel_forward(f->tunnel)->id, text);
	f->probe = NULL;
	judge_denied(f, reason);
	settle(f);
}

static size_t
on_probe_data(struct channel *c, void *arg, const uint8_t *data, size_t n)
{
	(void)c;
	(void)arg;
	(void)data;
	return n;
}

static void
on_probe_eof(struct channel *c, void *arg)
{
	(void)c;
	(void)arg;
}

/* The connection ended meanwhile. */
static void
on_probe_close(struct channel *c, void *arg)
{
	struct forward_remote *f = arg;

	channel_free(c);
	f->probe = NULL;
}

static const struct channel_ops probe_ops = {
	.on_open = on_probe_open,
	.on_open_failed = on_probe_failed,
	.on_data = on_probe_data,
	.on_eof = on_probe_eof,
	.on_close = on_probe_close,
};

static void
start_triage(struct forward_remote *f)
{
	uint16_t port = tunnel_forward(f->tunnel)->listen.port;
	const char *host = f->bind[0] != '\0' ? f->bind : "localhost";

	if (f->judged) {
		settle(f);
		return;
	}
	if (is_unix(f))
		f->probe = channel_open_unix(f->loop->connection, f->bind,
		    &probe_ops, f);
	else if (port != 0)
		f->probe = channel_open_tcp(f->loop->connection, host, port,
		    "127.0.0.1", 0, &probe_ops, f);
	if (f->probe == NULL) {
		judge_denied(f, OPEN_CONNECT_FAILED);
		settle(f);
		return;
	}
	f->stage = STAGE_TRIAGE;
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

static void
on_proved(void *arg, const struct probe_result *results, size_t count,
    int64_t us)
{
	struct forward_remote *f = arg;
	struct bind_truth truth;

	bind_truth_tell(&tunnel_forward(f->tunnel)->listen, f->port, results,
	    count, &truth);
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
		f->proof = proof_new(f->tunnel, f->port, &proof_ops, f);
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
		channel_free(f->probe);
		f->probe = NULL;
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
