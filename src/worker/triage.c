/* SPDX-License-Identifier: ISC */
#include "worker/triage.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "ssh/connection.h"

#define GREETING_MAX	60	/* bytes of it that are shown */

struct triage {
	struct loop *loop;
	const struct forward *forward;
	const char *bind;
	triage_done *done;
	void *arg;
	struct channel *channel;	/* NULL: over, or not begun */
	struct event *timer;		/* it is known by then */
	bool held;
	unsigned reason;		/* of the open's failure */
	struct str greeting;		/* its first line */
	bool whole;			/* no more of it will come */
};

static bool
is_unix(const struct triage *t)
{
	return t->forward->listen.kind == ENDPOINT_UNIX;
}

/* New: the sentence for a holder. */
static char *
tell_held(const struct triage *t)
{
	struct str s;

	str_init(&s);
	if (is_unix(t))
		str_printf(&s, "%s", t->bind);
	else
		str_printf(&s, "port %u", t->forward->listen.port);
	str_append(&s, " is taken on the server by another process or an old "
	    "session");
	if (t->greeting.len > 0)
		str_printf(&s, " (it answers \"%s\")", t->greeting.p);
	if (is_unix(t))
		str_append(&s, " (\"StreamLocalBindUnlink yes\" in the "
		    "server's sshd_config has it replaced)");
	return str_take(&s);
}

/* New. sshd says the same of all of these, and of a look at the socket too. */
static char *
tell_denied(const struct triage *t)
{
	if (is_unix(t))
		return str_dupf("the server refused to listen on %s: the file "
		    "may be left of an old session (\"StreamLocalBindUnlink "
		    "yes\" in the server's sshd_config has it replaced), its "
		    "folder may be missing or not ours, or see "
		    "AllowStreamLocalForwarding there", t->bind);
	if (t->reason == OPEN_PROHIBITED)
		return str_dup("the server refused, and does not let us look "
		    "whether the port is taken: reason unknown "
		    "(AllowTcpForwarding, PermitListen and PermitOpen in its "
		    "sshd_config, permitlisten in authorized_keys)");
	return str_dupf("the server refused: %ssee AllowTcpForwarding and "
	    "PermitListen in its sshd_config and permitlisten in "
	    "authorized_keys", t->forward->listen.port < 1024 ?
	    "ports below 1024 need root there, or " : "");
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct triage *t = arg;
	triage_done *done = t->done;
	void *done_arg = t->arg;
	enum forward_state state = t->held ? FORWARD_HELD : FORWARD_DENIED;
	char *why;

	(void)fd;
	(void)what;
	str_make_printable(t->greeting.p);
	why = t->held ? tell_held(t) : tell_denied(t);
	triage_free(t);
	done(done_arg, state, why);
	free(why);
}

static void
on_open(struct channel *c, void *arg)
{
	struct triage *t = arg;

	(void)c;
	t->held = true;
	loop_timer_set(t->timer, TRIAGE_GREETING_MS);
}

static void
on_open_failed(struct channel *c, void *arg, unsigned reason,
    const char *text)
{
	struct triage *t = arg;

	(void)c;
	log_debug("the look at a refused port failed forward=%s text=\"%s\"",
	    t->forward->id, text);
	t->channel = NULL;
	t->reason = reason;
	loop_timer_set(t->timer, 0);
}

static void
end_greeting(struct triage *t)
{
	t->whole = true;
	loop_timer_set(t->timer, 0);
}

static size_t
on_data(struct channel *c, void *arg, const uint8_t *data, size_t n)
{
	struct triage *t = arg;

	(void)c;
	for (size_t i = 0; i < n && !t->whole; i++) {
		if (data[i] == '\r' || data[i] == '\n' ||
		    t->greeting.len == GREETING_MAX)
			end_greeting(t);
		else
			str_append_n(&t->greeting, &data[i], 1);
	}
	return n;
}

static void
on_eof(struct channel *c, void *arg)
{
	(void)c;
	end_greeting(arg);
}

static void
on_close(struct channel *c, void *arg)
{
	struct triage *t = arg;

	channel_free(c);
	t->channel = NULL;
	if (t->held)
		end_greeting(t);
}

static const struct channel_ops channel_ops = {
	.on_open = on_open,
	.on_open_failed = on_open_failed,
	.on_data = on_data,
	.on_eof = on_eof,
	.on_close = on_close,
};

struct triage *
triage_new(struct loop *l, const struct forward *forward, const char *bind,
    triage_done *done, void *arg)
{
	struct triage *t = mem_alloc(sizeof(*t));
	uint16_t port = forward->listen.port;

	t->loop = l;
	t->forward = forward;
	t->bind = bind;
	t->done = done;
	t->arg = arg;
	t->reason = OPEN_CONNECT_FAILED;
	str_init(&t->greeting);
	str_append(&t->greeting, "");
	if ((t->timer = evtimer_new(l->base, on_timer, t)) == NULL)
		abort();
	if (is_unix(t))
		t->channel = channel_open_unix(l->connection, bind,
		    &channel_ops, t);
	else if (port != 0)
		t->channel = channel_open_tcp(l->connection, bind[0] != '\0' ?
		    bind : "localhost", port, "127.0.0.1", 0, &channel_ops, t);
	loop_timer_set(t->timer, t->channel != NULL ? TRIAGE_OPEN_MS : 0);
	return t;
}

void
triage_free(struct triage *t)
{
	if (t == NULL)
		return;
	if (t->channel != NULL)
		channel_free(t->channel);
	event_free(t->timer);
	str_fini(&t->greeting);
	loop_bury(t->loop, t);
}
