/* SPDX-License-Identifier: ISC */
#include <stdlib.h>

#include "base/str.h"
#include "supervisor/host_entry.h"

/*
 * While a plan is applied, the listeners of forwards that go are spare: a
 * forward that comes with the same address takes one over, whoever had it. To
 * bind anew would fail until the worker that has a copy has let go of it, and
 * refuse the clients that wait.
 */

static void
put(struct host_table *t, struct host_forward *f)
{
	struct host_spare *s;

	if (f == NULL || !listener_is_open(&f->listener))
		return;
	s = mem_alloc(sizeof(*s));
	endpoint_copy(&s->at, &f->spec.listen);
	s->listener = f->listener;
	f->listener = (struct listener){ 0 };
	LIST_INSERT_HEAD(&t->spares, s, entry);
}

static void
forget(struct host_spare *s)
{
	LIST_REMOVE(s, entry);
	endpoint_fini(&s->at);
	free(s);
}

void
host_spares_gather(struct host_table *t, const struct plan *plan)
{
	for (size_t i = 0; i < plan->step_count; i++) {
		const struct plan_step *s = &plan->steps[i];
		struct host_entry *e = host_table_find(t, s->name);
		struct host_forward *f;

		for (size_t j = 0; j < s->change_count; j++)
			if (s->changes[j].action == PLAN_FORWARD_CANCEL)
				put(t, host_forward_find(e,
				    s->changes[j].forward->id));
		if (s->action == PLAN_REMOVE)
			TAILQ_FOREACH(f, &e->forwards, entry)
				put(t, f);
	}
}

bool
host_spare_take(struct host_table *t, const struct endpoint *at,
    struct listener *out)
{
	struct host_spare *s;

	LIST_FOREACH(s, &t->spares, entry)
		if (endpoint_equal(&s->at, at)) {
			*out = s->listener;
			forget(s);
			return true;
		}
	return false;
}

void
host_spares_close(struct host_table *t)
{
	struct host_spare *s;

	while ((s = LIST_FIRST(&t->spares)) != NULL) {
		listener_close(&s->listener);
		forget(s);
	}
}
