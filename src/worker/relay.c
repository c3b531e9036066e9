/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "worker/relay.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fdio.h"
#include "base/str.h"

struct relay {
	struct loop_item item;
	struct loop *loop;
	struct tunnel *tunnel;
	const struct relay_ops *ops;
	void *arg;
	enum relay_client client;
	struct channel *channel;
	struct visit *visit;	/* NULL: nobody wants to know */
	struct event event;	/* edge-triggered, both directions */
	int fd;			/* -1 until attached */
	bool open;		/* the channel was confirmed or accepted */
	bool readable;		/* until recv() says EAGAIN */
	bool writable;		/* until send() takes less than all */
	bool socket_eof;	/* read from the socket, sent to the channel */
	bool channel_eof;	/* seen on the channel */
	bool ended;
	/*
	 * Read from the socket, but the channel had less room than it said
	 * (small packets went first): goes before anything else. Mostly NULL.
	 */
	uint8_t *rest;
	size_t rest_len;
	size_t rest_at;
};

/* The client must not take a stream that was cut off for a whole one. */
static void
abort_socket(struct relay *r)
{
	struct linger now = { .l_onoff = 1 };

	if (r->fd != -1)
		setsockopt(r->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

void
relay_end(struct relay *r)
{
	if (r->ended)
		return;
	r->ended = true;
	if (r->fd != -1)
		event_del(&r->event);
	fd_close(&r->fd);
	if (r->channel != NULL)
		channel_free(r->channel);
	r->channel = NULL;
	free(r->rest);
	r->rest = NULL;
	tunnel_count_close(r->tunnel);
	visit_free(r->visit);
	r->visit = NULL;
	r->ops->on_end(r, r->arg);
	tunnel_unref(r->tunnel);
	loop_bury(r->loop, r);
	loop_release(r->loop, &r->item);
}

static void
end_item(void *arg)
{
	abort_socket(arg);
	relay_end(arg);
}

struct relay *
relay_new(struct tunnel *t, enum relay_client client,
    const struct relay_ops *ops, void *arg)
{
	struct relay *r = mem_alloc(sizeof(*r));

	r->loop = tunnel_loop(t);
	r->tunnel = tunnel_ref(t);
	r->client = client;
	r->ops = ops;
	r->arg = arg;
	r->fd = -1;
	tunnel_count_open(t);
	loop_hold(r->loop, &r->item, end_item, r);
	return r;
}

/* The ends */

static void
end_if_done(struct relay *r)
{
	if (r->socket_eof && r->channel_eof)
		relay_end(r);
}

/* All that the channel gave is with the socket, and no more will come. */
static void
pass_channel_eof(struct relay *r)
{
	if (shutdown(r->fd, SHUT_WR) == -1)
		relay_end(r);
	else
		end_if_done(r);
}

static void
pass_socket_eof(struct relay *r)
{
	r->socket_eof = true;
	channel_send_eof(r->channel);
	end_if_done(r);
}

/* Socket to channel */

static void
count(struct relay *r, size_t in, size_t out)
{
	tunnel_count_bytes(r->tunnel, in, out);
	visit_count(r->visit, in, out);
}

static void
count_to_channel(struct relay *r, size_t n)
{
	count(r, r->client == RELAY_CLIENT_SOCKET ? 0 : n,
	    r->client == RELAY_CLIENT_SOCKET ? n : 0);
}

/* Gives what was read to the channel and keeps what it does not take. */
static void
pass_data(struct relay *r, const uint8_t *data, size_t n)
{
	size_t taken = channel_write(r->channel, data, n);

	count_to_channel(r, n);
	if (taken == n)
		return;
	r->rest_len = n - taken;
	r->rest_at = 0;
	r->rest = mem_alloc(r->rest_len);
	memcpy(r->rest, data + taken, r->rest_len);
}

/* True if nothing is kept back. */
static bool
pass_rest(struct relay *r)
{
	if (r->rest == NULL)
		return true;
	r->rest_at += channel_write(r->channel, r->rest + r->rest_at,
	    r->rest_len - r->rest_at);
	if (r->rest_at < r->rest_len)
		return false;
	free(r->rest);
	r->rest = NULL;
	return true;
}

/* How much to read now: what the channel, the buffer and others allow. */
static size_t
get_room(struct relay *r, size_t budget)
{
	size_t room;

	if (!pass_rest(r))
		return 0;
	room = channel_room(r->channel);
	if (room > LOOP_BUFFER_SIZE)
		room = LOOP_BUFFER_SIZE;
	return room < budget ? room : budget;
}

static void
read_socket(struct relay *r)
{
	size_t budget = RELAY_BUDGET;

	while ((r->readable || r->rest != NULL) && !r->socket_eof) {
		size_t room = get_room(r, budget);
		uint8_t *buffer;
		ssize_t n;

		if (room == 0) {
			channel_want_write(r->channel);
			return;
		}
		buffer = loop_buffer(r->loop);
		n = recv(r->fd, buffer, room, MSG_DONTWAIT);
		if (n > 0) {
			pass_data(r, buffer, (size_t)n);
			budget -= (size_t)n;
			if ((size_t)n < room) {
				/* Likely dry: ask when this was sent. */
				channel_want_write(r->channel);
				return;
			}
		} else if (n == 0) {
			pass_socket_eof(r);
			return;
		} else if (errno == EAGAIN) {
			r->readable = false;
		} else if (errno != EINTR) {
			relay_end(r);
			return;
		}
	}
}

/* While the channel opens: a client that was reset need not be served. */
static void
check_reset(struct relay *r)
{
	char byte;

	if (recv(r->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == -1 &&
	    errno != EAGAIN && errno != EINTR)
		relay_end(r);
}

static void
on_socket(evutil_socket_t fd, short what, void *arg)
{
	struct relay *r = arg;

	(void)fd;
	if (what & EV_READ)
		r->readable = true;
	if (what & EV_WRITE)
		r->writable = true;
	if (!r->open) {
		check_reset(r);
		return;
	}
	if (r->writable && channel_queued(r->channel) > 0)
		channel_pull(r->channel);
	if (!r->ended && r->readable)
		read_socket(r);
}

/* Channel to socket */

static void
count_to_socket(struct relay *r, size_t n)
{
	count(r, r->client == RELAY_CLIENT_SOCKET ? n : 0,
	    r->client == RELAY_CLIENT_SOCKET ? 0 : n);
}

static size_t
on_data(struct channel *c, void *arg, const uint8_t *data, size_t len)
{
	struct relay *r = arg;
	ssize_t n;

	(void)c;
	if (r->fd == -1)
		return r->ops->on_early != NULL ?
		    r->ops->on_early(r, r->arg, data, len) : 0;
	if (!r->writable)
		return 0;
	do
		n = send(r->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n == -1 && errno == EINTR);
	if (n == -1 && errno != EAGAIN) {
		relay_end(r);
		return len;
	}
	if (n == -1)
		n = 0;
	if ((size_t)n < len)
		r->writable = false;
	count_to_socket(r, (size_t)n);
	return (size_t)n;
}

static void
on_eof(struct channel *c, void *arg)
{
	struct relay *r = arg;

	(void)c;
	r->channel_eof = true;
	if (r->fd != -1)
		pass_channel_eof(r);
}

static void
on_close(struct channel *c, void *arg)
{
	struct relay *r = arg;

	(void)c;
	if (!r->channel_eof)
		abort_socket(r);
	relay_end(r);
}

static void
on_writable(struct channel *c, void *arg)
{
	struct relay *r = arg;

	(void)c;
	if (r->fd != -1)
		read_socket(r);
	else if (r->ops->on_writable != NULL)
		r->ops->on_writable(r, r->arg);
}

/* Opening */

static void
on_open(struct channel *c, void *arg)
{
	struct relay *r = arg;

	(void)c;
	r->open = true;
	if (r->ops->on_open != NULL)
		r->ops->on_open(r, r->arg);
	if (r->ended || r->fd == -1)
		return;
	visit_opened(r->visit);
	read_socket(r);
}

static void
on_open_failed(struct channel *c, void *arg, unsigned reason,
    const char *text)
{
	struct relay *r = arg;

	(void)c;
	r->channel = NULL;
	visit_failed(r->visit, text);
	r->ops->on_open_failed(r, r->arg, reason, text);
	relay_end(r);
}

static const struct channel_ops channel_ops = {
	.on_open = on_open,
	.on_open_failed = on_open_failed,
	.on_data = on_data,
	.on_eof = on_eof,
	.on_close = on_close,
	.on_writable = on_writable,
};

bool
relay_open(struct relay *r, const struct endpoint *target,
    const char *originator, uint16_t originator_port)
{
	struct connection *c = r->loop->connection;

	r->visit = visit_new(r->tunnel, originator, originator_port, target);
	if (target->kind == ENDPOINT_UNIX)
		r->channel = channel_open_unix(c, target->host, &channel_ops,
		    r);
	else
		r->channel = channel_open_tcp(c, target->host != NULL ?
		    target->host : "localhost", target->port, originator,
		    originator_port, &channel_ops, r);
	if (r->channel == NULL)
		visit_failed(r->visit, "there are too many channels");
	return r->channel != NULL;
}

void
relay_watch(struct relay *r, struct visit *v)
{
	r->visit = v;
}

void
relay_accept(struct relay *r, struct channel *c)
{
	r->channel = c;
	r->open = true;
	channel_accept(c, &channel_ops, r);
}

void
relay_adopt(struct relay *r, struct channel *c, const uint8_t *unread,
    size_t n)
{
	r->channel = c;
	r->open = true;
	channel_hand_over(c, &channel_ops, r, unread, n);
	channel_pull(c);
}

void
relay_attach(struct relay *r, int fd)
{
	r->fd = fd;
	r->writable = true;
	if (event_assign(&r->event, r->loop->base, fd,
	    EV_READ | EV_WRITE | EV_PERSIST | EV_ET, on_socket, r) == -1 ||
	    event_add(&r->event, NULL) == -1) {
		/* No memory or watches left for this one. */
		r->fd = -1;
		fd_close(&fd);
		relay_end(r);
		return;
	}
	if (r->open)
		visit_opened(r->visit);
	if (r->open && r->channel_eof)
		pass_channel_eof(r);
	else if (r->open && channel_queued(r->channel) > 0)
		channel_pull(r->channel);
}

size_t
relay_write(struct relay *r, const uint8_t *data, size_t n)
{
	return channel_write(r->channel, data, n);
}

void
relay_want_write(struct relay *r)
{
	channel_want_write(r->channel);
}
