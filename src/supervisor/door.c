/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "supervisor/door.h"

#include <errno.h>
#include <event2/event.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/episode.h"
#include "base/fdio.h"
#include "base/log.h"
#include "base/str.h"

#define PAUSE_S	1

struct door {
	int sock;
	struct event *acceptable;
	struct event *resume;		/* accepting pauses */
	struct episode shortage;
	struct episode strangers;
	bool has_group;
	gid_t group;			/* whose members may come in */
	void (*enter)(void *arg, int fd);
	void *arg;
};

/* Is the group among those that the peer has besides its first one? */
static bool
has_group(int fd, gid_t group)
{
	socklen_t len = 64 * sizeof(gid_t);
	gid_t *groups = mem_alloc(len);
	int rc = getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len);
	bool found = false;

	if (rc == -1 && errno == ERANGE) {	/* len is what it takes */
		groups = mem_grow(groups, 1, len);
		rc = getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len);
	}
	for (size_t i = 0; rc == 0 && i < len / sizeof(gid_t); i++)
		found = found || groups[i] == group;
	free(groups);
	return found;
}

static bool
is_allowed(struct door *d, int fd)
{
	struct ucred who;
	socklen_t len = sizeof(who);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == -1)
		return false;
	if (who.uid == geteuid() || who.uid == 0)
		return true;
	if (d->has_group && (who.gid == d->group || has_group(fd, d->group)))
		return true;
	if (episode_begins(&d->strangers))
		log_warn("a stranger was turned away from the API uid=%ld "
		    "pid=%ld", (long)who.uid, (long)who.pid);
	/* Each is one of its own; but a line a minute will do. */
	episode_ends(&d->strangers);
	return false;
}

static void
pause_accepting(struct door *d)
{
	struct timeval tv = { PAUSE_S, 0 };

	if (episode_begins(&d->shortage))
		log_warn("the API cannot accept for now why=\"%s\"",
		    strerror(errno));
	event_del(d->acceptable);
	evtimer_add(d->resume, &tv);
}

static void
on_acceptable(evutil_socket_t sock, short what, void *arg)
{
	struct door *d = arg;
	int fd;

	(void)what;
	fd = accept4(sock, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd == -1) {
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
		    errno == ENOBUFS)
			pause_accepting(d);
		return;
	}
	if (episode_ends(&d->shortage))
		log_info("the API accepts again");
	if (is_allowed(d, fd))
		d->enter(d->arg, fd);
	else
		fd_close(&fd);
}

static void
on_resume(evutil_socket_t fd, short what, void *arg)
{
	struct door *d = arg;

	(void)fd;
	(void)what;
	event_add(d->acceptable, NULL);
}

struct door *
door_new(struct event_base *base, int sock, void (*enter)(void *arg, int fd),
    void *arg)
{
	struct door *d = mem_alloc(sizeof(*d));

	d->sock = sock;
	d->enter = enter;
	d->arg = arg;
	d->acceptable = event_new(base, sock, EV_READ | EV_PERSIST,
	    on_acceptable, d);
	d->resume = evtimer_new(base, on_resume, d);
	if (d->acceptable == NULL || d->resume == NULL ||
	    event_add(d->acceptable, NULL) == -1) {
		door_free(d);
		return NULL;
	}
	return d;
}

void
door_set_group(struct door *d, const gid_t *group)
{
	d->has_group = group != NULL;
	d->group = group != NULL ? *group : 0;
}

void
door_free(struct door *d)
{
	if (d == NULL)
		return;
	if (d->acceptable != NULL)
		event_free(d->acceptable);
	if (d->resume != NULL)
		event_free(d->resume);
	fd_close(&d->sock);
	free(d);
}
