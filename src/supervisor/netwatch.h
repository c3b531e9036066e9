/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SUPERVISOR_NETWATCH_H
#define HAWSER_SUPERVISOR_NETWATCH_H

#include <stdint.h>

struct event_base;

/*
 * netwatch: tells that the network may have changed, and that the machine, or
 * we alone, slept.
 *
 * Links, addresses, routes and rules: the kernel's rtnetlink(7) messages are
 * only taken as hints; whoever is told asks for what it wants to know (way.h).
 * So it does not matter that some were lost (ENOBUFS), and they need not even
 * be looked at: for NETWATCH_MS they pile up, then they are thrown away and
 * it is told once.
 *
 * Sleep: a timer of CLOCK_BOOTTIME, which runs on while the machine is
 * suspended, so that it fires at once on waking; each NETWATCH_TICK_MS, which
 * is all that an idle supervisor wakes up for here. It was a suspend if
 * CLOCK_MONOTONIC has stood still meanwhile. If it has not, but the timer is
 * late, we were stopped (SIGSTOP, the freezer, a paused virtual machine): that
 * is noticed for certain if it lasted NETWATCH_TICK_MS + NETWATCH_LATE_MS. Time
 * in which we were busy ourselves makes the timer late, too, and doesn't count.
 * CLOCK_REALTIME plays no part.
 */

#define NETWATCH_MS		100
#define NETWATCH_TICK_MS	5000
#define NETWATCH_LATE_MS	3000
#define NETWATCH_SUSPEND_MS	1000	/* the shortest that counts */

struct netwatch;

struct netwatch_ops {
	void (*on_change)(void *arg);
	void (*on_wake)(void *arg, int64_t slept_ms);
};

/*
 * New. Borrows ops; they are called from the loop. What the kernel refuses is
 * never told; the log says so.
 */
struct netwatch *netwatch_new(struct event_base *,
    const struct netwatch_ops *, void *arg);

void netwatch_free(struct netwatch *);		/* also NULL */

/* The clocks, in milliseconds. */
struct netwatch_time {
	int64_t monotonic;
	int64_t boot;
	int64_t cpu;		/* what this process has used */
};

/* The pure half: how long we slept between two ticks; 0: not. */
int64_t netwatch_slept(const struct netwatch_time *last,
    const struct netwatch_time *now);

#endif
