/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_BASE_ENDPOINT_H
#define HAWSER_BASE_ENDPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

/*
 * endpoint: one end of a forward: a TCP host and port, or a Unix socket.
 * Owns its host (or path). A zeroed struct is ENDPOINT_NONE.
 */

#define ENDPOINT_PATH_MAX	107	/* bytes: sun_path less its NUL */
#define ENDPOINT_HOST_MAX	255	/* bytes: RFC 1928's longest name */

enum endpoint_kind {
	ENDPOINT_NONE,		/* dynamic forwards have no target */
	ENDPOINT_TCP,
	ENDPOINT_UNIX,
};

struct endpoint {
	enum endpoint_kind kind;
	char *host;		/* name, literal, "*", or the socket's path */
	uint16_t port;		/* 0 for Unix sockets and "any port" */
};

/*
 * Parses "host:port", "[v6]:port", "*:port", ":port" (host "*"), "port"
 * (host NULL) or a path that holds a slash. 0, or -1 with ERR_INPUT.
 * A port is 0..65535 in decimal. What out held before is not freed.
 */
int endpoint_parse(struct endpoint *out, const char *text, struct err *);

/* Appends "host:port", with brackets around an IPv6 host, or the path. */
void endpoint_format(const struct endpoint *, struct str *out);

void endpoint_copy(struct endpoint *out, const struct endpoint *from);
bool endpoint_equal(const struct endpoint *, const struct endpoint *);
void endpoint_fini(struct endpoint *);

/* Parses a decimal port. 0, or -1 with ERR_INPUT. */
int endpoint_parse_port(uint16_t *out, const char *text, struct err *);

#endif
