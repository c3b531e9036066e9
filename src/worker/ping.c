/* SPDX-License-Identifier: ISC */
#include "worker/ping.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/str.h"
#include "ssh/connection.h"

/*
 * The first answer comes while sshd is still busy with the login: the next
 * one, so much later, has a truer round trip.
 */
#define SECOND_MS	1000
/* How often an answer that does not come is looked for. */
#define WATCH_MS	1000

struct ping {
	struct loop *loop;
	int64_t interval_ms;	/* 0: there are no pings */
	int64_t limit_ms;	/* of silence */
	uint64_t (*heard)(void *arg);
	const struct ping_ops *ops;
	void *arg;
	struct event *timer;	/* the next ping, or the next look */
	int64_t due;		/* when timer should fire */
	bool waiting;		/* for an answer */
	bool first;		/* no ping was answered yet */
	bool silent;		/* on_silent was called */
	int64_t sent;
	int64_t sent_us;
	int64_t rtt_us;		/* of the last answer */
	int64_t alive;		/* when something was heard last */
	int64_t asked;		/* by ping_now(), unanswered; 0: not */
	int64_t asked_ms;	/* how long the answer to that may take */
	uint64_t mark;		/* heard() at that time */
};

static void
set_timer(struct ping *p, int64_t ms)
{
	p->due = clock_now_ms() + ms;
	loop_timer_set(p->timer, ms);
}

static void
end_silence(struct ping *p)
{
	if (!p->silent)
		return;
	p->silent = false;
	p->ops->on_back(p->arg);
}

static void
on_answer(void *arg, bool ok, uint32_t port)
{
	struct ping *p = arg;

	(void)ok;		/* even a refusal proves life */
	(void)port;
	p->waiting = false;
	p->asked = 0;
	p->alive = clock_now_ms();
	p->rtt_us = clock_now_us() - p->sent_us;
	if (p->interval_ms > 0)
		set_timer(p, p->first && p->interval_ms > SECOND_MS ?
		    SECOND_MS : p->interval_ms);
	else
		event_del(p->timer);
	p->first = false;
	end_silence(p);
	p->ops->on_rtt(p->arg, p->rtt_us);
}

/* When the silence becomes a loss. */
static int64_t
limit(const struct ping *p)
{
	int64_t at = p->interval_ms > 0 ? p->alive + p->limit_ms : INT64_MAX;

	if (p->asked != 0 && p->asked + p->asked_ms < at)
		at = p->asked + p->asked_ms;
	return at;
}

/* The next look: soon, but not after the limit. */
static void
set_watch(struct ping *p)
{
	int64_t left = limit(p) - clock_now_ms();

	set_timer(p, left < WATCH_MS ? (left > 0 ? left : 0) : WATCH_MS);
}

static void
send_ping(struct ping *p)
{
	p->waiting = true;
	p->sent = clock_now_ms();
	p->sent_us = clock_now_us();
	p->mark = p->heard(p->arg);
	/* At least the grace is left for the answer, with any count. */
	if (p->alive + p->limit_ms < p->sent + PING_GRACE_MS)
		p->alive = p->sent + PING_GRACE_MS - p->limit_ms;
	set_watch(p);
	connection_ping(p->loop->connection, on_answer, p);
}

static bool
is_late(const struct ping *p, int64_t now)
{
	int64_t patience = p->rtt_us * 4 / 1000;

	if (patience < PING_PATIENCE_MS)
		patience = PING_PATIENCE_MS;
	return now - p->sent >= patience;
}

static void
watch(struct ping *p)
{
	int64_t now = clock_now_ms();
	uint64_t heard = p->heard(p->arg);

	if (heard != p->mark) {
		p->mark = heard;
		p->alive = now;
		p->asked = 0;
	} else if (now - p->due > WATCH_MS) {
		/* We were stopped: that was not the server's silence. */
		p->alive += now - p->due;
		if (p->asked != 0)
			p->asked += now - p->due;
	}
	if (now >= limit(p)) {
		p->ops->on_lost(p->arg, now - (p->asked > p->alive ?
		    p->asked : p->alive));
		return;
	}
	if (!p->silent && p->alive != now && is_late(p, now)) {
		p->silent = true;
		p->ops->on_silent(p->arg);
	}
	set_watch(p);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct ping *p = arg;

	(void)fd;
	(void)what;
	if (p->waiting)
		watch(p);
	else
		send_ping(p);
}

static void
set_limits(struct ping *p, int interval_s, int count)
{
	p->interval_ms = (int64_t)interval_s * 1000;
	p->limit_ms = p->interval_ms * count + PING_GRACE_MS;
}

struct ping *
ping_new(struct loop *l, int interval_s, int count,
    uint64_t (*heard)(void *arg), const struct ping_ops *ops, void *arg)
{
	struct ping *p = mem_alloc(sizeof(*p));

	p->loop = l;
	set_limits(p, interval_s, count);
	p->heard = heard;
	p->ops = ops;
	p->arg = arg;
	p->alive = clock_now_ms();
	p->first = true;
	if ((p->timer = evtimer_new(l->base, on_timer, p)) == NULL)
		abort();
	if (interval_s > 0)
		send_ping(p);
	return p;
}

void
ping_set(struct ping *p, int interval_s, int count)
{
	int64_t now = clock_now_ms();

	set_limits(p, interval_s, count);
	if (interval_s == 0) {
		p->asked = 0;
		event_del(p->timer);
		end_silence(p);
		return;
	}
	if (p->alive < now - p->interval_ms)
		p->alive = now - p->interval_ms;
	if (p->waiting)
		set_watch(p);
	else
		set_timer(p, p->alive + p->interval_ms - now);
}

void
ping_now(struct ping *p, int ms)
{
	int64_t now = clock_now_ms();
	uint64_t heard = p->heard(p->arg);

	if (heard != p->mark)
		p->alive = now;
	p->mark = heard;
	/*
	 * An old silence, or one of our own, leaves the whole time; but who is
	 * asked again and again has no more than the limit.
	 */
	if ((p->asked == 0 || now - p->due > WATCH_MS) &&
	    p->alive + p->limit_ms < now + ms)
		p->alive = now + ms - p->limit_ms;
	p->asked = now;
	p->asked_ms = ms;
	/* A question that is open will do: TCP repeats what was lost. */
	if (p->waiting)
		set_watch(p);
	else
		send_ping(p);
}

void
ping_free(struct ping *p)
{
	if (p == NULL)
		return;
	event_free(p->timer);
	free(p);
}
