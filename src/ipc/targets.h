/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_IPC_TARGETS_H
#define HAWSER_IPC_TARGETS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/forward.h"

/*
 * targets: where the remote forwards of one connection lead, as far as a
 * sandbox tells one target from another: TCP ports, and whether there are Unix
 * sockets. The supervisor says which a worker needs; the worker answers which
 * it can still reach. A zeroed struct is "nowhere".
 */
struct targets {
	bool any_port;		/* SOCKS is served to the far side */
	bool unix_sockets;
	uint16_t *ports;	/* each once; without meaning if any_port */
	size_t port_count;
};

/* Above so many ports it is "any port". */
#define TARGETS_PORTS_MAX	1024

/* Adds what a forward needs; one that listens here needs nothing. */
void targets_add(struct targets *, const struct forward *);

void targets_add_port(struct targets *, uint16_t port);

/* Is what the forward needs among them? */
bool targets_hold(const struct targets *, const struct forward *);

void targets_fini(struct targets *);

/* New: {"any_port":…,"unix":…,"ports":[…]}. */
json_t *targets_encode(const struct targets *);

/* Fills a zeroed out. 0, or -1 with ERR_PROTOCOL. */
int targets_decode(json_t *, struct targets *out, struct err *);

#endif
