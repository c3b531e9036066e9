/* SPDX-License-Identifier: ISC */
#include "supervisor/pulse.h"

#include <event2/event.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"

struct pulse {
	int64_t interval_ms;
	int64_t due_ms;			/* of timer */
	struct event *timer;
	LIST_HEAD(, pulse_member) members;
};

static void
arm(struct pulse *p)
{
	struct timeval tv = { p->interval_ms / 1000,
	    p->interval_ms % 1000 * 1000 };

	p->due_ms = clock_now_ms() + p->interval_ms;
	evtimer_add(p->timer, &tv);
}

static void
judge(struct pulse_member *m, int64_t now)
{
	if (m->owed < PULSE_MISSES) {
		m->owed++;
		m->ask(m->arg);
		return;
	}
	pulse_leave(m);
	m->on_silent(m->arg, now - m->heard_ms);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct pulse *p = arg;
	int64_t now = clock_now_ms();
	bool is_late = now - p->due_ms > p->interval_ms / 2;
	struct pulse_member *m, *next;

	(void)fd;
	(void)what;
	if (is_late)
		log_debug("no worker is judged: we were late ourselves "
		    "late_ms=%lld", (long long)(now - p->due_ms));
	for (m = LIST_FIRST(&p->members); m != NULL; m = next) {
		next = LIST_NEXT(m, entry);
		if (is_late)
			m->owed = 0;
		judge(m, now);
	}
	if (!LIST_EMPTY(&p->members))
		arm(p);
}

struct pulse *
pulse_new(struct event_base *base, int interval_ms)
{
	struct pulse *p = mem_alloc(sizeof(*p));

	p->interval_ms = interval_ms;
	LIST_INIT(&p->members);
	if ((p->timer = evtimer_new(base, on_timer, p)) == NULL)
		abort();
	return p;
}

void
pulse_free(struct pulse *p)
{
	if (p == NULL)
		return;
	event_free(p->timer);
	free(p);
}

void
pulse_join(struct pulse *p, struct pulse_member *m)
{
	if (LIST_EMPTY(&p->members))
		arm(p);
	m->pulse = p;
	m->owed = 0;
	m->heard_ms = clock_now_ms();
	LIST_INSERT_HEAD(&p->members, m, entry);
}

void
pulse_leave(struct pulse_member *m)
{
	struct pulse *p = m->pulse;

	if (p == NULL)
		return;
	LIST_REMOVE(m, entry);
	m->pulse = NULL;
	if (LIST_EMPTY(&p->members))
		event_del(p->timer);
}

void
pulse_heard(struct pulse_member *m)
{
	m->owed = 0;
	m->heard_ms = clock_now_ms();
}
