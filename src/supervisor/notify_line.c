/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "supervisor/notify_line.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/episode.h"
#include "base/fdio.h"
#include "base/log.h"
#include "base/str.h"

#define LAST_MS		500

struct waiting {
	char *text;
	int fd;			/* a copy; -1: none */
	STAILQ_ENTRY(waiting) entry;
};

struct notify_line {
	struct sockaddr_un to;
	socklen_t to_len;
	int sock;		/* connected; -1: nobody is there */
	struct event_base *base;
	struct event *writable;	/* NULL, if sock is -1 */
	size_t count;		/* of the queue */
	STAILQ_HEAD(, waiting) queue;
	struct episode overflow;
};

static void on_writable(evutil_socket_t fd, short what, void *arg);

static void
disconnect(struct notify_line *l)
{
	if (l->writable != NULL)
		event_free(l->writable);
	l->writable = NULL;
	fd_close(&l->sock);
}

static void
reconnect(struct notify_line *l)
{
	disconnect(l);
	l->sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0);
	if (l->sock == -1)
		return;
	if (connect(l->sock, (struct sockaddr *)&l->to, l->to_len) == -1) {
		fd_close(&l->sock);
		return;
	}
	l->writable = event_new(l->base, l->sock, EV_WRITE, on_writable, l);
	if (l->writable == NULL)
		abort();
}

/* A path, or a name without a file, which begins with "@". */
static bool
set_address(struct notify_line *l, const char *name)
{
	size_t n = name != NULL ? strlen(name) : 0;

	if (n < 2 || n >= sizeof(l->to.sun_path) ||
	    (name[0] != '/' && name[0] != '@'))
		return false;
	l->to.sun_family = AF_UNIX;
	memcpy(l->to.sun_path, name, n);
	l->to_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
	if (name[0] == '@')
		l->to.sun_path[0] = '\0';
	return true;
}

struct notify_line *
notify_line_new(struct event_base *base)
{
	struct notify_line *l = mem_alloc(sizeof(*l));

	l->base = base;
	l->sock = -1;
	STAILQ_INIT(&l->queue);
	if (!set_address(l, getenv("NOTIFY_SOCKET"))) {
		free(l);
		return NULL;
	}
	reconnect(l);
	return l;
}

static bool
send_once(const struct notify_line *l, const char *text, int fd)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov = { (char *)(uintptr_t)text, strlen(text) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fd != -1) {
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
		m.msg_control = &control;
		m.msg_controllen = sizeof(control);
	}
	return sendmsg(l->sock, &m, MSG_NOSIGNAL) != -1;
}

/* False: it has to wait. What can't be sent at all is given up. */
static bool
send_now(struct notify_line *l, const char *text, int fd)
{
	if (l->sock != -1 && send_once(l, text, fd))
		return true;
	if (l->sock != -1 && errno == EAGAIN)
		return false;
	/* Perhaps there is another manager by now. */
	reconnect(l);
	if (l->sock == -1 || send_once(l, text, fd))
		return true;
	return errno != EAGAIN;
}

static void
forget_first(struct notify_line *l)
{
	struct waiting *w = STAILQ_FIRST(&l->queue);

	STAILQ_REMOVE_HEAD(&l->queue, entry);
	l->count--;
	fd_close(&w->fd);
	free(w->text);
	free(w);
}

static void
flush(struct notify_line *l)
{
	struct waiting *w;

	while ((w = STAILQ_FIRST(&l->queue)) != NULL) {
		if (!send_now(l, w->text, w->fd)) {
			event_add(l->writable, NULL);
			return;
		}
		forget_first(l);
	}
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	flush(arg);
}

static void
enqueue(struct notify_line *l, const char *text, int fd)
{
	struct waiting *w;
	int copy = fd;

	if (l->count >= NOTIFY_LINE_MAX || (fd != -1 &&
	    (copy = fcntl(fd, F_DUPFD_CLOEXEC, 0)) == -1)) {
		if (episode_begins(&l->overflow))
			log_warn("the service manager does not hear us: "
			    "messages to it are lost waiting=%zu", l->count);
		return;
	}
	w = mem_alloc(sizeof(*w));
	w->text = str_dup(text);
	w->fd = copy;
	STAILQ_INSERT_TAIL(&l->queue, w, entry);
	l->count++;
	event_add(l->writable, NULL);
}

void
notify_line_send(struct notify_line *l, const char *text, int fd)
{
	if (l->count > 0 || !send_now(l, text, fd))
		enqueue(l, text, fd);
	else
		episode_ends(&l->overflow);
}

bool
notify_line_is_behind(const struct notify_line *l)
{
	return l->count > 0;
}

void
notify_line_free(struct notify_line *l)
{
	struct pollfd p = { .events = POLLOUT };

	if (l == NULL)
		return;
	p.fd = l->sock;
	if (l->count > 0 && poll(&p, 1, LAST_MS) == 1)
		flush(l);
	while (l->count > 0)
		forget_first(l);
	disconnect(l);
	free(l);
}
