/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "worker/socks_local.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/endpoint.h"
#include "base/fdio.h"
#include "base/str.h"
#include "worker/relay.h"
#include "worker/socks.h"

enum stage {
	STAGE_HANDSHAKE,
	STAGE_OPENING,		/* the channel was asked for */
	STAGE_RELAY,		/* the relay has the socket */
	STAGE_LINGER,		/* refused: waits for the client to leave */
};

struct client {
	struct loop_item item;
	struct tunnel *tunnel;		/* the door's reference */
	struct socks_door *door;	/* referenced */
	enum stage stage;
	int fd;
	struct event event;
	struct listener_peer peer;
	struct socks *socks;		/* until it is answered */
	struct relay *relay;
	bool waiting;			/* in door->waiting */
	int64_t deadline;
	TAILQ_ENTRY(client) link;
};

struct socks_door {
	struct tunnel *tunnel;
	unsigned refs;
	bool shut;			/* the forward was cancelled */
	/*
	 * Clients in the handshake or lingering, by deadline: it is the same
	 * span for all, so new ones go to the end.
	 */
	TAILQ_HEAD(, client) waiting;
	size_t waiting_count;
	struct event *timer;
};

static void
arm_timer(struct socks_door *d)
{
	struct client *first = TAILQ_FIRST(&d->waiting);
	int64_t left;

	if (first == NULL || evtimer_pending(d->timer, NULL))
		return;
	left = first->deadline - clock_now_ms();
	loop_timer_set(d->timer, left > 0 ? left : 0);
}

static void
stop_waiting(struct client *c)
{
	if (!c->waiting)
		return;
	c->waiting = false;
	TAILQ_REMOVE(&c->door->waiting, c, link);
	c->door->waiting_count--;
}

static void
unref_door(struct socks_door *d)
{
	if (--d->refs > 0)
		return;
	event_free(d->timer);
	tunnel_unref(d->tunnel);
	free(d);
}

static void
free_client(struct client *c)
{
	struct loop *l = tunnel_loop(c->tunnel);

	stop_waiting(c);
	if (c->fd != -1)
		event_del(&c->event);
	fd_close(&c->fd);
	free(c->socks);
	unref_door(c->door);
	loop_bury(l, c);
	loop_release(l, &c->item);
}

/* Ends a client in any stage. */
static void
end_client(struct client *c)
{
	if (c->relay != NULL)
		relay_end(c->relay);
	else
		free_client(c);
}

static void
start_waiting(struct client *c)
{
	struct socks_door *d = c->door;

	c->waiting = true;
	c->deadline = clock_now_ms() + SOCKS_DEADLINE_MS;
	TAILQ_INSERT_TAIL(&d->waiting, c, link);
	if (++d->waiting_count > SOCKS_HALF_OPEN_MAX) {
		tunnel_count_failed(d->tunnel);
		end_client(TAILQ_FIRST(&d->waiting));
	}
	arm_timer(d);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct socks_door *d = arg;
	int64_t now = clock_now_ms();
	struct client *c;

	(void)fd;
	(void)what;
	while ((c = TAILQ_FIRST(&d->waiting)) != NULL && c->deadline <= now) {
		if (c->stage == STAGE_HANDSHAKE)
			tunnel_count_failed(d->tunnel);
		end_client(c);
	}
	arm_timer(d);
}

/* A handful of bytes always fits into a fresh socket, or it is dead. */
static bool
send_reply(struct client *c)
{
	const uint8_t *bytes;
	size_t n = socks_take_reply(c->socks, &bytes);

	return n == 0 || send(c->fd, bytes, n, MSG_NOSIGNAL | MSG_DONTWAIT) ==
	    (ssize_t)n;
}

static void on_readable(evutil_socket_t, short, void *);

/*
 * Closing with unread bytes would reset the connection, and the client might
 * never see why: so read and forget until it has gone.
 */
static void
linger(struct client *c)
{
	if (!send_reply(c) || c->door->shut ||
	    shutdown(c->fd, SHUT_WR) == -1) {
		end_client(c);
		return;
	}
	c->stage = STAGE_LINGER;
	/* Level-triggered: what came before counts, and a read is a turn. */
	event_del(&c->event);
	event_assign(&c->event, tunnel_loop(c->tunnel)->base, c->fd,
	    EV_READ | EV_PERSIST, on_readable, c);
	if (event_add(&c->event, NULL) == -1)
		end_client(c);
	else if (!c->waiting)
		start_waiting(c);
}

static enum socks_answer
answer_for(unsigned reason, const char *text)
{
	switch (reason) {
	case OPEN_PROHIBITED:
		return SOCKS_PROHIBITED;
	case OPEN_CONNECT_FAILED:
		return strcasestr(text, "refused") != NULL ?
		    SOCKS_REFUSED : SOCKS_UNREACHABLE;
	default:
		return SOCKS_FAILED;
	}
}

