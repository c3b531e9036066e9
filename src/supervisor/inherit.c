/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "supervisor/inherit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "base/fdio.h"
#include "base/log.h"
#include "base/sha256.h"
#include "base/str.h"
#include "supervisor/address.h"
#include "supervisor/notify.h"

/*
 * What the names of stored sockets begin with; what a socket unit's are called
 * is the administrator's choice. Then comes half a hash of the address: a path
 * may be too long for a name, or hold a colon.
 */
#define PREFIX		"hawser-stored-"
#define HASH_BYTES	16
#define NAME_SIZE	(sizeof(PREFIX) + 2 * HASH_BYTES)

/* A socket that was passed to us. */
struct passed {
	int fd;
	char *where;		/* it listens; "" if no client can connect */
	bool stored;		/* by a hawserd; else the manager opened it */
	bool taken;		/* a listener has it (of those not stored) */
	TAILQ_ENTRY(passed) entry;
};

struct inherit {
	TAILQ_HEAD(, passed) passed;
	struct notify *notify;	/* NULL: nobody to tell */
	bool leaving;
};

static void
make_name(char out[NAME_SIZE], const char *where)
{
	uint8_t hash[SHA256_SIZE];
	char *end = out + sizeof(PREFIX) - 1;

	sha256(hash, where, strlen(where));
	memcpy(out, PREFIX, sizeof(PREFIX));
	for (size_t i = 0; i < HASH_BYTES; i++)
		snprintf(end + 2 * i, 3, "%02x", hash[i]);
}

static int
get_option(int fd, int level, int option)
{
	int value = 0;
	socklen_t len = sizeof(value);

	return getsockopt(fd, level, option, &value, &len) == 0 ? value : -1;
}

/* New: where clients reach it; "" if it isn't for them. */
static char *
find_where(int fd)
{
	union address a;

	if (get_option(fd, SOL_SOCKET, SO_TYPE) != SOCK_STREAM ||
	    !address_of(&a, fd))
		return str_dup("");
	if (a.any.sa_family == AF_INET6 &&
	    IN6_IS_ADDR_UNSPECIFIED(&a.in6.sin6_addr) &&
	    get_option(fd, IPPROTO_IPV6, IPV6_V6ONLY) == 0)
		return str_dupf("*:%u", ntohs(a.in6.sin6_port));
	return address_format(&a);
}

static void
forget(struct inherit *in, struct passed *p)
{
	TAILQ_REMOVE(&in->passed, p, entry);
	free(p->where);
	free(p);
}

struct inherit *
inherit_new(void)
{
	struct inherit *in = mem_alloc(sizeof(*in));
	size_t count;
	struct notify_fd *fds = notify_take_fds(&count);

	TAILQ_INIT(&in->passed);
	for (size_t i = 0; i < count; i++) {
		struct passed *p = mem_alloc(sizeof(*p));

		p->fd = fds[i].fd;
		p->where = find_where(p->fd);
		p->stored = fds[i].name != NULL && strncmp(fds[i].name,
		    PREFIX, strlen(PREFIX)) == 0;
		TAILQ_INSERT_TAIL(&in->passed, p, entry);
		free(fds[i].name);
	}
	free(fds);
	return in;
}

void
inherit_free(struct inherit *in)
{
	struct passed *p;

	if (in == NULL)
		return;
	while ((p = TAILQ_FIRST(&in->passed)) != NULL) {
		fd_close(&p->fd);
		forget(in, p);
	}
	free(in);
}

void
inherit_tell(struct inherit *in, struct notify *notify)
{
	in->notify = notify;
}

/* The manager's copy would keep the clients waiting, and the address. */
static void
drop(struct inherit *in, int fd, const char *where)
{
	char name[NAME_SIZE];

	if (in->notify == NULL || !notify_is_heard(in->notify) || in->leaving)
		return;
	make_name(name, where);
	shutdown(fd, SHUT_RDWR);
	notify_unstore(in->notify, name);
}

/* Closes one that was stored. */
static void
drop_stored(struct inherit *in, struct passed *p)
{
	drop(in, p->fd, p->where);
	fd_close_shared(&p->fd);
	forget(in, p);
}

/*
 * The first that listens there and nobody has. Those that were shut and are in
 * the store go: by name they would take the next one there along, later.
 */
static struct passed *
find_passed(struct inherit *in, const char *where)
{
	struct passed *p, *next;

	for (p = TAILQ_FIRST(&in->passed); p != NULL; p = next) {
		next = TAILQ_NEXT(p, entry);
		if (p->taken || !str_equal(p->where, where))
			continue;
		if (get_option(p->fd, SOL_SOCKET, SO_ACCEPTCONN) == 1)
			break;
		if (p->stored)
			drop_stored(in, p);
	}
	return p;
}

int
inherit_take(struct inherit *in, const char *where)
{
	struct passed *p = find_passed(in, where);
	int fd;

	if (p == NULL)
		return -1;
	fd = p->fd;
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	if (p->stored)
		forget(in, p);
	else
		p->taken = true;
	return fd;
}

/* The entry of one that isn't to be closed; NULL: of any other. */
static struct passed *
find_lent(const struct inherit *in, int fd)
{
	struct passed *p;

	TAILQ_FOREACH(p, &in->passed, entry)
		if (p->taken && p->fd == fd)
			break;
	return p;
}

bool
inherit_is_lent(const struct inherit *in, int fd)
{
	return find_lent(in, fd) != NULL;
}

void
inherit_store(struct inherit *in, int fd, const char *where)
{
	char name[NAME_SIZE];

	if (in->notify == NULL || in->leaving)
		return;
	make_name(name, where);
	notify_store(in->notify, fd, name);
}

void
inherit_close(struct inherit *in, int *fd, const char *where)
{
	struct passed *p = find_lent(in, *fd);

	if (p != NULL) {
		p->taken = false;
		*fd = -1;
		return;
	}
	drop(in, *fd, where);
	fd_close_shared(fd);
}

void
inherit_settle(struct inherit *in)
{
	struct passed *p, *next;

	for (p = TAILQ_FIRST(&in->passed); p != NULL; p = next) {
		next = TAILQ_NEXT(p, entry);
		if (p->stored)
			drop_stored(in, p);
		else if (!p->taken)
			log_warn("a socket of the service manager fits no "
			    "local forward, and nobody serves it "
			    "address=\"%s\"", p->where);
	}
}

void
inherit_leave(struct inherit *in)
{
	in->leaving = true;
}

bool
inherit_outlives(const struct inherit *in)
{
	return in->leaving && in->notify != NULL &&
	    notify_is_heard(in->notify);
}
