/* SPDX-License-Identifier: ISC */
#include "worker/proxy_header.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define SIGNATURE	"\r\n\r\n\0\r\nQUIT\n"	/* 12 bytes */
#define V2_PROXY	0x21	/* version 2, command PROXY */
#define V2_TCP4		0x11
#define V2_TCP6		0x21

/* Two addresses of one family; an unset one is the "any" address. */
struct pair {
	int family;		/* AF_UNSPEC: nothing is known */
	uint8_t from[16], to[16];
	size_t size;		/* bytes of each */
};

/* A literal, of IPv4 if it stands for one. */
static int
parse(const char *text, uint8_t out[16])
{
	struct in6_addr v6;

	if (inet_pton(AF_INET, text, out) == 1)
		return AF_INET;
	if (inet_pton(AF_INET6, text, &v6) != 1)
		return AF_UNSPEC;
	if (IN6_IS_ADDR_V4MAPPED(&v6)) {
		memcpy(out, v6.s6_addr + 12, 4);
		return AF_INET;
	}
	memcpy(out, v6.s6_addr, 16);
	return AF_INET6;
}

static void
fill(struct pair *p, const char *originator, const char *connected)
{
	uint8_t to[16];

	*p = (struct pair){ 0 };
	p->family = parse(originator, p->from);
	p->size = p->family == AF_INET ? 4 : p->family == AF_INET6 ? 16 : 0;
	if (parse(connected, to) == p->family)
		memcpy(p->to, to, p->size);
}

static size_t
make_v1(uint8_t *out, const struct pair *p, uint16_t from_port,
    uint16_t to_port)
{
	char from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN];

	if (p->family == AF_UNSPEC)
		return (size_t)snprintf((char *)out, PROXY_HEADER_MAX,
		    "PROXY UNKNOWN\r\n");
	inet_ntop(p->family, p->from, from, sizeof(from));
	inet_ntop(p->family, p->to, to, sizeof(to));
	/* Two addresses of 39 and two ports of 5 leave room for the NUL. */
	return (size_t)snprintf((char *)out, PROXY_HEADER_MAX,
	    "PROXY %s %s %s %u %u\r\n",
	    p->family == AF_INET ? "TCP4" : "TCP6", from, to, from_port,
	    to_port);
}

static uint8_t *
put(uint8_t *at, const void *bytes, size_t n)
{
	memcpy(at, bytes, n);
	return at + n;
}

static size_t
make_v2(uint8_t *out, const struct pair *p, uint16_t from_port,
    uint16_t to_port)
{
	uint16_t ports[2] = { htons(from_port), htons(to_port) };
	uint16_t len = p->size == 0 ? 0 :
	    htons((uint16_t)(2 * p->size + sizeof(ports)));
	uint8_t *at = put(out, SIGNATURE, 12);

	*at++ = V2_PROXY;
	*at++ = p->size == 0 ? 0 : p->size == 4 ? V2_TCP4 : V2_TCP6;
	at = put(at, &len, sizeof(len));
	if (p->size != 0) {
		at = put(at, p->from, p->size);
		at = put(at, p->to, p->size);
		at = put(at, ports, sizeof(ports));
	}
	return (size_t)(at - out);
}

void
proxy_header_make(struct proxy_header *out, enum proxy_protocol version,
    const char *originator, uint16_t originator_port, const char *connected,
    uint16_t connected_port)
{
	struct pair p;

	out->len = 0;
	if (version == PROXY_PROTOCOL_NONE)
		return;
	fill(&p, originator, connected);
	out->len = (version == PROXY_PROTOCOL_V1 ? make_v1 : make_v2)(
	    out->bytes, &p, originator_port, connected_port);
}
