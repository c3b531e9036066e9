/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CONFIG_PLAN_H
#define HAWSER_CONFIG_PLAN_H

#include <stddef.h>

#include "base/str.h"
#include "config/config.h"
#include "config/keyword.h"

/*
 * plan: what a reload changes, as data. Pure: old and new model in, steps
 * out; whoever applies them decides nothing.
 */

enum plan_action {
	PLAN_KEEP,		/* nothing that matters differs */
	PLAN_LIVE,		/* forwards or settings change on the link */
	PLAN_REPLACE,		/* the connection itself differs */
	PLAN_ADD,
	PLAN_REMOVE,
	PLAN_ACTION_COUNT
};

enum plan_forward_action {
	PLAN_FORWARD_CANCEL,
	PLAN_FORWARD_RETARGET,	/* the same listening side leads elsewhere */
	PLAN_FORWARD_ADD,
	PLAN_FORWARD_ACTION_COUNT
};

struct plan_change {
	enum plan_forward_action action;
	const struct forward *forward;	/* borrowed: old's if it is cancelled */
};

/* Rows and changes are those of PLAN_LIVE and PLAN_REPLACE. */
struct plan_step {
	enum plan_action action;
	const char *name;		/* borrowed from old or new_ */
	const struct host *old;		/* NULL for PLAN_ADD */
	const struct host *new_;	/* NULL for PLAN_REMOVE */
	const struct keyword **rows;	/* that differ, but for forwards' */
	size_t row_count;
	struct plan_change *changes;	/* of forwards: those that go first */
	size_t change_count;
};

struct plan {
	struct plan_step *steps;	/* removals, then in new_'s order */
	size_t step_count;
	size_t counts[PLAN_ACTION_COUNT];	/* of its steps */
};

/* New; borrows both models, which must outlive it. old may be NULL. */
struct plan *plan_make(const struct config *old, const struct config *new_);

void plan_free(struct plan *);

/* "keep", "cancel"... */
const char *plan_action_name(enum plan_action);
const char *plan_forward_action_name(enum plan_forward_action);

/* Appends a line for each host that isn't kept. */
void plan_format(const struct plan *, struct str *out);

/* New: [{"name":…,"action":…,"keywords":[…],"forwards":[…]}…]. */
json_t *plan_encode(const struct plan *);

#endif
