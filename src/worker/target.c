/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "worker/target.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/str.h"
#include "worker/lookup.h"

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_un unix_path;
};

struct target {
	struct loop *loop;
	struct endpoint endpoint;
	char *name;			/* "host:port", for sentences */
	target_done *done;
	void *arg;
	struct lookup_request *lookup;
	struct event *event;		/* the connect going on, or the turn */
	int fd;
	struct err why;			/* of the address tried last */
	size_t count;
	size_t next;			/* address to try next */
	union address addresses[LOOKUP_ADDRESSES_MAX];
};

static socklen_t
address_len(const union address *a)
{
	if (a->any.sa_family == AF_INET)
		return sizeof(a->v4);
	if (a->any.sa_family == AF_INET6)
		return sizeof(a->v6);
	return sizeof(a->unix_path);
}

/* Adds a literal; false if it is none, or there are too many. */
static bool
add_literal(struct target *t, const char *text)
{
	union address *a = &t->addresses[t->count];

	if (t->count == LOOKUP_ADDRESSES_MAX)
		return false;
	memset(a, 0, sizeof(*a));
	if (inet_pton(AF_INET, text, &a->v4.sin_addr) == 1) {
		a->v4.sin_family = AF_INET;
		a->v4.sin_port = htons(t->endpoint.port);
	} else if (inet_pton(AF_INET6, text, &a->v6.sin6_addr) == 1) {
		a->v6.sin6_family = AF_INET6;
		a->v6.sin6_port = htons(t->endpoint.port);
	} else {
		return false;
	}
	t->count++;
	return true;
}

static void
add_path(struct target *t, const char *path)
{
	struct sockaddr_un *un = &t->addresses[0].unix_path;

	memset(un, 0, sizeof(*un));
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, path, strlen(path) + 1);
	t->count = 1;
}

void
target_free(struct target *t)
{
	if (t == NULL)
		return;
	if (t->lookup != NULL)
		lookup_cancel(t->lookup);
	if (t->event != NULL)
		event_free(t->event);
	fd_close(&t->fd);
	endpoint_fini(&t->endpoint);
	free(t->name);
	free(t);
}

static void
finish(struct target *t, int fd)
{
	target_done *done = t->done;
	void *arg = t->arg;
	struct err why = t->why;

	t->fd = -1;
	target_free(t);
	done(arg, fd, fd == -1 ? &why : NULL);
}

static void
explain(struct target *t, int error)
{
	if (error == ECONNREFUSED)
		err_set(&t->why, ERR_REFUSED, "%s refused the connection",
		    t->name);
	else if (error == ETIMEDOUT)
		err_set(&t->why, ERR_TIMEOUT, "%s did not answer", t->name);
	else {
		errno = error;
		err_sys(&t->why, "%s cannot be reached", t->name);
	}
}

static void on_connect(evutil_socket_t, short, void *);

/* Has the loop call on_connect when fd is connected or has failed. */
static void
wait_connect(struct target *t)
{
	struct timeval tv = { .tv_sec = TARGET_DEADLINE_MS / 1000 };

	if (t->event != NULL)
		event_free(t->event);
	t->event = event_new(t->loop->base, t->fd, EV_WRITE, on_connect, t);
	if (t->event == NULL)
		abort();
	event_add(t->event, &tv);
}

/* 0 if the connect is done or under way, else an errno. */
static int
try_address(struct target *t, const union address *a)
{
	int one = 1, error;

	t->fd = socket(a->any.sa_family,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (t->fd == -1)
		return errno;
	if (a->any.sa_family != AF_UNIX)
		setsockopt(t->fd, IPPROTO_TCP, TCP_NODELAY, &one,
		    sizeof(one));
	if (connect(t->fd, &a->any, address_len(a)) == 0 ||
	    errno == EINPROGRESS)
		return 0;
	error = errno;
	fd_close(&t->fd);
	return error;
}

static void
try_next(struct target *t)
{
	while (t->next < t->count) {
		int error = try_address(t, &t->addresses[t->next++]);

		if (error == 0) {
			wait_connect(t);
			return;
		}
		explain(t, error);
	}
	finish(t, -1);
}

static void
on_connect(evutil_socket_t fd, short what, void *arg)
{
	struct target *t = arg;
	int error = ETIMEDOUT;
	socklen_t len = sizeof(error);

	if (what & EV_WRITE)
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
	if (error == 0) {
		finish(t, t->fd);
		return;
	}
	explain(t, error);
	fd_close(&t->fd);
	try_next(t);
}

static void
on_addresses(void *arg, const char *const *addresses, size_t count,
    const char *why)
{
	struct target *t = arg;

	t->lookup = NULL;
	for (size_t i = 0; i < count; i++)
		add_literal(t, addresses[i]);
	if (t->count == 0)
		err_set(&t->why, ERR_NOTFOUND, "%s cannot be resolved: %s",
		    t->endpoint.host, why);
	try_next(t);
}

/* Everything failed at once: say so when the loop turns. */
static void
on_turn(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	try_next(arg);
}

struct target *
target_dial(struct loop *l, const struct endpoint *endpoint,
    target_done *done, void *arg)
{
	struct target *t = mem_alloc(sizeof(*t));
	const char *host = endpoint->host != NULL ? endpoint->host :
	    "localhost";
	struct str name;
	int error = ENOENT;

	t->loop = l;
	t->done = done;
	t->arg = arg;
	t->fd = -1;
	endpoint_copy(&t->endpoint, endpoint);
	str_init(&name);
	endpoint_format(endpoint, &name);
	t->name = str_take(&name);
	if (endpoint->kind == ENDPOINT_UNIX) {
		add_path(t, host);
	} else if (strcasecmp(host, "localhost") == 0) {
		add_literal(t, "127.0.0.1");
		add_literal(t, "::1");
	} else if (!add_literal(t, host)) {
		t->lookup = lookup_start(l->lookup, host, on_addresses, t);
		return t;
	}
	error = try_address(t, &t->addresses[t->next++]);
	if (error == 0) {
		wait_connect(t);
		return t;
	}
	explain(t, error);
	if ((t->event = evtimer_new(l->base, on_turn, t)) == NULL)
		abort();
	loop_timer_set(t->event, 0);
	return t;
}
