/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_WORKER_DIAL_SOCKET_H
#define HAWSER_WORKER_DIAL_SOCKET_H

#include <netdb.h>

#include "base/err.h"
#include "ipc/order.h"

/*
 * dial_socket: a socket towards one address of the server, with the options
 * that ssh_config(5) has for it.
 */

/*
 * New: non-blocking, its options set, bound to BindAddress or to an address of
 * BindInterface. The socket, or -1 with ERR_SYS, or ERR_NOTFOUND if there is
 * no such source in the address's family.
 */
int dial_socket_new(const struct session_order *, const struct addrinfo *to,
    struct err *);

/*
 * Prepares a link for a session: no delay, TCPKeepAlive, IPQoS, and the kernel
 * gives up unanswered data when the pings would. Does nothing to what is not
 * TCP.
 */
void dial_socket_options(int fd, const struct session_order *);

/* The last of these alone, for when the pings are others. */
void dial_socket_patience(int fd, const struct session_order *);

#endif
