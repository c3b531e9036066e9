/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SUPERVISOR_PROXY_H
#define HAWSER_SUPERVISOR_PROXY_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

struct event_base;

/*
 * proxy: a ProxyCommand below a guard. Its standard input and output are one
 * end of a socket pair; the other end is the link. What it writes to standard
 * error becomes log lines.
 */
struct proxy;

/*
 * New: runs command, which tokens and variables no longer stand in. host names
 * it in the log. The new link goes to *link. on_exit comes once, from the loop,
 * when the command and its whole group are gone. NULL with err set.
 */
struct proxy *proxy_start(struct event_base *, const char *host,
    const char *command, int *link, void (*on_exit)(void *arg), void *arg,
    struct err *);

/* Kills the group, if it is still there. NULL is fine. */
void proxy_free(struct proxy *);

/* The same, but on_exit comes. */
void proxy_kill(struct proxy *);

/* The guard's, -1 when it is gone. */
pid_t proxy_pid(const struct proxy *);

/* Has it ended, and well? */
bool proxy_is_over(const struct proxy *);
bool proxy_failed(const struct proxy *);

/*
 * "ProxyCommand ended with exit code 1: the last thing that it said". Borrowed;
 * NULL while it runs.
 */
const char *proxy_how(const struct proxy *);

#endif
