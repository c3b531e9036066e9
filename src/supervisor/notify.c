/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "supervisor/notify.h"

#include <event2/event.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#ifdef HAWSER_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "supervisor/notice.h"
#include "supervisor/notify_line.h"
#include "supervisor/view.h"

/* The status line is told no oftener than this. */
#define STATUS_MS	1000

struct notify {
	struct notify_line *manager;	/* NULL: nobody listens */
	struct event *watchdog;		/* NULL: there is none */
	struct event *status;		/* pending: it may read otherwise */
	int64_t told_ms;		/* the status line, last; 0: never */
	char *line;			/* what it read */
	bool ready;
	bool stopping;
	unsigned reloads;		/* under way */
	struct notices *notices;	/* NULL: notify_follow() comes later */
	const struct host_table *table;
	const struct reload *reload;
};

#ifdef HAWSER_SYSTEMD

static struct notify_line *
find_manager(struct event_base *base)
{
	return notify_line_new(base);
}

static uint64_t
watchdog_us(void)
{
	uint64_t us = 0;

	return sd_watchdog_enabled(0, &us) > 0 ? us : 0;
}

struct notify_fd *
notify_take_fds(size_t *count)
{
	char **names = NULL;
	int n = sd_listen_fds_with_names(1, &names);
	struct notify_fd *fds;

	*count = n > 0 ? (size_t)n : 0;
	fds = mem_alloc((*count + 1) * sizeof(*fds));
	for (size_t i = 0; i < *count; i++)
		fds[i] = (struct notify_fd){ SD_LISTEN_FDS_START + (int)i,
		    names[i] };
	free(names);
	return fds;
}

#else

static struct notify_line *
find_manager(struct event_base *base)
{
	(void)base;
	return NULL;
}

static uint64_t
watchdog_us(void)
{
	return 0;
}

struct notify_fd *
notify_take_fds(size_t *count)
{
	*count = 0;
	return mem_alloc(sizeof(struct notify_fd));
}

#endif

/* A line of the protocol; nothing in it begins another one. */
static void
tell(const struct notify *n, const char *head, const char *line)
{
	char *text;

	if (n->manager == NULL)
		return;
	text = str_dupf("%s%s%s", head, line != NULL ? "STATUS=" : "",
	    line != NULL ? line : "");
	if (line != NULL)
		for (char *p = text + strlen(head); *p != '\0'; p++)
			if (*p == '\n')
				*p = ' ';
	notify_line_send(n->manager, text, -1);
	free(text);
}

/* New: what the status line reads now. */
static char *
read_line(const struct notify *n)
{
	struct reload_info info = reload_info(n->reload);
	struct str s;

	str_init(&s);
	view_summary(n->table, &info, &s);
	return str_take(&s);
}

/* Tells head, and the status line with it; it alone only if it is another. */
static void
tell_status(struct notify *n, const char *head)
{
	char *line = read_line(n);

	if (head != NULL || !str_equal(line, n->line)) {
		tell(n, head != NULL ? head : "", line);
		n->told_ms = clock_now_ms();
	}
	free(n->line);
	n->line = line;
}

static void
on_status(evutil_socket_t fd, short what, void *arg)
{
	struct timeval later = { STATUS_MS / 1000, STATUS_MS % 1000 * 1000 };
	struct notify *n = arg;

	(void)fd;
	(void)what;
	/* Who hears nothing now need not hear all of it later. */
	if (n->manager != NULL && notify_line_is_behind(n->manager))
		evtimer_add(n->status, &later);
	else
		tell_status(n, NULL);
}

/* What happens together, and within a second of the last, is told together. */
static void
on_notice(void *arg, const struct notice *what)
{
	struct notify *n = arg;
	int64_t wait = n->told_ms + STATUS_MS - clock_now_ms();
	struct timeval tv = { 0, 0 };

	(void)what;
	if (!n->ready || n->stopping || evtimer_pending(n->status, NULL))
		return;
	if (wait > 0)
		tv = (struct timeval){ wait / 1000, wait % 1000 * 1000 };
	evtimer_add(n->status, &tv);
}

static void
on_watchdog(evutil_socket_t fd, short what, void *arg)
{
	const struct notify *n = arg;

	(void)fd;
	(void)what;
	/* What waits is news enough of us. */
	if (n->manager != NULL && !notify_line_is_behind(n->manager))
		tell(n, "WATCHDOG=1", NULL);
}

static void
start_watchdog(struct notify *n, struct event_base *base)
{
	uint64_t us = watchdog_us() / 2;
	struct timeval tv = { (time_t)(us / 1000000),
	    (suseconds_t)(us % 1000000) };

	if (us == 0)
		return;
	n->watchdog = event_new(base, -1, EV_PERSIST, on_watchdog, n);
	if (n->watchdog == NULL || event_add(n->watchdog, &tv) == -1)
		abort();
	log_debug("the service manager's watchdog is told every_ms=%" PRIu64,
	    us / 1000);
}

struct notify *
notify_new(struct event_base *base)
{
	struct notify *n = mem_alloc(sizeof(*n));

	n->manager = find_manager(base);
	if ((n->status = evtimer_new(base, on_status, n)) == NULL)
		abort();
	start_watchdog(n, base);
	return n;
}

void
notify_free(struct notify *n)
{
	if (n == NULL)
		return;
	if (n->notices != NULL)
		notices_leave(n->notices, on_notice, n);
	if (n->watchdog != NULL)
		event_free(n->watchdog);
	event_free(n->status);
	notify_line_free(n->manager);
	free(n->line);
	free(n);
}

bool
notify_is_heard(const struct notify *n)
{
	return n->manager != NULL;
}

void
notify_follow(struct notify *n, struct notices *notices,
    const struct host_table *table, const struct reload *reload)
{
	n->table = table;
	n->reload = reload;
	if (n->manager == NULL)
		return;
	n->notices = notices;
	notices_join(notices, on_notice, n);
}

void
notify_ready(struct notify *n)
{
	n->ready = true;
	tell_status(n, "READY=1\n");
}

void
notify_reloading(struct notify *n)
{
	char *text;

	n->reloads++;
	if (!n->ready || n->stopping)
		return;
	/* After the signal that asked for it, as Type=notify-reload wants. */
	text = str_dupf("RELOADING=1\nMONOTONIC_USEC=%lld",
	    (long long)clock_now_us());
	tell(n, text, NULL);
	free(text);
}

void
notify_reloaded(struct notify *n)
{
	if (--n->reloads == 0 && n->ready && !n->stopping)
		tell_status(n, "READY=1\n");
}

void
notify_stopping(struct notify *n)
{
	n->stopping = true;
	event_del(n->status);
	tell(n, "STOPPING=1\n", "stopping");
}

void
notify_failed(struct notify *n, const char *why)
{
	tell(n, "", why);
}

void
notify_store(struct notify *n, int fd, const char *name)
{
	char *text;

	if (n->manager == NULL)
		return;
	/* FDPOLL=0: a socket that is in a bad way is for us to find out. */
	text = str_dupf("FDSTORE=1\nFDPOLL=0\nFDNAME=%s", name);
	notify_line_send(n->manager, text, fd);
	free(text);
}

void
notify_unstore(struct notify *n, const char *name)
{
	char *text;

	if (n->manager == NULL)
		return;
	text = str_dupf("FDSTOREREMOVE=1\nFDNAME=%s", name);
	notify_line_send(n->manager, text, -1);
	free(text);
}
