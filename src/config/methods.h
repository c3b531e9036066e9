/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CONFIG_METHODS_H
#define HAWSER_CONFIG_METHODS_H

#include <stddef.h>

#include "config/config.h"
#include "config/resolve.h"

/* methods: how a host may be logged in to, and in which order it is tried. */

#define METHODS_MAX	3

/* The fields of out that say so. Those of the rows are set already. */
void methods_build(struct host *out, const struct resolution *);

/*
 * Fills out with the names of RFC 4252 and RFC 4256 (borrowed from the host)
 * that are left when all is said: those of PreferredAuthentications without
 * those that other keywords rule out. How many there are.
 */
size_t methods_list(const struct host *, char *out[METHODS_MAX]);

/* Tells the report which ones hawser can't do, and if none is left. */
void methods_check(const struct host *, const struct resolution *,
    struct config *report);

#endif
