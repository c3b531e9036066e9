/* SPDX-License-Identifier: ISC */
#include "worker/socks_remote.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/fdio.h"
#include "base/str.h"
#include "ipc/order.h"
#include "worker/permit.h"
#include "worker/relay.h"
#include "worker/socks.h"
#include "worker/socks_local.h"
#include "worker/target.h"

struct visitor {
	struct loop *loop;
	struct tunnel *tunnel;		/* the relay's reference */
	struct relay *relay;
	struct visit *visit;		/* the relay's */
	struct event *timer;		/* deadline of request and reply */
	struct target *target;
	int fd;				/* connected; the reply goes first */
	bool asked;			/* the request is complete */
	bool bad;			/* ends when the reply is out */
	struct socks *socks;		/* until it is answered */
	size_t unsent;			/* of reply, from its end */
	size_t reply_len;
	uint8_t reply[sizeof(((struct socks *)0)->reply)];
};

/* What comes after the reply. */
static void
go_on(struct visitor *v)
{
	int fd = v->fd;

	if (v->bad) {
		relay_end(v->relay);
	} else if (fd != -1) {
		v->fd = -1;
		free(v->socks);
		v->socks = NULL;
		event_del(v->timer);
		relay_attach(v->relay, fd);
	}
}

static void
push_reply(struct visitor *v)
{
	const uint8_t *bytes = v->reply + v->reply_len - v->unsent;

	if (v->unsent > 0)
		v->unsent -= relay_write(v->relay, bytes, v->unsent);
	if (v->unsent > 0)
		relay_want_write(v->relay);
	else
		go_on(v);
}

/* Moves what socks wants to say behind what is not sent yet. */
static void
collect_reply(struct visitor *v)
{
	const uint8_t *bytes;
	size_t n = socks_take_reply(v->socks, &bytes);

	/* Two replies at most, and both fit (see socks.c). */
	if (v->unsent == 0)
		v->reply_len = 0;
	memcpy(v->reply + v->reply_len, bytes, n);
	v->reply_len += n;
	v->unsent += n;
}

static void
refuse(struct visitor *v, enum socks_answer why, const char *text)
{
	visit_failed(v->visit, text);
	tunnel_count_failed(v->tunnel);
	v->bad = true;
	socks_answer(v->socks, why);
	collect_reply(v);
	push_reply(v);
}

static enum socks_answer
answer_for(const struct err *err)
{
	return err->code == ERR_REFUSED ? SOCKS_REFUSED : SOCKS_UNREACHABLE;
}

static void
on_target(void *arg, int fd, const struct err *err)
{
	struct visitor *v = arg;

	v->target = NULL;
	v->fd = fd;
	/* The channel may have ended, or its window never opens. */
	loop_timer_set(v->timer, SOCKS_DEADLINE_MS);
	if (fd == -1) {
		refuse(v, answer_for(err), err->text);
		return;
	}
	socks_answer(v->socks, SOCKS_GRANTED);
	collect_reply(v);
	push_reply(v);
}

static size_t
on_early(struct relay *r, void *arg, const uint8_t *data, size_t n)
{
	struct visitor *v = arg;
	struct endpoint target;
	enum socks_verdict verdict;
	size_t used;

	(void)r;
	if (v->asked || v->bad)
		return 0;
	verdict = socks_feed(v->socks, data, n, &used);
	collect_reply(v);
	if (verdict == SOCKS_MORE) {
		push_reply(v);
		return used;
	}
	if (verdict == SOCKS_BAD) {
		visit_failed(v->visit, "it does not speak SOCKS");
		tunnel_count_failed(v->tunnel);
		v->bad = true;
		push_reply(v);
		return n;
	}
	v->asked = true;
	target = (struct endpoint){ ENDPOINT_TCP, v->socks->host,
	    v->socks->port };
	visit_set_target(v->visit, &target);
	if (!permit_allows(v->loop->order->permit_remote_open,
	    v->loop->order->permit_remote_open_count, v->socks->host,
	    v->socks->port)) {
		refuse(v, SOCKS_PROHIBITED,
		    "PermitRemoteOpen doesn't allow it");
		return used;
	}
	event_del(v->timer);	/* dialling has its own */
	v->target = target_dial(v->loop, &target, on_target, v);
	push_reply(v);
	return used;
}

static void
on_writable(struct relay *r, void *arg)
{
	(void)r;
	push_reply(arg);
}

static void
on_end(struct relay *r, void *arg)
{
	struct visitor *v = arg;

	(void)r;
	target_free(v->target);
	event_free(v->timer);
	fd_close(&v->fd);
	free(v->socks);
	loop_bury(v->loop, v);
}

static const struct relay_ops relay_ops = {
	.on_early = on_early,
	.on_writable = on_writable,
	.on_end = on_end,
};

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct visitor *v = arg;

	(void)fd;
	(void)what;
	if (!v->bad)
		tunnel_count_failed(v->tunnel);
	relay_end(v->relay);
}

static struct visitor *
visitor_new(struct tunnel *t, struct visit *visit)
{
	struct visitor *v = mem_alloc(sizeof(*v));

	v->loop = tunnel_loop(t);
	v->tunnel = t;
	v->fd = -1;
	v->socks = mem_alloc(sizeof(*v->socks));
	socks_init(v->socks);
	if ((v->timer = evtimer_new(v->loop->base, on_timer, v)) == NULL)
		abort();
	loop_timer_set(v->timer, SOCKS_DEADLINE_MS);
	v->relay = relay_new(t, RELAY_CLIENT_CHANNEL, &relay_ops, v);
	v->visit = visit;
	relay_watch(v->relay, visit);
	return v;
}

void
socks_remote_start(struct tunnel *t, struct channel *c, struct visit *visit)
{
	relay_accept(visitor_new(t, visit)->relay, c);
}

void
socks_remote_adopt(struct tunnel *t, struct channel *c, struct visit *visit,
    const uint8_t *unread, size_t n)
{
	relay_adopt(visitor_new(t, visit)->relay, c, unread, n);
}
