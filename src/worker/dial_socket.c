/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "worker/dial_socket.h"

#include <errno.h>
#include <ifaddrs.h>
#include <limits.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fdio.h"

static void
set(int fd, int level, int option, int value)
{
	setsockopt(fd, level, option, &value, sizeof(value));
}

void
dial_socket_patience(int fd, const struct session_order *o)
{
	int64_t ms = 0;		/* the system's */

	/* The 1 s of ping.h's grace is in it, too. */
	if (o->alive_interval_s > 0)
		ms = (int64_t)o->alive_interval_s * 1000 *
		    o->alive_count_max + 1000;
	set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT,
	    ms < INT_MAX ? (int)ms : INT_MAX);
}

void
dial_socket_options(int fd, const struct session_order *o)
{
	struct sockaddr_storage here;
	socklen_t len = sizeof(here);

	if (getsockname(fd, (struct sockaddr *)&here, &len) == -1)
		return;
	set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	set(fd, SOL_SOCKET, SO_KEEPALIVE, o->tcp_keepalive);
	dial_socket_patience(fd, o);
	if (o->ip_tos == -1)
		return;
	if (here.ss_family == AF_INET)
		set(fd, IPPROTO_IP, IP_TOS, o->ip_tos);
	else if (here.ss_family == AF_INET6)
		set(fd, IPPROTO_IPV6, IPV6_TCLASS, o->ip_tos);
}

static int
bind_address(int fd, const char *name, int family, struct err *err)
{
	struct addrinfo hints = { .ai_family = family,
	    .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE };
	struct addrinfo *found;
	int rc = getaddrinfo(name, NULL, &hints, &found);

	if (rc != 0)
		return err_set(err, ERR_NOTFOUND, "BindAddress %s: %s", name,
		    gai_strerror(rc));
	rc = bind(fd, found->ai_addr, found->ai_addrlen);
	if (rc == -1)
		err_sys(err, "BindAddress %s", name);
	freeaddrinfo(found);
	return rc;
}

/* Of an interface rather an address that is known beyond this machine. */
static bool
is_near(const struct sockaddr *a)
{
	const struct sockaddr_in *v4 = (const void *)a;
	const struct sockaddr_in6 *v6 = (const void *)a;

	if (a->sa_family == AF_INET)
		return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
	return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr) ||
	    IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr);
}

static const struct sockaddr *
find_source(const struct ifaddrs *list, const char *interface, int family)
{
	const struct sockaddr *found = NULL;

	for (const struct ifaddrs *i = list; i != NULL; i = i->ifa_next) {
		if (i->ifa_addr == NULL || i->ifa_addr->sa_family != family ||
		    !(i->ifa_flags & IFF_UP) ||
		    strcmp(i->ifa_name, interface) != 0)
			continue;
		if (found == NULL || is_near(found))
			found = i->ifa_addr;
	}
	return found;
}

static int
bind_interface(int fd, const char *interface, int family, struct err *err)
{
	const struct sockaddr *source;
	struct ifaddrs *list;
	int rc;

	if (getifaddrs(&list) == -1)
		return err_sys(err, "BindInterface %s", interface);
	source = find_source(list, interface, family);
	if (source == NULL) {
		rc = err_set(err, ERR_NOTFOUND, "BindInterface %s: it is not "
		    "up, or has no address of this family", interface);
	} else {
		rc = bind(fd, source, family == AF_INET ?
		    sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
		if (rc == -1)
			err_sys(err, "BindInterface %s", interface);
	}
	freeifaddrs(list);
	return rc;
}

int
dial_socket_new(const struct session_order *o, const struct addrinfo *to,
    struct err *err)
{
	int fd = socket(to->ai_family,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), rc = 0;

	if (fd == -1)
		return err_sys(err, "no socket");
	dial_socket_options(fd, o);
	if (o->bind_address[0] != '\0')
		rc = bind_address(fd, o->bind_address, to->ai_family, err);
	else if (o->bind_interface[0] != '\0')
		rc = bind_interface(fd, o->bind_interface, to->ai_family,
		    err);
	if (rc == -1)
		fd_close(&fd);
	return fd;
}
