/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "supervisor/holder.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TCP_LISTEN_STATE	0x0a	/* net/tcp's column st */
#define UNIX_LISTENS		0x10000	/* net/unix's Flags: __SO_ACCEPTCON */

struct address {
	uint8_t bytes[16];
	size_t len;		/* 4 or 16 */
	uint16_t port;		/* host byte order */
};

static void
read_address(const struct sockaddr *sa, struct address *out)
{
	memset(out, 0, sizeof(*out));
	if (sa->sa_family == AF_INET) {
		struct sockaddr_in in;

		memcpy(&in, sa, sizeof(in));
		memcpy(out->bytes, &in.sin_addr, 4);
		out->len = 4;
		out->port = ntohs(in.sin_port);
	} else {
		struct sockaddr_in6 in6;

		memcpy(&in6, sa, sizeof(in6));
		memcpy(out->bytes, &in6.sin6_addr, 16);
		out->len = 16;
		out->port = ntohs(in6.sin6_port);
	}
}

static bool
is_any(const struct address *a)
{
	static const uint8_t zero[16];

	return memcmp(a->bytes, zero, a->len) == 0;
}

/* "0100007F:1F90": words of 32 bits in host byte order, then the port. */
static bool
parse_hex_address(const char *text, size_t len, struct address *out)
{
	const char *p = text;
	unsigned port;

	memset(out, 0, sizeof(*out));
	out->len = len;
	for (size_t i = 0; i < len; i += 4) {
		uint32_t word;

		if (sscanf(p, "%8x", &word) != 1)
			return false;
		memcpy(out->bytes + i, &word, 4);
		p += 8;
	}
	if (sscanf(p, ":%4x", &port) != 1)
		return false;
	out->port = (uint16_t)port;
	return true;
}

static bool
is_in_the_way(const struct address *theirs, const struct address *ours)
{
	if (theirs->port != ours->port)
		return false;
	if (theirs->len != ours->len)
		/* Only a socket for both families: it is bound to [::]. */
		return theirs->len == 16 && is_any(theirs);
	return is_any(theirs) || is_any(ours) ||
	    memcmp(theirs->bytes, ours->bytes, ours->len) == 0;
}

bool
holder_match_line(const char *line, int family, const struct sockaddr *addr,
    unsigned long *inode)
{
	struct address theirs, ours;
	char local[48];
	unsigned state;

	/* sl local rem st queues timer retransmits uid timeout inode */
	if (sscanf(line, " %*d: %47s %*s %x %*s %*s %*s %*s %*s %lu", local,
	    &state, inode) != 3 || state != TCP_LISTEN_STATE)
		return false;
	if (strlen(local) != (family == AF_INET ? 13 : 37) ||
	    !parse_hex_address(local, family == AF_INET ? 4 : 16, &theirs))
		return false;
	read_address(addr, &ours);
	return is_in_the_way(&theirs, &ours);
}

static bool
find_inode(const char *path, int family, const struct sockaddr *addr,
    unsigned long *inode)
{
	FILE *f = fopen(path, "re");
	char line[512];
	bool found = false;

	if (f == NULL)
		return false;
	while (!found && fgets(line, sizeof(line), f) != NULL)
		found = holder_match_line(line, family, addr, inode);
	fclose(f);
	return found;
}

static bool
has_socket(const char *pid, const char *wanted)
{
	char path[300], link[64];
	struct dirent *e;
	bool found = false;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	if ((dir = opendir(path)) == NULL)
		return false;
	while (!found && (e = readdir(dir)) != NULL) {
		ssize_t n = readlinkat(dirfd(dir), e->d_name, link,
		    sizeof(link) - 1);

		if (n > 0) {
			link[n] = '\0';
			found = strcmp(link, wanted) == 0;
		}
	}
	closedir(dir);
	return found;
}

static void
describe(const char *pid, char *out, size_t size)
{
	char path[300], name[64] = "a program";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	if ((f = fopen(path, "re")) != NULL) {
		if (fgets(name, sizeof(name), f) != NULL)
			name[strcspn(name, "\n")] = '\0';
		fclose(f);
	}
	snprintf(out, size, "%s (pid %s)", name, pid);
}

/* The process that has the socket with this inode open. */
static bool
find_process(unsigned long inode, char *out, size_t size)
{
	char wanted[64];
	struct dirent *e;
	bool found = false;
	DIR *dir;

	snprintf(wanted, sizeof(wanted), "socket:[%lu]", inode);
	if ((dir = opendir("/proc")) == NULL)
		return false;
	while (!found && (e = readdir(dir)) != NULL)
		if (isdigit((unsigned char)e->d_name[0]) &&
		    has_socket(e->d_name, wanted)) {
			describe(e->d_name, out, size);
			found = true;
		}
	closedir(dir);
	return found;
}

bool
holder_find(const struct sockaddr *addr, char *out, size_t size)
{
	unsigned long inode;

	out[0] = '\0';
	if (!find_inode("/proc/self/net/tcp", AF_INET, addr, &inode) &&
	    !find_inode("/proc/self/net/tcp6", AF_INET6, addr, &inode))
		return false;
	return find_process(inode, out, size);
}

bool
holder_match_unix_line(const char *line, const char *path,
    unsigned long *inode)
{
	unsigned long flags;
	int at = 0;
	size_t len;

	/* Num RefCount Protocol Flags Type St Inode Path */
	if (sscanf(line, "%*s %*s %*s %lx %*s %*s %lu %n", &flags, inode,
	    &at) != 2 || at == 0 || (flags & UNIX_LISTENS) == 0)
		return false;
	len = strcspn(line + at, "\n");
	return len == strlen(path) && memcmp(line + at, path, len) == 0;
}

bool
holder_find_unix(const char *path, char *out, size_t size)
{
	FILE *f = fopen("/proc/self/net/unix", "re");
	unsigned long inode = 0;
	char line[512];
	bool found = false;

	out[0] = '\0';
	if (f == NULL)
		return false;
	while (!found && fgets(line, sizeof(line), f) != NULL)
		found = holder_match_unix_line(line, path, &inode);
	fclose(f);
	return found && find_process(inode, out, size);
}
