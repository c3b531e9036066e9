/* SPDX-License-Identifier: ISC */
#include "supervisor/address.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/str.h"

bool
address_parse(union address *out, socklen_t *len, const char *literal,
    uint16_t port)
{
	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, literal, &out->in.sin_addr) == 1) {
		out->in.sin_family = AF_INET;
		out->in.sin_port = htons(port);
		*len = sizeof(out->in);
		return true;
	}
	if (inet_pton(AF_INET6, literal, &out->in6.sin6_addr) == 1) {
		out->in6.sin6_family = AF_INET6;
		out->in6.sin6_port = htons(port);
		*len = sizeof(out->in6);
		return true;
	}
	return false;
}

bool
address_of(union address *out, int fd)
{
	socklen_t len = sizeof(*out);

	memset(out, 0, sizeof(*out));
	return getsockname(fd, &out->any, &len) == 0;
}

char *
address_format(const union address *a)
{
	char text[INET6_ADDRSTRLEN];

	switch (a->any.sa_family) {
	case AF_INET:
		inet_ntop(AF_INET, &a->in.sin_addr, text, sizeof(text));
		return str_dupf("%s:%u", text, ntohs(a->in.sin_port));
	case AF_INET6:
		inet_ntop(AF_INET6, &a->in6.sin6_addr, text, sizeof(text));
		return str_dupf("[%s]:%u", text, ntohs(a->in6.sin6_port));
	case AF_UNIX:
		return str_dupf("%.*s", (int)sizeof(a->un.sun_path),
		    a->un.sun_path);
	default:
		return str_dup("");
	}
}
