/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "supervisor/netwatch.h"

#include <errno.h>
#include <event2/event.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fdio.h"
#include "base/log.h"
#include "base/str.h"

static const int groups[] = {
	RTNLGRP_LINK,
	RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
	RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE,
	RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE,
};

struct netwatch {
	const struct netwatch_ops *ops;
	void *arg;
	int hints;			/* a netlink socket, or -1 */
	struct event *readable;		/* off while they pile up */
	struct event *tell;
	int timer;			/* -1: sleep goes unnoticed */
	struct event *tick;
	struct netwatch_time last;	/* of the last tick */
};

/* Changes */

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct netwatch *w = arg;
	struct timeval tv = { 0, NETWATCH_MS * 1000 };

	(void)fd;
	(void)what;
	evtimer_add(w->tell, &tv);
}

/* ENOBUFS is told once for many that were lost, and clears itself. */
static void
drain(int fd)
{
	char bytes[4096];	/* the rest of a longer one is cut */
	ssize_t n;

	do
		n = recv(fd, bytes, sizeof(bytes), 0);
	while (n > 0 || (n == -1 && (errno == ENOBUFS || errno == EINTR)));
}

static void
on_tell(evutil_socket_t fd, short what, void *arg)
{
	struct netwatch *w = arg;

	(void)fd;
	(void)what;
	/* First: what comes later will be told again. */
	drain(w->hints);
	event_add(w->readable, NULL);
	w->ops->on_change(w->arg);
}

/* The socket, or -1 with errno set. */
static int
open_hints(void)
{
	struct sockaddr_nl self = { .nl_family = AF_NETLINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    NETLINK_ROUTE);

	if (fd == -1)
		return -1;
	if (bind(fd, (struct sockaddr *)&self, sizeof(self)) == -1) {
		fd_close(&fd);
		return -1;
	}
	/* A kernel without IPv6 or rules has fewer. */
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP,
		    &groups[i], sizeof(groups[i]));
	return fd;
}

/* Sleep */

static struct netwatch_time
read_clocks(void)
{
	return (struct netwatch_time){ clock_now_ms(), clock_boot_ms(),
	    clock_cpu_ms() };
}

int64_t
netwatch_slept(const struct netwatch_time *last,
    const struct netwatch_time *now)
{
	int64_t gap = now->boot - last->boot;
	int64_t suspended = gap - (now->monotonic - last->monotonic);

	if (suspended >= NETWATCH_SUSPEND_MS)
		return suspended;
	gap -= now->cpu - last->cpu;
	return gap > NETWATCH_TICK_MS + NETWATCH_LATE_MS ?
	    gap - NETWATCH_TICK_MS : 0;
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct netwatch *w = arg;
	struct netwatch_time now = read_clocks();
	int64_t slept = netwatch_slept(&w->last, &now);
	uint64_t count;

	(void)what;
	w->last = now;
	if (read(fd, &count, sizeof(count)) == -1)
		return;
	if (slept > 0)
		w->ops->on_wake(w->arg, slept);
}

static int
open_timer(void)
{
	struct itimerspec s = {
		.it_interval.tv_sec = NETWATCH_TICK_MS / 1000,
		.it_value.tv_sec = NETWATCH_TICK_MS / 1000,
	};
	int fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);

	if (fd != -1)
		timerfd_settime(fd, 0, &s, NULL);
	return fd;
}

/* Both */

struct netwatch *
netwatch_new(struct event_base *base, const struct netwatch_ops *ops,
    void *arg)
{
	struct netwatch *w = mem_alloc(sizeof(*w));

	w->ops = ops;
	w->arg = arg;
	w->last = read_clocks();
	if ((w->hints = open_hints()) == -1)
		log_warn("changes of the network go unnoticed: there is no "
		    "netlink (is AF_NETLINK forbidden?) why=\"%s\"",
		    strerror(errno));
	if ((w->timer = open_timer()) == -1)
		log_warn("a resume from suspend goes unnoticed: there is no "
		    "timer why=\"%s\"", strerror(errno));
	w->tell = evtimer_new(base, on_tell, w);
	w->readable = event_new(base, w->hints, EV_READ, on_readable, w);
	w->tick = event_new(base, w->timer, EV_READ | EV_PERSIST, on_tick, w);
	if (w->tell == NULL || w->readable == NULL || w->tick == NULL)
		abort();
	if (w->hints != -1)
		event_add(w->readable, NULL);
	if (w->timer != -1)
		event_add(w->tick, NULL);
	return w;
}

void
netwatch_free(struct netwatch *w)
{
	if (w == NULL)
		return;
	event_free(w->readable);
	event_free(w->tell);
	event_free(w->tick);
	fd_close(&w->hints);
	fd_close(&w->timer);
	free(w);
}
