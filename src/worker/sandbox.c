/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "worker/sandbox.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/fdio.h"
#include "base/log.h"
#include "worker/syscall_filter.h"

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED	true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED	true
#endif
#endif
#ifndef SANITIZED
#define SANITIZED	false
#endif

#ifdef HAWSER_LANDLOCK
#define LANDLOCK	true
#else
#define LANDLOCK	false
#endif

/*
 * Landlock, landlock(7): written out here because the kernel's header on the
 * machine that builds may be older than the kernel that runs this.
 */
#define CREATE_RULESET	444	/* the same number on all architectures */
#define ADD_RULE	445
#define RESTRICT_SELF	446

#define CREATE_VERSION	(1u << 0)
#define RULE_NET_PORT	2
#define NET_BIND_TCP	(1ull << 0)
#define NET_CONNECT_TCP	(1ull << 1)
#define SCOPES		((1ull << 0) | (1ull << 1))

struct ruleset {
	uint64_t files;		/* what is refused unless a rule allows it */
	uint64_t net;
	uint64_t scoped;	/* abstract Unix sockets, signals */
};

struct net_port {
	uint64_t allowed;
	uint64_t port;
};

/* What each version of the interface added. */
static const struct {
	long abi;
	struct ruleset adds;
} versions[] = {
	{ 1, { .files = (1ull << 13) - 1 } },
	{ 2, { .files = 1ull << 13 } },
	{ 3, { .files = 1ull << 14 } },
	{ 4, { .net = NET_BIND_TCP | NET_CONNECT_TCP } },
	{ 5, { .files = 1ull << 15 } },
	{ 6, { .scoped = SCOPES } },
};

static int
allow_ports(int fd, const struct targets *needs)
{
	for (size_t i = 0; i < needs->port_count; i++) {
		struct net_port rule = { NET_CONNECT_TCP, needs->ports[i] };

		if (syscall(ADD_RULE, fd, RULE_NET_PORT, &rule, 0) == -1)
			return -1;
	}
	return 0;
}

/* True with *ports set if TCP ports are confined, too. */
static bool
enter_landlock(const struct targets *needs, bool *ports)
{
	struct ruleset all = { 0 };
	long abi;
	int fd = -1;

	abi = syscall(CREATE_RULESET, NULL, 0, CREATE_VERSION);
	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
		if (versions[i].abi <= abi) {
			all.files |= versions[i].adds.files;
			all.net |= versions[i].adds.net;
			all.scoped |= versions[i].adds.scoped;
		}
	if (needs->any_port)
		all.net &= ~NET_CONNECT_TCP;
	*ports = (all.net & NET_CONNECT_TCP) != 0;
	if (abi >= 1)
		fd = (int)syscall(CREATE_RULESET, &all, sizeof(all), 0);
	if (fd != -1 && (!*ports || allow_ports(fd, needs) == 0) &&
	    syscall(RESTRICT_SELF, fd, 0) == 0) {
		fd_close(&fd);
		return true;
	}
	/* Not built into the kernel, or not switched on. */
	if (errno != ENOSYS && errno != EOPNOTSUPP)
		log_warn("files stay within reach: %s", strerror(errno));
	fd_close(&fd);
	*ports = false;
	return false;
}

static bool
enter_filter(const struct targets *needs)
{
	struct err err;
	int rc = syscall_filter_load(needs, &err);

	if (rc == -1)
		log_warn("system calls are not filtered: %s", err.text);
	return rc == 0;
}

/* Only root has any here: a user's hawserd leaves none to its children. */
static void
drop_capabilities(void)
{
	struct err err;

	caps_forbid_gain();
	if (caps_keep(CAPS_NONE, &err) == -1)
		log_warn("capabilities stay: %s", err.text);
}

void
sandbox_prepare(void)
{
	/* strftime(3) reads the time zone once, even for times in UTC. */
	tzset();
}

const char *
sandbox_enter(const struct targets *needs, struct targets *reach)
{
	bool files, calls, ports = false;

	reach->any_port = true;
	reach->unix_sockets = true;
	drop_capabilities();
	if (SANITIZED)
		return "none";
	/* The filter comes second: it does not let rulesets be made. */
	files = LANDLOCK && enter_landlock(needs, &ports);
	calls = enter_filter(needs);
	if (ports || (calls && needs->port_count == 0))
		reach->any_port = needs->any_port;
	if (calls)
		reach->unix_sockets = needs->unix_sockets;
	for (size_t i = 0; i < needs->port_count; i++)
		targets_add_port(reach, needs->ports[i]);
	return files && calls ? "seccomp+landlock" : calls ? "seccomp" :
	    files ? "landlock" : "none";
}
