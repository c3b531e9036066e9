/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "config/check.h"
#include "config/config.h"
#include "config/host.h"
#include "config/jump.h"
#include "config/report.h"
#include "config/resolve.h"
#include "config/together.h"
#include "config/tree.h"

/* config_load(): which names make hosts, and what becomes of each. */

/* A name that makes a host, and the line where it first stands. */
struct name {
	const char *text, *file;
	int line, column;
	bool is_sole;
};

struct names {
	struct name *names;
	size_t count;
	struct index index;
};

/* A name that stands a second time: the lines merge, but for YAML's. */
static void
meet_again(const struct name *first, const struct name *here,
    struct config *report)
{
	char *there;

	if (!first->is_sole && !here->is_sole)
		return;
	there = report_place(first->file, first->line, first->column);
	report_add_at(report, SEVERITY_ERROR, here->file, here->line,
	    here->column, "the host \"%s\" stands in %s too: one that stands "
	    "in YAML can't stand elsewhere", here->text, there);
	free(there);
}

static void
add_name(struct names *n, const struct name *name, struct config *report)
{
	struct index_walk walk = index_walk(&n->index, name->text);
	size_t first;

	if (index_next(&walk, &first)) {
		meet_again(&n->names[first], name, report);
		return;
	}
	index_add(&n->index, name->text, n->count);
	if ((n->count & (n->count - 1)) == 0)
		n->names = mem_grow(n->names, n->count == 0 ? 1 :
		    2 * n->count, sizeof(*n->names));
	n->names[n->count++] = *name;
}

/* Adds the first name of each Host line that is no pattern. */
static void
find_names(struct names *out, const struct document_list *list,
    struct config *report)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct document *d = list->documents[i];

		for (size_t j = 0; j < d->count && !d->lends; j++) {
			const struct block *b = &d->blocks[j];
			size_t k = 0;

			while (k < b->patterns.count &&
			    strpbrk(b->patterns.texts[k], "*?!") != NULL)
				k++;
			if (k < b->patterns.count)
				add_name(out, &(struct name){
				    b->patterns.texts[k], d->file, b->line,
				    b->column, d->is_sole }, report);
			for (k = 0; k < b->count; k++)
				find_names(out, &b->entries[k].includes,
				    report);
		}
	}
}

static void
load_host(struct config *c, const struct resolve_source *source,
    const struct name *name)
{
	struct resolution r = { 0 };
	bool wanted;

	if (!resolve_is_clean_name(name->text)) {
		report_add_at(c, SEVERITY_ERROR, name->file, name->line,
		    name->column, "\"%s\" can't be a host's name: it holds a "
		    "character that a shell would act upon", name->text);
		return;
	}
	resolve_name(source, name->text, &r, c);
	wanted = r.settings[KW_LOCALFORWARD].count +
	    r.settings[KW_REMOTEFORWARD].count +
	    r.settings[KW_DYNAMICFORWARD].count > 0 &&
	    !resolution_flag(&r, KW_CLEARALLFORWARDINGS);
	if (wanted) {
		struct host *h;

		c->hosts = mem_grow(c->hosts, c->host_count + 1,
		    sizeof(*c->hosts));
		h = &c->hosts[c->host_count++];
		*h = (struct host){ 0 };
		host_build(h, &r, name->file, name->line, c);
		jump_build(h, &r, source, c);
		if (h->enabled)
			check_host(h, &r, c);
	}
	resolution_fini(&r);
}

static void
load_hosts(struct config *c, const struct tree *tree)
{
	struct resolve_source source = tree_source(tree);
	struct names names = { 0 };

	find_names(&names, &tree->documents, c);
	for (size_t i = 0; i < names.count; i++)
		load_host(c, &source, &names.names[i]);
	if (names.count == 0) {
		/* Nobody asks, but unknown keywords have to be told. */
		struct resolution r = { 0 };

		resolve_name(&source, "localhost", &r, c);
		resolution_fini(&r);
	}
	index_fini(&names.index);
	free(names.names);
}

struct config *
config_load(const struct config_source *source)
{
	struct config *c = mem_alloc(sizeof(*c));
	struct tree tree = { 0 };

	if (tree_load(&tree, source, c) == 0) {
		c->settings = tree.settings;
		load_hosts(c, &tree);
		together_check(c);
	}
	report_sort(c);
	tree_fini(&tree);
	return c;
}
