/* SPDX-License-Identifier: ISC */
#include "worker/report.h"

#include <event2/event.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fdio.h"
#include "base/log.h"
#include "base/str.h"

struct queued {
	enum message_name name;
	json_t *body;
	size_t size;		/* bytes of JSON */
	STAILQ_ENTRY(queued) link;
};

struct report {
	int sock;
	bool dead;		/* the supervisor is gone */
	STAILQ_HEAD(, queued) queue;
	size_t queue_size;	/* bytes */
	size_t dropped;
	TAILQ_HEAD(, report_gauge) changed;
	int64_t next_gauges;	/* not before this clock_now_ms() */
	struct event *writable;
	struct event *timer;
};

struct report *
report_new(int sock)
{
	struct report *r = mem_alloc(sizeof(*r));

	r->sock = sock;
	STAILQ_INIT(&r->queue);
	TAILQ_INIT(&r->changed);
	fd_set_nonblock(sock, 1);
	return r;
}

static void
drop_oldest(struct report *r)
{
	struct queued *q = STAILQ_FIRST(&r->queue);

	STAILQ_REMOVE_HEAD(&r->queue, link);
	r->queue_size -= q->size;
	json_decref(q->body);
	free(q);
}

void
report_free(struct report *r)
{
	if (r == NULL)
		return;
	report_stop(r);
	while (!STAILQ_EMPTY(&r->queue))
		drop_oldest(r);
	free(r);
}

static void
wait_writable(struct report *r)
{
	if (r->writable != NULL)
		event_add(r->writable, NULL);
}

/* True if it went, or never will. */
static bool
send_now(struct report *r, enum message_name name, json_t *body)
{
	struct err err;

	if (r->dead)
		return true;
	json_incref(body);
	if (message_send(r->sock, name, body, NULL, 0, &err) == 0)
		return true;
	if (err.code == ERR_AGAIN)
		return false;
	if (err.code == ERR_CLOSED)
		r->dead = true;
	else
		log_warn("a fact was not sent: %s", err.text);
	return true;
}

static void
enqueue(struct report *r, enum message_name name, json_t *body)
{
	struct queued *q = mem_alloc(sizeof(*q));

	q->name = name;
	q->body = json_incref(body);
	q->size = json_dumpb(body, NULL, 0, JSON_COMPACT);
	STAILQ_INSERT_TAIL(&r->queue, q, link);
	r->queue_size += q->size;
	while (r->queue_size > REPORT_QUEUE_MAX) {
		if (r->dropped++ == 0)
			log_warn("the supervisor does not read: "
			    "old facts are dropped");
		drop_oldest(r);
	}
	wait_writable(r);
}

/* True if the queue is empty now. */
static bool
send_queue(struct report *r)
{
	struct queued *q;

	while ((q = STAILQ_FIRST(&r->queue)) != NULL) {
		if (!send_now(r, q->name, q->body))
			return false;
		drop_oldest(r);
	}
	r->dropped = 0;
	return true;
}

void
report_fact(struct report *r, enum message_name name, json_t *body)
{
	if (!send_queue(r) || !send_now(r, name, body))
		enqueue(r, name, body);
	json_decref(body);
}

bool
report_minor(struct report *r, enum message_name name, json_t *body)
{
	if (!send_queue(r) && r->queue_size > REPORT_MINOR_MAX) {
		json_decref(body);
		return false;
	}
	report_fact(r, name, body);
	return true;
}

void
report_phase(struct report *r, enum phase phase)
{
	report_fact(r, FACT_PHASE, json_pack("{s:s}", "phase",
	    phase_name(phase)));
}

void
report_end(struct report *r, const struct ending *e, int ms)
{
	struct pollfd p = { .fd = r->sock, .events = POLLOUT };
	int64_t deadline = clock_now_ms() + ms;
	json_t *body = json_pack("{s:s, s:s}", "class",
	    end_class_name(e->class), "text", e->text);

	if (e->host_key != NULL)
		json_object_set(body, "host_key", e->host_key);
	if (e->silent_ms >= 0)
		json_object_set_new(body, "silent_ms",
		    json_integer(e->silent_ms));
	enqueue(r, FACT_END, body);
	json_decref(body);
	while (!send_queue(r)) {
		int64_t left = deadline - clock_now_ms();

		if (left <= 0 || poll(&p, 1, (int)left) == 0)
			return;
	}
}

static void
arm_gauges(struct report *r)
{
	int64_t wait = r->next_gauges - clock_now_ms();
	struct timeval tv;

	if (r->timer == NULL || evtimer_pending(r->timer, NULL))
		return;
	if (wait < 0)
		wait = 0;
	tv.tv_sec = wait / 1000;
	tv.tv_usec = wait % 1000 * 1000;
	evtimer_add(r->timer, &tv);
}

static bool
send_gauge(struct report *r, struct report_gauge *g)
{
	json_t *body = g->encode(g->arg);
	bool sent = send_now(r, g->name, body);

	json_decref(body);
	if (sent) {
		g->changed = false;
		TAILQ_REMOVE(&r->changed, g, link);
	}
	return sent;
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct report *r = arg;
	struct report_gauge *g;

	(void)fd;
	(void)what;
	if (!send_queue(r)) {
		wait_writable(r);
		return;
	}
	while ((g = TAILQ_FIRST(&r->changed)) != NULL)
		if (!send_gauge(r, g)) {
			wait_writable(r);
			return;
		}
	r->next_gauges = clock_now_ms() + REPORT_GAUGE_MS;
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct report *r = arg;

	(void)fd;
	(void)what;
	if (!send_queue(r))
		wait_writable(r);
	else if (!TAILQ_EMPTY(&r->changed))
		arm_gauges(r);
}

void
report_start(struct report *r, struct event_base *base)
{
	r->writable = event_new(base, r->sock, EV_WRITE, on_writable, r);
	r->timer = evtimer_new(base, on_timer, r);
	if (r->writable == NULL || r->timer == NULL)
		abort();
	if (!send_queue(r))
		wait_writable(r);
	if (!TAILQ_EMPTY(&r->changed))
		arm_gauges(r);
}

void
report_stop(struct report *r)
{
	if (r->writable != NULL)
		event_free(r->writable);
	if (r->timer != NULL)
		event_free(r->timer);
	r->writable = NULL;
	r->timer = NULL;
}

void
report_touch(struct report *r, struct report_gauge *g)
{
	if (g->changed)
		return;
	g->changed = true;
	TAILQ_INSERT_TAIL(&r->changed, g, link);
	arm_gauges(r);
}

void
report_forget(struct report *r, struct report_gauge *g)
{
	if (!g->changed)
		return;
	if (STAILQ_EMPTY(&r->queue) && send_gauge(r, g))
		return;
	g->changed = false;
	TAILQ_REMOVE(&r->changed, g, link);
}
