/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_WORKER_DIAL_H
#define HAWSER_WORKER_DIAL_H

#include "ipc/order.h"
#include "worker/ending.h"
#include "worker/report.h"

/*
 * dial: the TCP connection to the server, straight-line. Each address of the
 * name is tried in the order that getaddrinfo(3) gives (RFC 6724), until the
 * order's connect_timeout_s is over; each gets its share of what is left.
 */

/*
 * The connected socket, or -1 with the ending set (resolve, unreachable,
 * refused, timeout). Reports the phases resolve and connect. Resolving has no
 * deadline here: whoever reads the facts holds it.
 */
int dial_server(const struct session_order *, struct report *,
    struct ending *);

/*
 * Prepares a link for a session: no delay, and the kernel gives up unanswered
 * data when the pings would. Does nothing to what is not TCP.
 */
void dial_set_options(int fd, const struct session_order *);

#endif
