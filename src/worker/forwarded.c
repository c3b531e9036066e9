/* SPDX-License-Identifier: ISC */
#include "worker/forwarded.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/log.h"
#include "base/str.h"
#include "ipc/order.h"
#include "worker/proxy_header.h"
#include "worker/relay.h"
#include "worker/socks_remote.h"
#include "worker/target.h"

/* A client that came, while its target is dialled; it has no answer yet. */
struct dial {
	struct loop_item item;
	struct loop *loop;
	struct tunnel *tunnel;
	struct channel *channel;
	struct target *target;
	struct visit *visit;
	struct proxy_header header;
};

/* One whose channel is open already. */
struct late {
	struct tunnel *tunnel;		/* the relay's reference */
	struct relay *relay;
	struct visit *visit;		/* the relay's */
	struct target *target;
	struct proxy_header header;
};

static bool
is_dynamic(const struct tunnel *t)
{
	return tunnel_forward(t)->kind == FORWARD_REMOTE_DYNAMIC;
}

static void
free_dial(struct dial *d)
{
	target_free(d->target);
	visit_free(d->visit);
	tunnel_unref(d->tunnel);
	loop_bury(d->loop, d);
	loop_release(d->loop, &d->item);
}

/* Without a connection there is no channel any more. */
static void
end_dial(void *arg)
{
	struct dial *d = arg;

	if (d->loop->connection != NULL)
		channel_reject(d->channel, OPEN_CONNECT_FAILED,
		    "the forward ends");
	free_dial(d);
}

static void
on_relay_end(struct relay *r, void *arg)
{
	(void)r;
	(void)arg;
}

static const struct relay_ops relay_ops = { .on_end = on_relay_end };

/* Our own trouble, which says nothing of the target? */
static bool
is_shortage(const struct err *err)
{
	return err->code == ERR_SYS && (err->sys == EMFILE ||
	    err->sys == ENFILE || err->sys == ENOBUFS || err->sys == ENOMEM);
}

/* The first bytes of a new connection: the kernel has room for them. */
static void
send_header(int fd, const struct proxy_header *h)
{
	if (h->len > 0 && send(fd, h->bytes, h->len, MSG_NOSIGNAL) !=
	    (ssize_t)h->len)
		log_debug("a PROXY header could not be sent");
}

static void
make_header(struct proxy_header *h, const struct tunnel *t,
    const struct forwarded_way *way)
{
	log_debug("a client came forward=%s from=%s port=%u",
	    tunnel_forward(t)->id, way->originator, way->originator_port);
	proxy_header_make(h, (enum proxy_protocol)
	    tunnel_loop(t)->order->proxy_protocol, way->originator,
	    way->originator_port, way->connected, way->connected_port);
}

static void
on_target(void *arg, int fd, const struct err *err)
{
	struct dial *d = arg;
	struct relay *r;

	d->target = NULL;
	if (fd == -1)
		visit_failed(d->visit, err->text);
	if (fd == -1 && is_shortage(err)) {
		channel_reject(d->channel, OPEN_RESOURCE_SHORTAGE, err->text);
		tunnel_count_failed(d->tunnel);
	} else if (fd == -1) {
		channel_reject(d->channel, OPEN_CONNECT_FAILED, err->text);
		tunnel_missed(d->tunnel, FORWARD_TARGET_DOWN, err->text);
	} else {
		tunnel_reached(d->tunnel);
		send_header(fd, &d->header);
		r = relay_new(d->tunnel, RELAY_CLIENT_CHANNEL, &relay_ops,
		    NULL);
		relay_watch(r, d->visit);
		d->visit = NULL;
		relay_accept(r, d->channel);
		relay_attach(r, fd);
	}
	free_dial(d);
}

/* New, or NULL: see visit_new(). */
static struct visit *
begin_visit(struct tunnel *t, const struct forwarded_way *way)
{
	return visit_new(t, way->originator, way->originator_port,
	    is_dynamic(t) ? NULL : &tunnel_forward(t)->target);
}

static void
start_dial(struct tunnel *t, struct channel *c,
    const struct forwarded_way *way)
{
	struct dial *d = mem_alloc(sizeof(*d));

	make_header(&d->header, t, way);
	d->loop = tunnel_loop(t);
	d->tunnel = tunnel_ref(t);
	d->channel = c;
	d->visit = begin_visit(t, way);
	loop_hold(d->loop, &d->item, end_dial, d);
	d->target = target_dial(d->loop, &tunnel_forward(t)->target,
	    on_target, d);
}

/* Held connections: the channel is open, so that only its end tells a miss */

static void
on_late_end(struct relay *r, void *arg)
{
	struct late *l = arg;

	(void)r;
	target_free(l->target);
	loop_bury(tunnel_loop(l->tunnel), l);
}

static const struct relay_ops late_ops = { .on_end = on_late_end };

static void
on_late_target(void *arg, int fd, const struct err *err)
{
	struct late *l = arg;

	l->target = NULL;
	if (fd != -1) {
		tunnel_reached(l->tunnel);
		send_header(fd, &l->header);
		relay_attach(l->relay, fd);
		return;
	}
	visit_failed(l->visit, err->text);
	if (is_shortage(err))
		tunnel_count_failed(l->tunnel);
	else
		tunnel_missed(l->tunnel, FORWARD_TARGET_DOWN, err->text);
	relay_end(l->relay);
}

static void
start_late(struct tunnel *t, struct channel *c,
    const struct forwarded_way *way, const uint8_t *unread, size_t n)
{
	struct late *l = mem_alloc(sizeof(*l));

	make_header(&l->header, t, way);
	l->tunnel = t;
	l->relay = relay_new(t, RELAY_CLIENT_CHANNEL, &late_ops, l);
	l->visit = begin_visit(t, way);
	relay_watch(l->relay, l->visit);
	l->target = target_dial(tunnel_loop(t), &tunnel_forward(t)->target,
	    on_late_target, l);
	relay_adopt(l->relay, c, unread, n);
}

void
forwarded_note_way(struct forwarded_way *w, const struct forwarded_open *open)
{
	snprintf(w->originator, sizeof(w->originator), "%s",
	    open->originator_host);
	snprintf(w->connected, sizeof(w->connected), "%s",
	    open->connected_host);
	w->originator_port = (uint16_t)open->originator_port;
	w->connected_port = (uint16_t)open->connected_port;
}

void
forwarded_start(struct tunnel *t, struct channel *c,
    const struct forwarded_way *way)
{
	if (is_dynamic(t))
		socks_remote_start(t, c, begin_visit(t, way));
	else
		start_dial(t, c, way);
}

void
forwarded_adopt(struct tunnel *t, struct channel *c,
    const struct forwarded_way *way, const uint8_t *unread, size_t n)
{
	if (is_dynamic(t))
		socks_remote_adopt(t, c, begin_visit(t, way), unread, n);
	else
		start_late(t, c, way, unread, n);
}
