/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SUPERVISOR_PROXY_H
#define HAWSER_SUPERVISOR_PROXY_H

#include <sys/types.h>

#include "base/err.h"
#include "base/spawn.h"

struct event_base;

/*
 * proxy: a ProxyCommand. sh -c runs it, whose standard input and output are
 * one end of a socket pair; the other end is the link. A guard stands between
 * sh and us: it leads their process group, and kills it when we die, which
 * death signals alone would not do to a pipeline. What the command writes to
 * standard error becomes log lines.
 */
struct proxy;

/* The hidden option by which hawserd becomes the guard; a command follows. */
#define PROXY_OPTION	"--proxy-guard"

/* The guard's descriptors: the command's standard input and output; error. */
#define PROXY_LINK_FD	3
#define PROXY_ERROR_FD	4

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

/* The guard's whole life. Its exit code: the command's; 128 + a signal. */
int proxy_guard_main(const char *command);

#endif
