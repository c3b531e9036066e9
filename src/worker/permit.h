/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_WORKER_PERMIT_H
#define HAWSER_WORKER_PERMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * permit: PermitRemoteOpen (ssh_config(5)): where the far side's SOCKS clients
 * may go. Names are compared as they are written, never looked up. Pure.
 */

/*
 * Does one of the rules, "any", "none", "host:port", "[host]:port" or
 * "host/port" with "*" for any host or port, let a client go there?
 */
bool permit_allows(char *const *rules, size_t count, const char *host,
    uint16_t port);

#endif
