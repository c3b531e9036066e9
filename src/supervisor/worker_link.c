/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "supervisor/worker_link.h"

#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "base/clock.h"
#include "base/fdio.h"
#include "base/str.h"

/*
 * One turn of a link: so many messages, or so long, whichever is over first.
 * If there are more the link rests, for a child that never stops talking shall
 * not keep the others waiting, nor a processor busy.
 */
#define TURN_COUNT	64
#define TURN_MS		5
#define REST_MS		10

struct queued {
	enum message_name name;
	json_t *body;
	int *fds;		/* copies of ours */
	size_t fd_count;
	STAILQ_ENTRY(queued) entry;
};

struct worker_link {
	int sock;
	enum message_sender peer;
	const struct worker_link_ops *ops;
	void *arg;
	struct event *readable;
	struct event *writable;
	struct event *rested;
	STAILQ_HEAD(, queued) queue;
	size_t queue_len;
	bool dead;
	unsigned busy;		/* depth of calls that still use it */
	bool freed;		/* free it when they have returned */
};

static void
queued_free(struct queued *q)
{
	for (size_t i = 0; i < q->fd_count; i++)
		fd_close(&q->fds[i]);
	free(q->fds);
	json_decref(q->body);
	free(q);
}

static void
release(struct worker_link *l)
{
	struct queued *q;

	while ((q = STAILQ_FIRST(&l->queue)) != NULL) {
		STAILQ_REMOVE_HEAD(&l->queue, entry);
		queued_free(q);
	}
	event_free(l->readable);
	event_free(l->writable);
	event_free(l->rested);
	fd_close(&l->sock);
	free(l);
}

static void
enter(struct worker_link *l)
{
	l->busy++;
}

static void
leave(struct worker_link *l)
{
	if (--l->busy == 0 && l->freed)
		release(l);
}

static void
die(struct worker_link *l, const struct err *err)
{
	if (l->dead)
		return;
	l->dead = true;
	event_del(l->readable);
	event_del(l->writable);
	event_del(l->rested);
	if (!l->freed)
		l->ops->on_dead(l->arg, err);
}

/* One turn: true if there may be more to read. */
static bool
receive(struct worker_link *l)
{
	int64_t end = clock_now_ms() + TURN_MS;
	struct message m;
	struct err err;

	for (int n = 0; n < TURN_COUNT && clock_now_ms() < end; n++) {
		int rc = message_recv(l->sock, l->peer, &m, &err);

		if (rc == 1) {
			l->ops->on_message(l->arg, &m);
			message_fini(&m);
			if (l->dead || l->freed)
				return false;
			continue;
		}
		if (rc == -1 && err.code == ERR_AGAIN)
			return false;
		message_fini(&m);
		if (rc == 0)
			err_set(&err, ERR_CLOSED, "it closed its socket");
		die(l, &err);
		return false;
	}
	return true;
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct worker_link *l = arg;
	struct timeval tv = { 0, REST_MS * 1000 };

	(void)fd;
	(void)what;
	enter(l);
	if (receive(l)) {
		event_del(l->readable);
		evtimer_add(l->rested, &tv);
	}
	leave(l);
}

static void
on_rested(evutil_socket_t fd, short what, void *arg)
{
	struct worker_link *l = arg;

	(void)fd;
	(void)what;
	event_add(l->readable, NULL);
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct worker_link *l = arg;
	struct queued *q;
	struct err err;

	(void)fd;
	(void)what;
	enter(l);
	while ((q = STAILQ_FIRST(&l->queue)) != NULL) {
		if (message_send(l->sock, q->name, json_incref(q->body),
		    q->fds, q->fd_count, &err) == -1)
			break;
		STAILQ_REMOVE_HEAD(&l->queue, entry);
		l->queue_len--;
		queued_free(q);
	}
	if (q == NULL)
		event_del(l->writable);
	else if (err.code != ERR_AGAIN && err.code != ERR_CLOSED)
		die(l, &err);
	else if (err.code == ERR_CLOSED)
		/* Its last words may still be there: the reader tells. */
		event_del(l->writable);
	leave(l);
}

struct worker_link *
worker_link_new(struct event_base *base, int sock, enum message_sender peer,
    const struct worker_link_ops *ops, void *arg)
{
	struct worker_link *l = mem_alloc(sizeof(*l));

	l->sock = sock;
	l->peer = peer;
	l->ops = ops;
	l->arg = arg;
	STAILQ_INIT(&l->queue);
	fd_set_nonblock(sock, 1);
	l->readable = event_new(base, sock, EV_READ | EV_PERSIST, on_readable,
	    l);
	l->writable = event_new(base, sock, EV_WRITE | EV_PERSIST,
	    on_writable, l);
	l->rested = evtimer_new(base, on_rested, l);
	if (l->readable == NULL || l->writable == NULL || l->rested == NULL ||
	    event_priority_set(l->readable, 0) == -1 ||
	    event_add(l->readable, NULL) == -1)
		abort();
	return l;
}

void
worker_link_free(struct worker_link *l)
{
	if (l == NULL)
		return;
	l->freed = true;
	event_del(l->readable);
	event_del(l->writable);
	event_del(l->rested);
	if (l->busy == 0)
		release(l);
}

/* A message that is lost would be missed: better no link than that. */
static void
give_up(struct worker_link *l, const struct err *err)
{
	enter(l);
	die(l, err);
	leave(l);
}

/* Takes body. 0, or -1 with err set. */
static int
enqueue(struct worker_link *l, enum message_name name, json_t *body,
    const int *fds, size_t fd_count, struct err *err)
{
	struct queued *q = mem_alloc(sizeof(*q));

	q->name = name;
	q->body = body;
	q->fds = mem_alloc(fd_count * sizeof(*q->fds));
	for (; q->fd_count < fd_count; q->fd_count++) {
		int fd = fcntl(fds[q->fd_count], F_DUPFD_CLOEXEC, 0);

		if (fd == -1) {
			err_sys(err, "cannot keep a descriptor for it");
			queued_free(q);
			return -1;
		}
		q->fds[q->fd_count] = fd;
	}
	STAILQ_INSERT_TAIL(&l->queue, q, entry);
	l->queue_len++;
	event_add(l->writable, NULL);
	return 0;
}

void
worker_link_send(struct worker_link *l, enum message_name name, json_t *body,
    const int *fds, size_t fd_count)
{
	struct err err = { .code = ERR_AGAIN };

	if (l->dead) {
		json_decref(body);
		return;
	}
	if (l->queue_len >= WORKER_LINK_QUEUE_MAX) {
		json_decref(body);
		err_set(&err, ERR_TIMEOUT, "it reads no messages");
		give_up(l, &err);
		return;
	}
	if (STAILQ_EMPTY(&l->queue) && message_send(l->sock, name,
	    json_incref(body), fds, fd_count, &err) == 0) {
		json_decref(body);
		return;
	}
	if (err.code != ERR_AGAIN)
		json_decref(body);
	else if (enqueue(l, name, body, fds, fd_count, &err) == 0)
		return;
	/* Its last words may still be there: the reader tells of an end. */
	if (err.code != ERR_CLOSED)
		give_up(l, &err);
}

void
worker_link_drain(struct worker_link *l)
{
	enter(l);
	while (!l->dead && !l->freed && receive(l))
		continue;
	leave(l);
}
