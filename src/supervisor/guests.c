/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "supervisor/guests.h"

#include <event2/event.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "base/episode.h"
#include "base/log.h"
#include "base/str.h"

struct guests {
	struct event_base *base;
	TAILQ_HEAD(, guest) list;	/* the oldest request first */
	unsigned count;
	size_t unread;			/* bytes of answers, of all */
	struct episode crowd;
	void (*on_cut)(void *arg);
	void *arg;
};

struct guest {
	struct guests *all;
	int fd;				/* borrowed */
	pid_t pid;			/* whose; 0: of another namespace */
	struct event *deadline;		/* of its request; not pending: it is
					   we who are waited for */
	size_t unread;			/* bytes of its answer, also those that
					   it has read already */
	TAILQ_ENTRY(guest) entry;
};

struct guests *
guests_new(struct event_base *base, void (*on_cut)(void *arg), void *arg)
{
	struct guests *all = mem_alloc(sizeof(*all));

	all->base = base;
	all->on_cut = on_cut;
	all->arg = arg;
	TAILQ_INIT(&all->list);
	return all;
}

void
guests_free(struct guests *all)
{
	free(all);
}

static void
cut(struct guest *g)
{
	struct guests *all = g->all;

	shutdown(g->fd, SHUT_RDWR);
	all->on_cut(all->arg);
}

static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	cut(arg);
}

static pid_t
peer_pid(int fd)
{
	struct ucred who = { 0 };
	socklen_t len = sizeof(who);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 ?
	    who.pid : 0;
}

struct guest *
guest_new(struct guests *all, int fd)
{
	struct guest *g = mem_alloc(sizeof(*g));

	g->all = all;
	g->fd = fd;
	g->pid = peer_pid(fd);
	if ((g->deadline = evtimer_new(all->base, on_deadline, g)) == NULL)
		abort();
	TAILQ_INSERT_TAIL(&all->list, g, entry);
	all->count++;
	guest_start_clock(g);
	return g;
}

void
guest_free(struct guest *g)
{
	guest_set_unread(g, 0);
	TAILQ_REMOVE(&g->all->list, g, entry);
	g->all->count--;
	event_free(g->deadline);
	free(g);
}

void
guest_start_clock(struct guest *g)
{
	struct timeval tv = { GUESTS_REQUEST_S, 0 };

	TAILQ_REMOVE(&g->all->list, g, entry);
	TAILQ_INSERT_TAIL(&g->all->list, g, entry);
	evtimer_add(g->deadline, &tv);
}

void
guest_stop_clock(struct guest *g)
{
	event_del(g->deadline);
}

/* How many connections has the process that has this one? */
static unsigned
count_siblings(const struct guest *of)
{
	const struct guest *g;
	unsigned n = 0;

	TAILQ_FOREACH(g, &of->all->list, entry)
		n += g->pid == of->pid ? 1 : 0;
	return n;
}

/* Who has to go, if one has to; NULL: they all wait for us. */
static struct guest *
find_slowest(const struct guests *all)
{
	struct guest *g, *found = NULL;
	unsigned most = 0;

	TAILQ_FOREACH(g, &all->list, entry) {
		unsigned n = count_siblings(g);

		if (n > most && evtimer_pending(g->deadline, NULL)) {
			most = n;
			found = g;
		}
	}
	return found;
}

bool
guests_make_room(struct guests *all)
{
	struct guest *g;

	if (all->count < GUESTS_MAX) {
		episode_ends(&all->crowd);
		return true;
	}
	if (episode_begins(&all->crowd))
		log_warn("the API has more than %d clients: the slowest are "
		    "cut off", GUESTS_MAX);
	if ((g = find_slowest(all)) != NULL)
		cut(g);
	return all->count < GUESTS_MAX;
}

bool
guest_can_afford(const struct guest *of, size_t size)
{
	const struct guest *g;

	if (size <= GUESTS_SMALL ||
	    of->all->unread + size <= GUESTS_UNREAD_MAX)
		return true;
	TAILQ_FOREACH(g, &of->all->list, entry)
		if (g->unread > 0 && g->pid == of->pid)
			return false;
	return true;
}

void
guest_set_unread(struct guest *g, size_t size)
{
	g->all->unread += size - g->unread;
	g->unread = size;
}
