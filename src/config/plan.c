/* SPDX-License-Identifier: ISC */
#include "config/plan.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "config/host.h"
#include "config/keyword.h"

static const char *const actions[] = {
	[PLAN_KEEP] = "keep",
	[PLAN_LIVE] = "live",
	[PLAN_REPLACE] = "replace",
	[PLAN_ADD] = "add",
	[PLAN_REMOVE] = "remove",
};
static_assert(sizeof(actions) / sizeof(actions[0]) == PLAN_ACTION_COUNT,
    "one name per action");

static const char *const forward_actions[] = {
	[PLAN_FORWARD_CANCEL] = "cancel",
	[PLAN_FORWARD_RETARGET] = "retarget",
	[PLAN_FORWARD_ADD] = "add",
};
static_assert(sizeof(forward_actions) / sizeof(forward_actions[0]) ==
    PLAN_FORWARD_ACTION_COUNT, "one name per action");

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

static void
add_row(struct plan_step *s, const struct keyword *row)
{
	s->rows = mem_grow(s->rows, s->row_count + 1, sizeof(*s->rows));
	s->rows[s->row_count++] = row;
}

/* What may change on a hop's link, which its forwards and waits don't have. */
static bool
hops_are_set_alike(const struct host *a, const struct host *b)
{
	static const enum keyword_id rows[] = { KW_SERVERALIVEINTERVAL,
		KW_SERVERALIVECOUNTMAX, KW_HASHKNOWNHOSTS };

	for (size_t i = 0; i < a->jump_count; i++)
		for (size_t j = 0; j < sizeof(rows) / sizeof(rows[0]); j++)
			if (!host_field_equal(keyword_get(rows[j]),
			    &a->jumps[i], &b->jumps[i]))
				return false;
	return true;
}

/* What a change of the row means here. */
static enum keyword_reload
compare_row(const struct keyword *k, const struct plan_step *s)
{
	if (!host_field_equal(k, s->old, s->new_))
		return k->reload;
	if (k->field == FIELD_JUMPS && !hops_are_set_alike(s->old, s->new_))
		return RELOAD_LIVE;
	return RELOAD_NONE;
}

/* What the rows say about the fields that differ: the strongest of it. */
static void
compare_rows(struct plan_step *s)
{
	for (int i = 0; i < KEYWORD_COUNT; i++) {
		const struct keyword *k = keyword_get((enum keyword_id)i);
		enum keyword_reload reload = compare_row(k, s);

		if (reload == RELOAD_NONE)
			continue;
		if (reload == RELOAD_REPLACE)
			s->action = PLAN_REPLACE;
		else if (s->action == PLAN_KEEP)
			s->action = PLAN_LIVE;
		if (k->field != FIELD_FORWARDS)
			add_row(s, k);
	}
}

static void
add_change(struct plan_step *s, enum plan_forward_action action,
    const struct forward *f)
{
	s->changes = mem_grow(s->changes, s->change_count + 1,
	    sizeof(*s->changes));
	s->changes[s->change_count++] = (struct plan_change){ action, f };
}

/* The forward of h with f's id, or NULL. */
static const struct forward *
find_forward(const struct host *h, const struct forward *f)
{
	for (size_t i = 0; i < h->forward_count; i++)
		if (strcmp(h->forwards[i].id, f->id) == 0)
			return &h->forwards[i];
	return NULL;
}

/* Can one take the other's place without letting go of the listener? */
static bool
listens_alike(const struct forward *a, const struct forward *b)
{
	return a->kind == b->kind && endpoint_equal(&a->listen, &b->listen);
}

static void
compare_forwards(struct plan_step *s)
{
	for (size_t i = 0; i < s->old->forward_count; i++) {
		const struct forward *was = &s->old->forwards[i];
		const struct forward *is = find_forward(s->new_, was);

		if (is == NULL || !listens_alike(was, is))
			add_change(s, PLAN_FORWARD_CANCEL, was);
	}
	for (size_t i = 0; i < s->new_->forward_count; i++) {
		const struct forward *is = &s->new_->forwards[i];
		const struct forward *was = find_forward(s->old, is);

		if (was == NULL || !listens_alike(was, is))
			add_change(s, PLAN_FORWARD_ADD, is);
		else if (!forward_equal(was, is))
			add_change(s, PLAN_FORWARD_RETARGET, is);
	}
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

		s = add_step(p, was == NULL ? PLAN_ADD : PLAN_KEEP, was, h);
		if (was == NULL)
			continue;
		compare_rows(s);
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
	for (size_t i = 0; i < p->step_count; i++)
		p->counts[p->steps[i].action]++;
	return p;
}

void
plan_free(struct plan *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < p->step_count; i++) {
		free(p->steps[i].rows);
		free(p->steps[i].changes);
	}
	free(p->steps);
	free(p);
}

const char *
plan_action_name(enum plan_action action)
{
	return actions[action];
}

const char *
plan_forward_action_name(enum plan_forward_action action)
{
	return forward_actions[action];
}

static void
format_step(const struct plan_step *s, struct str *out)
{
	const char *before = ": ";

	str_printf(out, "%-7s  %s", actions[s->action], s->name);
	for (size_t i = 0; i < s->row_count; i++, before = ", ")
		str_printf(out, "%s%s", before, s->rows[i]->name);
	for (size_t i = 0; i < s->change_count; i++, before = ", ")
		str_printf(out, "%s%s %s", before,
		    forward_actions[s->changes[i].action],
		    s->changes[i].forward->id);
	if (s->action == PLAN_LIVE && s->row_count + s->change_count == 0)
		str_append(out, ": the order of its forwards");
	str_append(out, "\n");
}

void
plan_format(const struct plan *p, struct str *out)
{
	for (size_t i = 0; i < p->step_count; i++)
		if (p->steps[i].action != PLAN_KEEP)
			format_step(&p->steps[i], out);
}

static json_t *
encode_step(const struct plan_step *s)
{
	json_t *keywords = json_array(), *forwards = json_array();

	for (size_t i = 0; i < s->row_count; i++)
		json_array_append_new(keywords,
		    json_string(s->rows[i]->name));
	for (size_t i = 0; i < s->change_count; i++)
		json_array_append_new(forwards, json_pack("{s:s, s:s}",
		    "id", s->changes[i].forward->id, "action",
		    forward_actions[s->changes[i].action]));
	return json_pack("{s:s, s:s, s:o, s:o}", "name", s->name, "action",
	    actions[s->action], "keywords", keywords, "forwards", forwards);
}

json_t *
plan_encode(const struct plan *p)
{
	json_t *steps = json_array();

	for (size_t i = 0; i < p->step_count; i++)
		json_array_append_new(steps, encode_step(&p->steps[i]));
	return steps;
}
