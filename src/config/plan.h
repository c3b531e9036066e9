/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CONFIG_PLAN_H
#define HAWSER_CONFIG_PLAN_H

#include <stddef.h>

#include "config/config.h"

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
};

struct plan_step {
	enum plan_action action;
	const char *name;		/* borrowed from old or new_ */
	const struct host *old;		/* NULL for PLAN_ADD */
	const struct host *new_;	/* NULL for PLAN_REMOVE */
	const struct forward **cancel;	/* borrowed from old; PLAN_LIVE */
	size_t cancel_count;
	const struct forward **add;	/* borrowed from new_; PLAN_LIVE */
	size_t add_count;
};

struct plan {
	struct plan_step *steps;	/* removals, then in new_'s order */
	size_t step_count;
};

/* New; borrows both models, which must outlive it. old may be NULL. */
struct plan *plan_make(const struct config *old, const struct config *new_);

void plan_free(struct plan *);

#endif
