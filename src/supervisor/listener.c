/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "supervisor/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/str.h"
#include "supervisor/address.h"
#include "supervisor/holder.h"
#include "supervisor/inherit.h"

/* Where a forward's host means two addresses. */
static const struct pair {
	const char *host;	/* NULL: none was given */
	const char *v4;
	const char *v6;
} pairs[] = {
	{ NULL, "127.0.0.1", "::1" },
	{ "localhost", "127.0.0.1", "::1" },
	{ "*", "0.0.0.0", "::" },
};

/* What to say about a bind that failed; sets the code by errno. */
static int
explain(const union address *a, struct err *err)
{
	char *where = address_format(a);

	/* The port stands at the same place in both families' addresses. */
	if (errno == EACCES && ntohs(a->in.sin_port) < IPPORT_RESERVED)
		err_set(err, ERR_PERM, "%s: ports below %d take "
		    "CAP_NET_BIND_SERVICE, which hawserd wasn't started with; "
		    "have root start it with --user, or use a higher port",
		    where, IPPORT_RESERVED);
	else if (errno != EADDRINUSE)
		err_sys(err, "cannot listen on %s", where);
	else
		err_set(err, ERR_REFUSED, "%s is used by another program",
		    where);
	free(where);
	return -1;
}

/* Adds a socket. Takes fd and where. */
static void
add(struct listener *l, int fd, char *where)
{
	l->bound[l->count] = where;
	l->fds[l->count++] = fd;
}

/* Adds the inherited socket that listens there, if there is one. */
static bool
add_inherited(struct listener *l, const char *where)
{
	int fd = l->inherit != NULL ? inherit_take(l->inherit, where) : -1;

	if (fd == -1)
		return false;
	add(l, fd, str_dup(where));
	return true;
}

/* Adds a new one. Takes fd and where. */
static void
add_new(struct listener *l, int fd, char *where)
{
	add(l, fd, where);
	if (l->inherit != NULL)
		inherit_store(l->inherit, fd, where);
}

static int
bind_tcp(const union address *a, socklen_t len, struct err *err)
{
	int fd = socket(a->any.sa_family,
	    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;

	if (fd == -1)
		return explain(a, err);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (a->any.sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, &a->any, len) == -1 || listen(fd, SOMAXCONN) == -1) {
		explain(a, err);
		fd_close(&fd);
	}
	return fd;
}

static int
open_tcp(struct listener *l, const char *literal, uint16_t port,
    struct err *err)
{
	union address a;
	socklen_t len;
	char *where;
	bool found;
	int fd;

	if (!address_parse(&a, &len, literal, port))
		return err_set(err, ERR_INPUT, "cannot listen on \"%s\": not "
		    "an IP address, \"localhost\" or \"*\"", literal);
	where = address_format(&a);
	found = add_inherited(l, where);
	free(where);
	if (found)
		return 0;
	if ((fd = bind_tcp(&a, len, err)) == -1)
		return -1;
	address_of(&a, fd);
	add_new(l, fd, address_format(&a));
	return 0;
}

/* May the file at path make room? Only a socket: nobody's, or any. */
static bool
remove_file(const struct sockaddr_un *un, bool replace)
{
	struct stat st;
	bool stale;
	int fd;

	if (lstat(un->sun_path, &st) == -1 || !S_ISSOCK(st.st_mode))
		return false;
	if (!replace) {
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC |
		    SOCK_NONBLOCK, 0);
		stale = fd != -1 && connect(fd, (const struct sockaddr *)un,
		    sizeof(*un)) == -1 && errno == ECONNREFUSED;
		fd_close(&fd);
		if (!stale)
			return false;
	}
	return unlink(un->sun_path) == 0;
}

static int
bind_unix(int fd, const struct sockaddr_un *un,
    const struct listener_file *file)
{
	mode_t before = umask(file->mask);
	int rc = bind(fd, (const struct sockaddr *)un, sizeof(*un)), saved;

	saved = errno;
	if (rc == -1 && saved == EADDRINUSE &&
	    remove_file(un, file->replace)) {
		rc = bind(fd, (const struct sockaddr *)un, sizeof(*un));
		saved = errno;
	}
	umask(before);
	errno = saved;
	return rc;
}

static int
explain_unix(const char *path, struct err *err)
{
	struct stat st;

	if (errno != EADDRINUSE)
		return err_sys(err, "cannot listen on %s", path);
	if (lstat(path, &st) == 0 && !S_ISSOCK(st.st_mode))
		return err_set(err, ERR_REFUSED,
		    "%s exists and is not a socket", path);
	return err_set(err, ERR_REFUSED, "%s is used by another program",
	    path);
}

/* The file is ours: to change, and to remove in the end. */
static void
own_file(struct listener *l, const char *path)
{
	struct stat st;

	if (lstat(path, &st) == -1)
		return;
	l->device = st.st_dev;
	l->inode = st.st_ino;
	l->path = str_dup(path);
}

