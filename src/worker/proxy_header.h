/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_WORKER_PROXY_HEADER_H
#define HAWSER_WORKER_PROXY_HEADER_H

#include <stddef.h>
#include <stdint.h>

#include "ipc/order.h"

/*
 * proxy_header: the PROXY protocol's header, versions 1 and 2 (HAProxy's
 * proxy-protocol.txt), by which the service behind a remote forward learns
 * who its client is. Pure.
 */

#define PROXY_HEADER_MAX	107	/* bytes: version 1's longest */

struct proxy_header {
	size_t len;		/* 0: none is wanted */
	uint8_t bytes[PROXY_HEADER_MAX];
};

/*
 * Fills out for a client at originator, a literal, that connected to
 * connected. Where that is no literal of the client's family, the family's
 * "any" address is given; of a client without an address (of a Unix socket) it
 * is said that nothing is known.
 */
void proxy_header_make(struct proxy_header *out, enum proxy_protocol version,
    const char *originator, uint16_t originator_port, const char *connected,
    uint16_t connected_port);

#endif
