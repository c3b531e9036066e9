/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CONFIG_INDEX_H
#define HAWSER_CONFIG_INDEX_H

#include <stdbool.h>
#include <stddef.h>

/*
 * index: which items of a list matter to a name, so that resolving a thousand
 * names in a thousand blocks doesn't look at a million. An item is a number:
 * it matters to the names that it was added for, or to every name. A zeroed
 * struct is an empty index.
 */

struct index_row;

struct index {
	struct index_row *rows;		/* a hash table */
	size_t size;			/* of it: 0 or a power of 2 */
	size_t used;
	size_t *all;			/* items that matter to every name */
	size_t all_count;
};

/* Items are added in ascending order. name is borrowed. */
void index_add(struct index *, const char *name, size_t item);
void index_add_for_all(struct index *, size_t item);
void index_fini(struct index *);

/* Is there an item for just this name? */
bool index_has(const struct index *, const char *name);

/* The items that matter to a name, in ascending order, each once. */
struct index_walk {
	const size_t *own, *all;
	size_t own_left, all_left;
};

struct index_walk index_walk(const struct index *, const char *name);
bool index_next(struct index_walk *, size_t *item);

#endif
