/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "config/localnet.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

struct network {
	int family;
	unsigned char bytes[16];
	unsigned bits;
};

/* Are all bits of the address behind the network's zero? */
static bool
is_network(const struct network *n)
{
	for (unsigned i = n->bits; i < (n->family == AF_INET6 ? 128 : 32); i++)
		if ((n->bytes[i / 8] & (0x80 >> i % 8)) != 0)
			return false;
	return true;
}

/* Parses "address/bits"; bits may be left out. false if it isn't one. */
static bool
parse(char *text, struct network *out)
{
	char *slash = strchr(text, '/'), *end;
	unsigned long most, bits;

	if (slash != NULL)
		*slash++ = '\0';
	out->family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;
	most = out->family == AF_INET6 ? 128 : 32;
	if (inet_pton(out->family, text, out->bytes) != 1)
		return false;
	out->bits = (unsigned)most;
	if (slash == NULL)
		return true;
	if (*slash < '0' || *slash > '9')
		return false;
	bits = strtoul(slash, &end, 10);
	out->bits = (unsigned)bits;
	return *end == '\0' && bits <= most && is_network(out);
}

bool
localnet_is_list(const char *networks)
{
	char *copy = str_dup(networks), *rest = copy, *word;
	bool fine = true;

	while ((word = strsep(&rest, ",")) != NULL && fine) {
		struct network n;

		fine = parse(word, &n);
	}
	free(copy);
	return fine;
}

static bool
contains(const struct network *n, const struct sockaddr *sa)
{
	const unsigned char *bytes;

	if (sa == NULL || sa->sa_family != n->family)
		return false;
	bytes = n->family == AF_INET6 ?
	    (const void *)&((const struct sockaddr_in6 *)(const void *)
	    sa)->sin6_addr : (const void *)&((const struct sockaddr_in *)
	    (const void *)sa)->sin_addr;
	for (unsigned i = 0; i < n->bits; i += 8) {
		unsigned left = n->bits - i;
		unsigned char mask = left >= 8 ? 0xff :
		    (unsigned char)(0xff << (8 - left));

		if (((bytes[i / 8] ^ n->bytes[i / 8]) & mask) != 0)
			return false;
	}
	return true;
}

static bool
is_ours(const struct network *n, const struct ifaddrs *all)
{
	for (; all != NULL; all = all->ifa_next)
		if ((all->ifa_flags & IFF_UP) != 0 &&
		    contains(n, all->ifa_addr))
			return true;
	return false;
}

bool
localnet_has(const char *networks)
{
	struct ifaddrs *all;
	char *copy, *rest, *word;
	bool found = false;

	if (getifaddrs(&all) == -1)
		return false;
	copy = rest = str_dup(networks);
	while ((word = strsep(&rest, ",")) != NULL && !found) {
		struct network n;

		found = parse(word, &n) && is_ours(&n, all);
	}
	free(copy);
	freeifaddrs(all);
	return found;
}
