/* SPDX-License-Identifier: ISC */
#include "config/plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "config/host.h"
#include "config/keyword.h"

static struct plan_step *
add_step(struct plan *p, enum plan_action action, const struct host *old,
    const struct host *new_)
{
	p->steps = mem_grow(p->steps, p->step_count + 1, sizeof(*p->steps));
	p->steps[p->step_count] = (struct plan_step){
		.action = action,
		.name = new_ != NULL ? new_->name : old->name,
		.old = old,
		.new_ = new_,
	};
	return &p->steps[p->step_count++];
}

/* What the rows say about the fields that differ: the strongest of it. */
static enum plan_action
compare_hosts(const struct host *old, const struct host *new_)
{
	enum plan_action action = PLAN_KEEP;

	for (int i = 0; i < KEYWORD_COUNT; i++) {
		const struct keyword *k = keyword_get((enum keyword_id)i);

		if (host_field_equal(k, old, new_))
			continue;
		if (k->reload == RELOAD_REPLACE)
			return PLAN_REPLACE;
		action = PLAN_LIVE;
	}
	return action;
}

static bool
has_forward(const struct host *h, const struct forward *f)
{
	for (size_t i = 0; i < h->forward_count; i++)
		if (forward_equal(&h->forwards[i], f))
			return true;
	return false;
}

/* The forwards of one that the other hasn't; new. */
static const struct forward **
missing(const struct host *from, const struct host *other, size_t *count)
{
	const struct forward **list =
	    mem_alloc(from->forward_count * sizeof(*list));

	for (size_t i = 0; i < from->forward_count; i++)
		if (!has_forward(other, &from->forwards[i]))
			list[(*count)++] = &from->forwards[i];
	return list;
}

static void
compare_forwards(struct plan_step *s)
{
	s->cancel = missing(s->old, s->new_, &s->cancel_count);
	s->add = missing(s->new_, s->old, &s->add_count);
}

/* A model's hosts in the order of their names; new. */
static const struct host **
sort_hosts(const struct config *c,
    int (*order)(const void *, const void *))
{
	const struct host **list = mem_alloc(c->host_count * sizeof(*list));

	for (size_t i = 0; i < c->host_count; i++)
		list[i] = &c->hosts[i];
	if (c->host_count > 0)
		qsort(list, c->host_count, sizeof(*list), order);
	return list;
}

static int
by_name(const void *a, const void *b)
{
	const struct host *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

static const struct host *
find(const struct host *const *sorted, size_t count, const char *name)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(name, sorted[middle]->name);

		if (order == 0)
			return sorted[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

static void
add_changes(struct plan *p, const struct config *old,
    const struct config *new_)
{
	const struct host **sorted = sort_hosts(old, by_name);

	for (size_t i = 0; i < new_->host_count; i++) {
		const struct host *h = &new_->hosts[i];
		const struct host *was = find(sorted, old->host_count,
		    h->name);
		struct plan_step *s;

		s = add_step(p, was == NULL ? PLAN_ADD :
		    compare_hosts(was, h), was, h);
		if (s->action == PLAN_LIVE)
			compare_forwards(s);
	}
	free(sorted);
}

static void
add_removals(struct plan *p, const struct config *old,
    const struct config *new_)
{
	const struct host **sorted = sort_hosts(new_, by_name);

	for (size_t i = 0; i < old->host_count; i++)
		if (find(sorted, new_->host_count, old->hosts[i].name) == NULL)
			add_step(p, PLAN_REMOVE, &old->hosts[i], NULL);
	free(sorted);
}

struct plan *
plan_make(const struct config *old, const struct config *new_)
{
	static const struct config nothing;
	struct plan *p = mem_alloc(sizeof(*p));

	if (old == NULL)
		old = &nothing;
	add_removals(p, old, new_);
	add_changes(p, old, new_);
	return p;
}

void
plan_free(struct plan *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < p->step_count; i++) {
		free(p->steps[i].cancel);
		free(p->steps[i].add);
	}
	free(p->steps);
	free(p);
}
