/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "worker/dial.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/fdio.h"
#include "base/log.h"
#include "base/str.h"
#include "worker/dial_socket.h"

/* How long a sentence about all addresses may get; the rest is counted. */
#define TRIED_MAX	380

struct attempt {
	const struct addrinfo *to;
	int fd;			/* connecting; -1: not begun, or failed */
	struct err why;
};

struct race {
	const struct session_order *order;
	struct attempt attempts[DIAL_ADDRESSES_MAX];
	size_t count;
	size_t next;		/* to be begun */
	int64_t next_at;	/* at this time, or when none is left */
	int64_t deadline;
};

static struct addrinfo *
resolve(const struct session_order *o, struct ending *e)
{
	/*
	 * As ssh(1) without AI_ADDRCONFIG, which hides 127.0.0.1 where only
	 * IPv6 leads further: a family without a route fails at once.
	 */
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
	    .ai_family = o->address_family, .ai_flags = AI_NUMERICSERV };
	struct addrinfo *list;
	char port[8];
	int rc;

	snprintf(port, sizeof(port), "%u", o->port);
	rc = getaddrinfo(o->hostname, port, &hints, &list);
	if (rc == 0)
		return list;
	ending_set(e, END_RESOLVE, "cannot resolve %s: %s", o->hostname,
	    rc == EAI_ADDRFAMILY ?
	    "it has no address of that family (check AddressFamily)" :
	    rc == EAI_NONAME ? "no such name (check HostName)" :
	    rc == EAI_SYSTEM ? strerror(errno) : gai_strerror(rc));
	return NULL;
}

/* Who runs */

/* The next one whose family is (or, if same is false, isn't) that. */
static const struct addrinfo *
find(const struct addrinfo *ai, int family, bool same)
{
	while (ai != NULL && (ai->ai_family == family) != same)
		ai = ai->ai_next;
	return ai;
}

static void
add(struct race *r, const struct addrinfo *to)
{
	if (r->count < DIAL_ADDRESSES_MAX)
		r->attempts[r->count++] = (struct attempt){
			.to = to, .fd = -1 };
}

/* RFC 8305, 4: the families take turns, the preferred one first. */
static void
line_up(struct race *r, const struct addrinfo *list)
{
	int family = list->ai_family;
	const struct addrinfo *a = list, *b = find(list, family, false);

	while (a != NULL || b != NULL) {
		if (a != NULL) {
			add(r, a);
			a = find(a->ai_next, family, true);
		}
		if (b != NULL) {
			add(r, b);
			b = find(b->ai_next, family, false);
		}
	}
}

/* The race */

/* One has failed: the next begins at once. */
static void
fail(struct race *r, struct attempt *a)
{
	fd_close(&a->fd);
	r->next_at = 0;
}

static void
fail_connect(struct race *r, struct attempt *a, int error)
{
	a->why = (struct err){ .code = ERR_SYS, .sys = error };
	snprintf(a->why.text, sizeof(a->why.text), "%s", strerror(error));
	fail(r, a);
}

/* True if it is connected already. */
static bool
begin(struct race *r, struct attempt *a)
{
	r->next_at = clock_now_ms() + DIAL_STAGGER_MS;
	a->fd = dial_socket_new(r->order, a->to, &a->why);
	if (a->fd == -1)
		fail(r, a);
	else if (connect(a->fd, a->to->ai_addr, a->to->ai_addrlen) == 0)
		return true;
	else if (errno != EINPROGRESS)
		fail_connect(r, a, errno);
	return false;
}

