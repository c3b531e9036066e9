/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "worker/dial.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fdio.h"
#include "base/log.h"
#include "base/str.h"

void
dial_set_options(int fd, const struct session_order *o)
{
	int one = 1;
	/* The 1 s of ping.h's grace is in it, too. Milliseconds. */
	unsigned limit = (unsigned)o->alive_interval_s * 1000 *
	    (unsigned)o->alive_count_max + 1000;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	if (o->alive_interval_s > 0)
		setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &limit,
		    sizeof(limit));
}

static struct addrinfo *
resolve(const struct session_order *o, struct ending *e)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
	    .ai_flags = AI_NUMERICSERV | AI_ADDRCONFIG };
	struct addrinfo *list;
	char port[8];
	int rc;

	snprintf(port, sizeof(port), "%u", o->port);
	rc = getaddrinfo(o->hostname, port, &hints, &list);
	if (rc == EAI_NONAME || rc == EAI_ADDRFAMILY) {
		/* AI_ADDRCONFIG hides "::1" where only loopback has IPv6. */
		hints.ai_flags &= ~AI_ADDRCONFIG;
		rc = getaddrinfo(o->hostname, port, &hints, &list);
	}
	if (rc == 0)
		return list;
	ending_set(e, END_RESOLVE, "cannot resolve %s: %s", o->hostname,
	    rc == EAI_NONAME ? "no such name (check HostName)" :
	    rc == EAI_SYSTEM ? strerror(errno) : gai_strerror(rc));
	return NULL;
}

/* 0, or the errno of a failed connect. */
static int
wait_connected(int fd, int64_t deadline)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	int64_t left;
	int error, rc;
	socklen_t len = sizeof(error);

	do {
		left = deadline - clock_now_ms();
		if (left <= 0)
			return ETIMEDOUT;
		rc = poll(&p, 1, left > 60000 ? 60000 : (int)left);
	} while (rc == 0 || (rc == -1 && errno == EINTR));
	if (rc == -1 ||
	    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
		return errno;
	return error;
}

static int
connect_one(const struct addrinfo *ai, const struct session_order *o,
    int64_t deadline, int *out)
{
	int fd, error = 0;

	fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    0);
	if (fd == -1)
		return errno;
	dial_set_options(fd, o);
	if (connect(fd, ai->ai_addr, ai->ai_addrlen) == -1)
		error = errno == EINPROGRESS ?
		    wait_connected(fd, deadline) : errno;
	if (error != 0)
		fd_close(&fd);
	*out = fd;
	return error;
}

/* Which class says most, if addresses failed for different reasons? */
static enum end_class
worse(enum end_class class, int error)
{
	/* Accepted and cut off before we looked. */
	if (error == ECONNRESET || class == END_CLOSED_EARLY)
		return END_CLOSED_EARLY;
	if (error == ECONNREFUSED || class == END_REFUSED)
		return END_REFUSED;
	if (error == ETIMEDOUT || class == END_TIMEOUT)
		return END_TIMEOUT;
	return END_UNREACHABLE;
}

static void
add_attempt(struct str *tried, const struct addrinfo *ai, int error)
{
	char host[NI_MAXHOST];

	if (getnameinfo(ai->ai_addr, ai->ai_addrlen, host, sizeof(host), NULL,
	    0, NI_NUMERICHOST) != 0)
		strcpy(host, "?");
	log_debug("an address failed address=%s error=\"%s\"", host,
	    strerror(error));
	str_printf(tried, "%s%s: %s", tried->len > 0 ? "; " : "", host,
	    strerror(error));
}

static void
explain(const struct session_order *o, enum end_class class,
    const char *tried, struct ending *e)
{
	const char *hint = "";

	if (class == END_CLOSED_EARLY)
		hint = " (MaxStartups, PerSourcePenalties or fail2ban?)";
	else if (class == END_REFUSED)
		hint = " (is sshd running there, on this port?)";
	else if (class == END_TIMEOUT)
		hint = " (phase connect; a firewall, or the host is down?)";
	ending_set(e, class, "cannot connect to %s port %u%s: %s", o->hostname,
	    o->port, hint, tried);
}

int
dial_server(const struct session_order *o, struct report *report,
    struct ending *e)
{
	struct addrinfo *list, *ai;
	struct str tried;
	enum end_class class = END_UNREACHABLE;
	int64_t deadline;
	int fd = -1, left = 0;

	report_phase(report, PHASE_RESOLVE);
	if ((list = resolve(o, e)) == NULL)
		return -1;
	report_phase(report, PHASE_CONNECT);
	deadline = clock_now_ms() + (int64_t)o->connect_timeout_s * 1000;
	str_init(&tried);
	for (ai = list; ai != NULL; ai = ai->ai_next)
		left++;
	for (ai = list; ai != NULL && fd == -1; ai = ai->ai_next) {
		int64_t now = clock_now_ms();
		int error = connect_one(ai, o,
		    now + (deadline - now) / left--, &fd);

		if (error != 0) {
			class = worse(class, error);
			add_attempt(&tried, ai, error);
		}
	}
	if (fd == -1)
		explain(o, class, tried.p, e);
	str_fini(&tried);
	freeaddrinfo(list);
	return fd;
}
