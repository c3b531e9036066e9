/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CONFIG_HOST_H
#define HAWSER_CONFIG_HOST_H

#include <stdint.h>

#include "config/config.h"
#include "config/keyword.h"
#include "config/resolve.h"

/* host: struct host as a whole: from a resolution, and field by field. */

/* What may stand for something in file names and socket paths. */
#define HOST_TOKENS	"CdhijkLlnpru"

/*
 * Fills a zeroed out, which host_fini() frees, from what was resolved and the
 * defaults of the rows. What can't be used goes to the report.
 */
void host_build(struct host *out, const struct resolution *,
    const char *file, int line, struct config *report);

void host_fini(struct host *);

/* A hop forwards nothing but the link to what lies behind it. */
void host_clear_forwards(struct host *);

/*
 * New: a text that is the same for two hosts if they are reached by the same
 * way: then the same HostName and Port are the same server.
 */
char *host_route(const struct host *);

/* The member of h, which may be const, at an offset that a row names. */
#define HOST_MEMBER(type, h, offset) \
	((type *)((uintptr_t)(const void *)(h) + (offset)))

/* Do the fields that this row fills have the same values? */
bool host_field_equal(const struct keyword *, const struct host *,
    const struct host *);

/* Adds a copy; the origin's file is copied too. */
void host_add_forward(struct host *, const struct forward *,
    const char *file, int line, int column);

#endif
