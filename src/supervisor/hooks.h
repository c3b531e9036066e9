/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SUPERVISOR_HOOKS_H
#define HAWSER_SUPERVISOR_HOOKS_H

#include "supervisor/host.h"

struct event_base;
struct notices;

/*
 * hooks: runs a host's HawserOnChange when its state, or that of one of its
 * forwards, has become another, with the facts in the environment. One at a
 * time for each host, HOOKS_RUNNING_MAX for all of them; what happens meanwhile
 * waits, and of one host or forward only from what to what: the last run of a
 * hook always sees the state that is. Coming and going by a reload are no
 * changes of state.
 */
struct hooks;

#define HOOKS_LIMIT_S		30	/* then a hook is killed */
#define HOOKS_RUNNING_MAX	8

/* New. Borrows all; limit_s is HOOKS_LIMIT_S, or less in tests. */
struct hooks *hooks_new(struct event_base *, const struct host_table *,
    struct notices *, int limit_s);

/*
 * From now on none is started: that everything ends when hawserd does is no
 * news. Those that run may go on.
 */
void hooks_stop(struct hooks *);

/* Kills what still runs; NULL is fine. Before the table and notices go. */
void hooks_free(struct hooks *);

#endif
