/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "worker/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/episode.h"
#include "base/fdio.h"
#include "base/log.h"
#include "base/str.h"

struct ear {
	struct listener *listener;
	struct event *event;
	int fd;
	/*
	 * The clients in the backlog waited while nobody accepted. Until it
	 * is empty, those that have gone are told apart by their end of
	 * stream; later ones may be half-closed on purpose.
	 */
	bool stale;
};

struct listener {
	struct loop *loop;
	listener_client *on_client;
	void *arg;
	struct event *rest;	/* pending while descriptors are short */
	struct episode shortage;
	bool paused;
	size_t count;
	struct ear ears[];
};

/* Has somebody queued up on this listening socket? */
static bool
has_queue(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

static bool
has_gone(int fd)
{
	char byte;
	ssize_t n = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	return n == 0 || (n == -1 && errno != EAGAIN && errno != EINTR);
}

static void
describe_peer(const struct sockaddr_storage *from, struct listener_peer *out)
{
	const struct sockaddr_in *v4 = (const void *)from;
	const struct sockaddr_in6 *v6 = (const void *)from;

	memset(out, 0, sizeof(*out));
	if (from->ss_family == AF_INET) {
		inet_ntop(AF_INET, &v4->sin_addr, out->host,
		    sizeof(out->host));
		out->port = ntohs(v4->sin_port);
	} else if (from->ss_family == AF_INET6) {
		inet_ntop(AF_INET6, &v6->sin6_addr, out->host,
		    sizeof(out->host));
		out->port = ntohs(v6->sin6_port);
	} else {
		/* A Unix socket's client has no address; ssh says this. */
		strcpy(out->host, "127.0.0.1");
	}
}

static void
set_events(struct listener *l, bool on)
{
	for (size_t i = 0; i < l->count; i++)
		if (on)
			event_add(l->ears[i].event, NULL);
		else
			event_del(l->ears[i].event);
}

/* Nothing can be accepted for a while; the backlog keeps the clients. */
static void
rest(struct listener *l)
{
	if (episode_begins(&l->shortage))
		log_warn("no more connections can be accepted for now: %s",
		    strerror(errno));
	set_events(l, false);
	loop_timer_set(l->rest, LISTENER_REST_MS);
}

static void
on_rested(evutil_socket_t fd, short what, void *arg)
{
	struct listener *l = arg;

	(void)fd;
	(void)what;
	if (!l->paused)
		set_events(l, true);
}

/* False when there is nothing to accept any more. */
static bool
accept_one(struct ear *ear)
{
	struct listener *l = ear->listener;
	struct sockaddr_storage from = { 0 };
	socklen_t len = sizeof(from);
	struct listener_peer peer;
	int fd;

	fd = accept4(ear->fd, (struct sockaddr *)&from, &len,
	    SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd == -1) {
		switch (errno) {
		case EAGAIN:
			/* Nobody waits any more. */
			ear->stale = false;
			if (episode_ends(&l->shortage))
				log_info("connections are accepted again");
			return false;
		case EINVAL:	/* somebody shut the lent socket down */
		case EMFILE:
		case ENFILE:
		case ENOBUFS:
		case ENOMEM:
			rest(l);
			return false;
		default:
			/* That client's own trouble (accept(2)): the next. */
			return true;
		}
	}
	if (ear->stale && has_gone(fd)) {
		close(fd);
		return true;
	}
	describe_peer(&from, &peer);
	l->on_client(l->arg, fd, &peer);
	return true;
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	for (int i = 0; i < LISTENER_BATCH; i++)
		if (!accept_one(arg))
			return;
}

struct listener *
listener_new(struct loop *loop, const int *fds, size_t count,
    listener_client *on_client, void *arg)
{
	struct listener *l = mem_alloc(sizeof(*l) + count * sizeof(l->ears[0]));
	int one = 1;

	l->loop = loop;
	l->on_client = on_client;
	l->arg = arg;
	l->count = count;
	if ((l->rest = evtimer_new(loop->base, on_rested, l)) == NULL)
		abort();
	for (size_t i = 0; i < count; i++) {
		struct ear *ear = &l->ears[i];

		fd_set_nonblock(fds[i], 1);
		/* Accepted sockets inherit it; a Unix socket has none. */
		setsockopt(fds[i], IPPROTO_TCP, TCP_NODELAY, &one,
		    sizeof(one));
		*ear = (struct ear){ .listener = l, .fd = fds[i],
		    .stale = has_queue(fds[i]) };
		ear->event = event_new(loop->base, fds[i],
		    EV_READ | EV_PERSIST, on_readable, ear);
		if (ear->event == NULL)
			abort();
	}
	set_events(l, true);
	return l;
}

void
listener_free(struct listener *l)
{
	if (l == NULL)
		return;
	for (size_t i = 0; i < l->count; i++) {
		event_free(l->ears[i].event);
		fd_close(&l->ears[i].fd);
	}
	event_free(l->rest);
	free(l);
}

void
listener_pause(struct listener *l)
{
	l->paused = true;
	set_events(l, false);
}

void
listener_resume(struct listener *l)
{
	if (!l->paused)
		return;
	l->paused = false;
	for (size_t i = 0; i < l->count; i++)
		l->ears[i].stale = has_queue(l->ears[i].fd);
	if (!evtimer_pending(l->rest, NULL))
		set_events(l, true);
}
