/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SUPERVISOR_RELOAD_H
#define HAWSER_SUPERVISOR_RELOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "supervisor/host.h"

struct event_base;
struct notices;

/*
 * reload: the configuration in force, and the way to the next one: load, plan,
 * apply; all or nothing. One at a time: wishes that come meanwhile are one
 * further reload.
 */
struct reload;

struct reload_wish {
	bool dry_run;		/* only say what it would change */
	bool force;		/* even if files look half-written */
};

struct reload_result {
	const char *error;	/* NULL if it was (would be) applied */
	/* Every diagnostic of the files; NULL if nothing could be loaded. */
	const struct config *config;
	const struct plan *plan;	/* NULL if the files hold an error */
};

typedef void reload_done(void *arg, const struct reload_result *);

/* A configuration is about to come in force. */
typedef void reload_apply(void *arg, const struct config *);

/* What status shows. */
struct reload_info {
	int64_t loaded_wall_ms;		/* 0: never */
	int64_t tried_wall_ms;		/* the last try, good or bad; 0 */
	unsigned generation;		/* 0 before the first */
	const char *error;		/* of the last try; NULL: none */
};

/*
 * New. Borrows the table, the source's strings and whom to tell (NULL:
 * nobody) that a configuration was applied or, with why, refused.
 */
struct reload *reload_new(struct event_base *, struct host_table *,
    const struct config_source *, struct notices *);
void reload_free(struct reload *);

/* Who is told before its hosts begin. */
void reload_watch(struct reload *, reload_apply *, void *arg);

/*
 * Reloads from files as they are from now on. done (may be NULL) comes once,
 * from the loop. After the first load, files have to rest for a moment, and
 * what looks half-written (config/torn.h) is refused without force.
 */
void reload_start(struct reload *, struct reload_wish, reload_done *done,
    void *arg);

/* Whoever waits with this arg is gone. */
void reload_forget(struct reload *, const void *arg);

struct reload_info reload_info(const struct reload *);

#endif
