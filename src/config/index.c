/* SPDX-License-Identifier: ISC */
#include "config/index.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

struct index_row {
	const char *name;	/* NULL: free */
	size_t *items;
	size_t count;
};

/* FNV-1a; the names are the operator's own, so that none are hostile. */
static size_t
hash(const char *name)
{
	uint64_t h = 14695981039346656037u;

	for (; *name != '\0'; name++)
		h = (h ^ (unsigned char)*name) * 1099511628211u;
	return (size_t)(h ^ h >> 32);
}

/* The row of name, or the free one where it belongs. size isn't 0. */
static struct index_row *
find(struct index_row *rows, size_t size, const char *name)
{
	size_t i = hash(name) & (size - 1);

	while (rows[i].name != NULL && strcmp(rows[i].name, name) != 0)
		i = (i + 1) & (size - 1);
	return &rows[i];
}

static void
grow(struct index *x)
{
	size_t size = x->size == 0 ? 16 : 2 * x->size;
	struct index_row *rows = mem_alloc(size * sizeof(*rows));

	for (size_t i = 0; i < x->size; i++)
		if (x->rows[i].name != NULL)
			*find(rows, size, x->rows[i].name) = x->rows[i];
	free(x->rows);
	x->rows = rows;
	x->size = size;
}

/* Adds to a list whose room doubles; an item that is last already stays. */
static void
push(size_t **list, size_t *count, size_t item)
{
	if (*count > 0 && (*list)[*count - 1] == item)
		return;
	if ((*count & (*count - 1)) == 0)
		*list = mem_grow(*list, *count == 0 ? 1 : 2 * *count,
		    sizeof(**list));
	(*list)[(*count)++] = item;
}

void
index_add(struct index *x, const char *name, size_t item)
{
	struct index_row *row;

	/* At most three quarters are used. */
	if (4 * (x->used + 1) > 3 * x->size)
		grow(x);
	row = find(x->rows, x->size, name);
	if (row->name == NULL) {
		row->name = name;
		x->used++;
	}
	push(&row->items, &row->count, item);
}

void
index_add_for_all(struct index *x, size_t item)
{
	push(&x->all, &x->all_count, item);
}

void
index_fini(struct index *x)
{
	for (size_t i = 0; i < x->size; i++)
		free(x->rows[i].items);
	free(x->rows);
	free(x->all);
	*x = (struct index){ 0 };
}

bool
index_has(const struct index *x, const char *name)
{
	return x->size > 0 && find(x->rows, x->size, name)->name != NULL;
}

struct index_walk
index_walk(const struct index *x, const char *name)
{
	struct index_walk w = { .all = x->all, .all_left = x->all_count };

	if (x->size > 0) {
		const struct index_row *row = find(x->rows, x->size, name);

		w.own = row->items;
		w.own_left = row->count;
	}
	return w;
}

bool
index_next(struct index_walk *w, size_t *item)
{
	bool own = w->own_left > 0, all = w->all_left > 0;

	if (!own && !all)
		return false;
	if (own && all && *w->own == *w->all) {
		w->all++;	/* it matters twice: once is enough */
		w->all_left--;
		all = w->all_left > 0;
	}
	if (own && (!all || *w->own < *w->all)) {
		*item = *w->own++;
		w->own_left--;
	} else {
		*item = *w->all++;
		w->all_left--;
	}
	return true;
}
