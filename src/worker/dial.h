/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_WORKER_DIAL_H
#define HAWSER_WORKER_DIAL_H

#include "ipc/order.h"
#include "worker/ending.h"
#include "worker/report.h"

/*
 * dial: the TCP connection to the server, straight-line, by "happy eyeballs"
 * (RFC 8305): the addresses of the name, in the order that getaddrinfo(3) gives
 * (RFC 6724) but with alternating families, are tried DIAL_STAGGER_MS apart, or
 * as soon as one fails. The first that answers is taken, the others are closed.
 * All of it together lasts the order's connect_timeout_s at most.
 */

#define DIAL_STAGGER_MS		250
#define DIAL_ADDRESSES_MAX	16	/* of a name that has more */

/*
 * The connected socket, or -1 with the ending set (resolve, unreachable,
 * refused, timeout, closed-early): each address with its error, as far as there
 * is room. Reports the phases resolve and connect. Resolving has no deadline
 * here: whoever reads the facts holds it.
 */
int dial_server(const struct session_order *, struct report *,
    struct ending *);

#endif