/* True if it is connected; else it has failed. */
static bool
look(struct race *r, struct attempt *a)
{
	socklen_t len = sizeof(int);
	int error;

	if (getsockopt(a->fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
		error = errno;
	if (error == 0)
		return true;
	fail_connect(r, a, error);
	return false;
}

static bool
is_pending(const struct race *r)
{
	for (size_t i = 0; i < r->next; i++)
		if (r->attempts[i].fd != -1)
			return true;
	return false;
}

/* Waits for those that connect, until then. The connected one, or NULL. */
static struct attempt *
wait_for_one(struct race *r, int64_t until)
{
	struct pollfd polled[DIAL_ADDRESSES_MAX];
	struct attempt *whose[DIAL_ADDRESSES_MAX];
	int64_t left = until - clock_now_ms();
	nfds_t n = 0;

	for (size_t i = 0; i < r->next; i++)
		if (r->attempts[i].fd != -1) {
			whose[n] = &r->attempts[i];
			polled[n++] = (struct pollfd){
				.fd = r->attempts[i].fd, .events = POLLOUT };
		}
	if (poll(polled, n, left < 0 ? 0 : left > 60000 ? 60000 :
	    (int)left) <= 0)
		return NULL;
	for (nfds_t i = 0; i < n; i++)
		if (polled[i].revents != 0 && look(r, whose[i]))
			return whose[i];
	return NULL;
}

/* The one that is connected, or NULL when all have failed or time is up. */
static struct attempt *
run(struct race *r)
{
	struct attempt *a;

	while (clock_now_ms() < r->deadline) {
		bool more = r->next < r->count, pending = is_pending(r);

		if (more && (!pending || clock_now_ms() >= r->next_at)) {
			a = &r->attempts[r->next++];
			if (begin(r, a))
				return a;
		} else if (pending) {
			a = wait_for_one(r, more && r->next_at < r->deadline ?
			    r->next_at : r->deadline);
			if (a != NULL)
				return a;
		} else {
			return NULL;
		}
	}
	for (size_t i = 0; i < r->next; i++)
		if (r->attempts[i].fd != -1)
			fail_connect(r, &r->attempts[i], ETIMEDOUT);
	return NULL;
}

/* What is said of it */

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

static const char *
hint(enum end_class class)
{
	if (class == END_CLOSED_EARLY)
		return " (MaxStartups, PerSourcePenalties or fail2ban?)";
	if (class == END_REFUSED)
		return " (is sshd running there, on this port?)";
	if (class == END_TIMEOUT)
		return " (phase connect; a firewall, or the host is down?)";
	return "";
}

static void
name_address(const struct addrinfo *ai, char out[static NI_MAXHOST])
{
	if (getnameinfo(ai->ai_addr, ai->ai_addrlen, out, NI_MAXHOST, NULL, 0,
	    NI_NUMERICHOST) != 0)
		strcpy(out, "?");
}

static void
explain(const struct race *r, struct ending *e)
{
	enum end_class class = END_UNREACHABLE;
	char host[NI_MAXHOST];
	struct str tried;
	size_t left = 0;

	str_init(&tried);
	for (size_t i = 0; i < r->count; i++) {
		const struct attempt *a = &r->attempts[i];
		const char *why = i < r->next ? a->why.text :
		    "not tried in time";

		class = worse(class, a->why.sys);
		name_address(a->to, host);
		log_debug("an address failed address=%s error=\"%s\"", host,
		    why);
		if (tried.len + strlen(host) + strlen(why) > TRIED_MAX)
			left++;
		else
			str_printf(&tried, "%s%s: %s",
			    tried.len > 0 ? "; " : "", host, why);
	}
	if (left > 0)
		str_printf(&tried, "; and %zu more", left);
	ending_set(e, class, "cannot connect to %s port %u%s: %s",
	    r->order->hostname, r->order->port, hint(class), tried.p);
	str_fini(&tried);
}

static void
log_winner(const struct race *r, const struct attempt *winner)
{
	char host[NI_MAXHOST];

	name_address(winner->to, host);
	log_debug("connected address=%s tried=%zu of=%zu", host, r->next,
	    r->count);
}

/* Where we try to connect to: the way there may change. */
static void
report_connect(const struct race *r, struct report *report)
{
	json_t *addresses = json_array();
	char host[NI_MAXHOST];

	for (size_t i = 0; i < r->count; i++) {
		name_address(r->attempts[i].to, host);
		json_array_append_new(addresses, json_string(host));
	}
	report_fact(report, FACT_PHASE, json_pack("{s:s, s:o}", "phase",
	    phase_name(PHASE_CONNECT), "addresses", addresses));
}

int
dial_server(const struct session_order *o, struct report *report,
    struct ending *e)
{
	struct race r = { .order = o };
	struct addrinfo *list;
	struct attempt *winner;
	int fd = -1;

	report_phase(report, PHASE_RESOLVE);
	if ((list = resolve(o, e)) == NULL)
		return -1;
	line_up(&r, list);
	report_connect(&r, report);
	r.deadline = clock_now_ms() + (int64_t)o->connect_timeout_s * 1000;
	if ((winner = run(&r)) != NULL) {
		log_winner(&r, winner);
		fd = winner->fd;
		winner->fd = -1;
	} else {
		explain(&r, e);
	}
	for (size_t i = 0; i < r.next; i++)
		fd_close(&r.attempts[i].fd);
	freeaddrinfo(list);
	return fd;
}