static void
on_open(struct relay *r, void *arg)
{
	struct client *c = arg;
	int fd = c->fd;

	socks_answer(c->socks, SOCKS_GRANTED);
	if (!send_reply(c)) {
		relay_end(r);
		return;
	}
	free(c->socks);
	c->socks = NULL;
	event_del(&c->event);
	c->fd = -1;
	c->stage = STAGE_RELAY;
	tunnel_reached(c->tunnel);
	relay_attach(r, fd);
}

/* The client lives on without the relay, until it has read the answer. */
static void
refuse(struct client *c, enum socks_answer answer)
{
	tunnel_count_failed(c->tunnel);
	socks_answer(c->socks, answer);
	c->relay = NULL;
	linger(c);
}

static void
on_open_failed(struct relay *r, void *arg, unsigned reason, const char *text)
{
	(void)r;
	refuse(arg, answer_for(reason, text));
}

static void
on_relay_end(struct relay *r, void *arg)
{
	struct client *c = arg;

	if (c->relay == r) {
		c->relay = NULL;
		free_client(c);
	}
}

static const struct relay_ops relay_ops = {
	.on_open = on_open,
	.on_open_failed = on_open_failed,
	.on_end = on_relay_end,
};

static void
open_channel(struct client *c)
{
	struct endpoint target = { ENDPOINT_TCP, c->socks->host,
	    c->socks->port };
	struct relay *r;

	stop_waiting(c);
	c->stage = STAGE_OPENING;
	r = relay_new(c->tunnel, RELAY_CLIENT_SOCKET, &relay_ops, c);
	c->relay = r;
	if (!relay_open(r, &target, c->peer.host, c->peer.port)) {
		refuse(c, SOCKS_FAILED);
		relay_end(r);
	}
}

/*
 * Looks at what is there and takes only what the handshake uses. True if the
 * client may have sent more.
 */
static bool
read_handshake(struct client *c)
{
	uint8_t bytes[1024];
	ssize_t n = recv(c->fd, bytes, sizeof(bytes), MSG_PEEK | MSG_DONTWAIT);
	enum socks_verdict verdict;
	size_t used;

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return errno == EINTR;
	if (n <= 0) {
		end_client(c);
		return false;
	}
	verdict = socks_feed(c->socks, bytes, (size_t)n, &used);
	recv(c->fd, bytes, used, MSG_DONTWAIT);
	if (verdict == SOCKS_BAD) {
		tunnel_count_failed(c->tunnel);
		linger(c);
		return false;
	}
	if (!send_reply(c)) {
		end_client(c);
		return false;
	}
	if (verdict == SOCKS_CONNECT)
		open_channel(c);
	return verdict == SOCKS_MORE;
}

static void
read_away(struct client *c)
{
	ssize_t n = recv(c->fd, loop_buffer(tunnel_loop(c->tunnel)),
	    LOOP_BUFFER_SIZE, MSG_DONTWAIT);

	if (n == 0 || (n == -1 && errno != EAGAIN && errno != EINTR))
		end_client(c);
}

/* The client's reset, while the channel opens, calls the open off. */
static void
check_reset(struct client *c)
{
	char byte;

	if (recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == -1 &&
	    errno != EAGAIN && errno != EINTR)
		end_client(c);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct client *c = arg;

	(void)fd;
	(void)what;
	switch (c->stage) {
	case STAGE_HANDSHAKE:
		while (read_handshake(c))
			;
		break;
	case STAGE_OPENING:
		check_reset(c);
		break;
	case STAGE_LINGER:
		read_away(c);
		break;
	case STAGE_RELAY:
		break;
	}
}

static void
end_item(void *arg)
{
	end_client(arg);
}

struct socks_door *
socks_door_new(struct tunnel *t)
{
	struct socks_door *d = mem_alloc(sizeof(*d));

	d->tunnel = tunnel_ref(t);
	d->refs = 1;
	TAILQ_INIT(&d->waiting);
	d->timer = evtimer_new(tunnel_loop(t)->base, on_timer, d);
	if (d->timer == NULL)
		abort();
	return d;
}

void
socks_door_free(struct socks_door *d)
{
	if (d == NULL)
		return;
	d->shut = true;
	while (!TAILQ_EMPTY(&d->waiting))
		end_client(TAILQ_FIRST(&d->waiting));
	unref_door(d);
}

void
socks_door_enter(struct socks_door *d, int fd,
    const struct listener_peer *peer)
{
	struct loop *l = tunnel_loop(d->tunnel);
	struct client *c = mem_alloc(sizeof(*c));

	c->tunnel = d->tunnel;
	c->door = d;
	d->refs++;
	c->fd = fd;
	c->peer = *peer;
	c->socks = mem_alloc(sizeof(*c->socks));
	socks_init(c->socks);
	loop_hold(l, &c->item, end_item, c);
	if (event_assign(&c->event, l->base, fd,
	    EV_READ | EV_PERSIST | EV_ET, on_readable, c) == -1)
		abort();
	if (event_add(&c->event, NULL) == -1) {
		end_client(c);
		return;
	}
	start_waiting(c);
}
