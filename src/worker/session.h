/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_WORKER_SESSION_H
#define HAWSER_WORKER_SESSION_H

#include "ipc/order.h"
#include "ssh/known_hosts.h"
#include "ssh/transport.h"
#include "worker/ending.h"
#include "worker/report.h"

/*
 * session: the straight line from the order to an authenticated transport:
 * keys and known hosts are read, the server is dialled (or the link given),
 * then key exchange, host key, authentication. Blocks; each phase is a fact,
 * and whoever reads the facts may kill us when one takes too long.
 */

#define SESSION_AGENT_MS	5000	/* an agent's, to list its keys */
#define SESSION_RECORD_MS	10000	/* the supervisor's, to write a key */
#define SESSION_AUTH_MS		30000	/* authentication's own deadline */

/*
 * New transport, authenticated, still in blocking mode; NULL with the ending
 * set. sock, borrowed, brings the orders. link_fd (taken) is a finished link,
 * or -1 to dial TCP. What known_hosts says of the server goes to *known (new;
 * NULL after a failure, or when a CA has vouched for the server: then its keys
 * need no lines of their own).
 */
struct transport *session_start(const struct session_order *, int sock,
    int link_fd, struct report *, struct known_hosts **known,
    struct ending *);

#endif
