/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CONFIG_JUMP_H
#define HAWSER_CONFIG_JUMP_H

#include "config/config.h"
#include "config/resolve.h"

/*
 * jump: the way to a host: ProxyJump's hops, each resolved by its own name,
 * and ProxyCommand. As with ssh, the first hop may itself lie behind others;
 * what the further ones say about their own way doesn't count.
 */

#define JUMP_HOPS_MAX	16	/* on the way to one host */

/*
 * Fills proxy_command and jumps of a host that host_build() filled from r. A
 * command belongs to what it leads to: the first hop if there is one, else the
 * host. What is wrong goes to the report.
 */
void jump_build(struct host *, const struct resolution *r,
    const struct resolve_source *, struct config *report);

#endif