/* As above; no use is one whose file is gone. */
static bool
add_inherited_unix(struct listener *l, const char *path)
{
	struct stat st;

	if (!add_inherited(l, path))
		return false;
	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode)) {
		if (!inherit_is_lent(l->inherit, l->fds[0]))
			own_file(l, path);
		return true;
	}
	listener_close(l);
	return false;
}

static int
open_unix(struct listener *l, const char *path,
    const struct listener_file *file, struct err *err)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd;

	if (add_inherited_unix(l, path))
		return 0;
	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return err_sys(err, "cannot listen on %s", path);
	if (bind_unix(fd, &un, file) == -1 || listen(fd, SOMAXCONN) == -1) {
		explain_unix(path, err);
		fd_close(&fd);
		return -1;
	}
	own_file(l, path);
	add_new(l, fd, str_dup(path));
	return 0;
}

/* Is the file still the one we made? */
static bool
is_ours(const struct listener *l)
{
	struct stat st;

	return l->path != NULL && lstat(l->path, &st) == 0 &&
	    st.st_dev == l->device && st.st_ino == l->inode;
}

static bool
is_missing_family(const struct err *err)
{
	return err->code == ERR_SYS &&
	    (err->sys == EAFNOSUPPORT || err->sys == EADDRNOTAVAIL);
}

static int
open_pair(struct listener *l, const char *v4, const char *v6, uint16_t port,
    struct err *err)
{
	if (open_tcp(l, v4, port, err) == -1 && !is_missing_family(err))
		return -1;
	if (open_tcp(l, v6, port, err) == -1 && !is_missing_family(err))
		return -1;
	return l->count > 0 ? 0 : -1;
}

/* Two addresses that a forward's host means; NULL: it is a literal. */
static const struct pair *
find_pair(const char *host)
{
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		if (str_equal(pairs[i].host, host))
			return &pairs[i];
	return NULL;
}

/* One socket for both families, as a socket unit's ListenStream=PORT is. */
static bool
is_inherited_dual(struct listener *l, const struct endpoint *at)
{
	char *where;
	bool found;

	if (!str_equal(at->host, "*"))
		return false;
	where = str_dupf("*:%u", at->port);
	found = add_inherited(l, where);
	free(where);
	return found;
}

int
listener_open(struct listener *out, const struct endpoint *at,
    const struct listener_file *file, struct err *err)
{
	const struct pair *pair = find_pair(at->host);
	struct listener l = { 0 };
	int rc;

	l.inherit = out->inherit;
	if (at->kind == ENDPOINT_UNIX)
		rc = open_unix(&l, at->host, file, err);
	else if (is_inherited_dual(&l, at))
		rc = 0;
	else if (pair != NULL)
		rc = open_pair(&l, pair->v4, pair->v6, at->port, err);
	else
		rc = open_tcp(&l, at->host, at->port, err);
	if (rc == -1) {
		listener_close(&l);
		return -1;
	}
	*out = l;
	return 0;
}

static bool
find_holder(const char *literal, uint16_t port, char *out, size_t size)
{
	union address a;
	socklen_t len;
	char holder[128], *where;

	if (!address_parse(&a, &len, literal, port) ||
	    !holder_find(&a.any, holder, sizeof(holder)))
		return false;
	where = address_format(&a);
	snprintf(out, size, "%s is used by %s", where, holder);
	free(where);
	return true;
}

bool
listener_find_holder(const struct endpoint *at, char *out, size_t size)
{
	const struct pair *pair = find_pair(at->host);
	char holder[128];

	if (at->kind == ENDPOINT_UNIX) {
		if (!holder_find_unix(at->host, holder, sizeof(holder)))
			return false;
		snprintf(out, size, "%s is used by %s", at->host, holder);
		return true;
	}
	if (pair == NULL)
		return find_holder(at->host, at->port, out, size);
	return find_holder(pair->v4, at->port, out, size) ||
	    find_holder(pair->v6, at->port, out, size);
}

void
listener_close(struct listener *l)
{
	/* Its clients wait for the next hawserd, and find it by the file. */
	bool stays = l->inherit != NULL && inherit_outlives(l->inherit);

	for (size_t i = 0; i < l->count; i++) {
		if (l->inherit != NULL)
			inherit_close(l->inherit, &l->fds[i], l->bound[i]);
		else
			fd_close_shared(&l->fds[i]);
		free(l->bound[i]);
	}
	if (!stays && is_ours(l))
		unlink(l->path);
	free(l->path);
	*l = (struct listener){ .inherit = l->inherit };
}

bool
listener_is_lent(const struct listener *l)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->inherit != NULL &&
		    inherit_is_lent(l->inherit, l->fds[i]))
			return true;
	return false;
}

bool
listener_is_open(const struct listener *l)
{
	for (size_t i = 0; i < l->count; i++) {
		int listens = 0;
		socklen_t len = sizeof(listens);

		if (getsockopt(l->fds[i], SOL_SOCKET, SO_ACCEPTCONN, &listens,
		    &len) == -1 || !listens)
			return false;
	}
	return l->count > 0;
}

void
listener_set_mask(const struct listener *l, mode_t mask)
{
	if (is_ours(l))
		chmod(l->path, 0777 & ~mask);
}
