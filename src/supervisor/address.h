/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SUPERVISOR_ADDRESS_H
#define HAWSER_SUPERVISOR_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

/* address: where a socket listens, as the kernel and as people write it. */
union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_un un;
	struct sockaddr_storage space;
};

/* Fills *out and *len; false if literal is neither IPv4 nor IPv6. */
bool address_parse(union address *out, socklen_t *len, const char *literal,
    uint16_t port);

/* What the socket is bound to. False if it isn't a socket. */
bool address_of(union address *out, int fd);

/*
 * New: "127.0.0.1:8080", "[::1]:8080", a path; "" of any other family, and of
 * a Unix socket without a path.
 */
char *address_format(const union address *);

#endif
