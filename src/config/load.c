/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "config/check.h"
#include "config/config.h"
#include "config/host.h"
#include "config/report.h"
#include "config/resolve.h"
#include "config/tree.h"

/* config_load(): which names make hosts, and what becomes of each. */

/* The names that make hosts, each with the line where it first stands. */
struct names {
	const char **names;
	const char **files;
	int *lines;
	size_t count;
};

static bool
has_name(const struct names *n, const char *name)
{
	for (size_t i = 0; i < n->count; i++)
		if (strcmp(n->names[i], name) == 0)
			return true;
	return false;
}

static void
add_name(struct names *n, const char *name, const char *file, int line)
{
	if (has_name(n, name))
		return;
	n->names = mem_grow(n->names, n->count + 1, sizeof(*n->names));
	n->files = mem_grow(n->files, n->count + 1, sizeof(*n->files));
	n->lines = mem_grow(n->lines, n->count + 1, sizeof(*n->lines));
	n->names[n->count] = name;
	n->files[n->count] = file;
	n->lines[n->count++] = line;
}

/* The first name of each Host line that is no pattern. */
static void
find_names(struct names *out, const struct document *d)
{
	for (size_t i = 0; i < d->count; i++) {
		const struct block *b = &d->blocks[i];

		for (size_t j = 0; j < b->patterns.count; j++) {
			const char *name = b->patterns.texts[j];

			if (strpbrk(name, "*?!") == NULL) {
				add_name(out, name, d->file, b->line);
				break;
			}
		}
		for (size_t j = 0; j < b->count; j++)
			for (size_t k = 0; k < b->entries[j].include_count;
			    k++)
				find_names(out, b->entries[j].includes[k]);
	}
}

/* A name that ssh would refuse, lest it reach a shell through a token. */
static bool
is_clean(const char *name)
{
	if (*name == '-')
		return false;
	for (; *name != '\0'; name++)
		if ((unsigned char)*name <= ' ' || *name == 127 ||
		    strchr("'`\"$\\;&<>|(){},", *name) != NULL)
			return false;
	return true;
}

static void
load_host(struct config *c, const struct resolve_source *source,
    const char *name, const char *file, int line)
{
	struct resolution r = { 0 };
	bool wanted;

	if (!is_clean(name)) {
		report_add(c, SEVERITY_ERROR, file, line, "\"%s\" can't be a "
		    "host's name: it holds a character that a shell would "
		    "act upon", name);
		return;
	}
	resolve_name(source, name, &r, c);
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
		host_build(h, &r, file, line, c);
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

	for (size_t i = 0; i < tree->count; i++)
		if (!tree->documents[i]->lends)
			find_names(&names, tree->documents[i]);
	for (size_t i = 0; i < names.count; i++)
		load_host(c, &source, names.names[i], names.files[i],
		    names.lines[i]);
	if (names.count == 0) {
		/* Nobody asks, but unknown keywords have to be told. */
		struct resolution r = { 0 };

		resolve_name(&source, "localhost", &r, c);
		resolution_fini(&r);
	}
	free(names.names);
	free(names.files);
	free(names.lines);
}

struct config *
config_load(const struct config_source *source)
{
	struct config *c = mem_alloc(sizeof(*c));
	struct tree tree = { 0 };

	if (tree_load(&tree, source, c) == 0) {
		load_hosts(c, &tree);
		check_together(c);
	}
	report_sort(c);
	tree_fini(&tree);
	return c;
}
