/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "supervisor/way.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* The answer about one route is some 200 bytes; nexthops of many come more. */
#define ANSWER_SIZE	8192
/* Answers to questions that were given up before: the kernel's are prompt. */
#define STALE_MAX	8

static size_t
address_size(int family)
{
	return family == AF_INET6 ? 16 : 4;
}

/* Questions */

int
way_to_parse(struct way_to *to, const char *address)
{
	char text[INET6_ADDRSTRLEN + 1 + IF_NAMESIZE];
	char *scope;

	*to = (struct way_to){ .family = AF_INET };
	if (inet_pton(AF_INET, address, to->address) == 1)
		return 0;
	to->family = AF_INET6;
	if (strlen(address) >= sizeof(text))
		return -1;
	strcpy(text, address);
	if ((scope = strchr(text, '%')) != NULL) {
		*scope++ = '\0';
		to->interface = if_nametoindex(scope);
	}
	return inet_pton(AF_INET6, text, to->address) == 1 ? 0 : -1;
}

void
way_to_anywhere(struct way_to *two)
{
	way_to_parse(&two[0], "192.0.2.1");
	way_to_parse(&two[1], "2001:db8::1");
}

/* Adds an attribute to the message. */
static void
put(uint8_t *out, size_t *n, unsigned short type, const void *bytes,
    size_t size)
{
	struct rtattr a = { .rta_type = type,
	    .rta_len = (unsigned short)RTA_LENGTH(size) };

	memcpy(out + *n, &a, sizeof(a));
	memcpy(out + *n + RTA_LENGTH(0), bytes, size);
	*n += RTA_SPACE(size);
}

size_t
way_encode(const struct way_to *to, uint32_t number,
    uint8_t out[WAY_REQUEST_SIZE])
{
	size_t size = address_size(to->family), n = NLMSG_SPACE(
	    sizeof(struct rtmsg));
	struct rtmsg r = { .rtm_family = (unsigned char)to->family,
	    .rtm_dst_len = (unsigned char)(size * 8),
	    .rtm_src_len = (unsigned char)(to->has_from ? size * 8 : 0) };
	struct nlmsghdr h = { .nlmsg_type = RTM_GETROUTE,
	    .nlmsg_flags = NLM_F_REQUEST, .nlmsg_seq = number };

	memset(out, 0, WAY_REQUEST_SIZE);
	put(out, &n, RTA_DST, to->address, size);
	if (to->has_from)
		put(out, &n, RTA_SRC, to->from, size);
	if (to->interface != 0)
		put(out, &n, RTA_OIF, &to->interface, sizeof(to->interface));
	h.nlmsg_len = (uint32_t)n;
	memcpy(out, &h, sizeof(h));
	memcpy(out + NLMSG_HDRLEN, &r, sizeof(r));
	return n;
}

/* Answers */

static void
get(const struct rtattr *a, const uint8_t *bytes, size_t size,
    struct way *out)
{
	if (a->rta_type == RTA_OIF && size == sizeof(out->interface))
		memcpy(&out->interface, bytes, size);
	else if (a->rta_type == RTA_PREFSRC && size <= sizeof(out->source))
		memcpy(out->source, bytes, size);
	else if (a->rta_type == RTA_GATEWAY && size <= sizeof(out->gateway))
		memcpy(out->gateway, bytes, size);
	/* The gateway of another family: behind that family's number. */
	else if (a->rta_type == RTA_VIA && size > 2 &&
	    size - 2 <= sizeof(out->gateway))
		memcpy(out->gateway, bytes + 2, size - 2);
}

static bool
leads_on(unsigned char type)
{
	return type != RTN_UNREACHABLE && type != RTN_BLACKHOLE &&
	    type != RTN_PROHIBIT && type != RTN_THROW;
}

int
way_decode(const uint8_t *bytes, size_t n, uint32_t number, struct way *out)
{
	size_t at = NLMSG_SPACE(sizeof(struct rtmsg));
	struct nlmsghdr h;
	struct rtmsg r;
	struct rtattr a;

	*out = (struct way){ 0 };
	if (n < sizeof(h))
		return -1;
	memcpy(&h, bytes, sizeof(h));
	if (h.nlmsg_seq != number || h.nlmsg_len > n)
		return -1;
	if (h.nlmsg_type == NLMSG_ERROR)
		return 0;
	if (h.nlmsg_type != RTM_NEWROUTE || h.nlmsg_len < at)
		return -1;
	memcpy(&r, bytes + NLMSG_HDRLEN, sizeof(r));
	if (!leads_on(r.rtm_type))
		return 0;
	out->exists = true;
	while (h.nlmsg_len - at >= sizeof(a)) {
		memcpy(&a, bytes + at, sizeof(a));
		if (a.rta_len < sizeof(a) || a.rta_len > h.nlmsg_len - at)
			break;
		get(&a, bytes + at + RTA_LENGTH(0), a.rta_len - RTA_LENGTH(0),
		    out);
		at += RTA_ALIGN(a.rta_len);
		if (at > h.nlmsg_len)
			break;
	}
	return 0;
}

/* The kernel */

int
way_open(void)
{
	return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    NETLINK_ROUTE);
}

static int
ask(int fd, const struct way_to *to, struct way *out)
{
	static uint32_t number;
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK }, from;
	uint8_t request[WAY_REQUEST_SIZE], answer[ANSWER_SIZE];
	socklen_t len = sizeof(from);
	size_t size = way_encode(to, ++number, request);

	if (sendto(fd, request, size, 0, (struct sockaddr *)&kernel,
	    sizeof(kernel)) == -1)
		return -1;
	/* It has answered before that call returned. */
	for (int i = 0; i < STALE_MAX; i++) {
		ssize_t n = recvfrom(fd, answer, sizeof(answer), 0,
		    (struct sockaddr *)&from, &len);

		if (n == -1 && errno != ENOBUFS)
			return -1;
		if (n >= 0 && from.nl_pid == 0 &&
		    way_decode(answer, (size_t)n, number, out) == 0)
			return 0;
	}
	return -1;
}

/* Is a cable plugged in there, or what comes to the same? */
static bool
has_link(int fd, unsigned interface)
{
	struct ifreq r = { .ifr_ifindex = (int)interface };

	/* Any socket will do: netdevice(7). */
	return ioctl(fd, SIOCGIFNAME, &r) == 0 &&
	    ioctl(fd, SIOCGIFFLAGS, &r) == 0 &&
	    (r.ifr_flags & IFF_RUNNING) != 0;
}

void
way_find(int fd, const struct way_to *to, struct way *out)
{
	*out = (struct way){ .exists = fd == -1 };
	if (fd == -1)
		return;
	if (ask(fd, to, out) == -1 || !out->exists ||
	    !has_link(fd, out->interface))
		*out = (struct way){ 0 };
}

bool
way_equal(const struct way *a, const struct way *b)
{
	return a->exists == b->exists && a->interface == b->interface &&
	    memcmp(a->source, b->source, sizeof(a->source)) == 0 &&
	    memcmp(a->gateway, b->gateway, sizeof(a->gateway)) == 0;
}
