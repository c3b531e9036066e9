/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/str.h"
#include "config/check.h"
#include "config/config.h"
#include "config/document.h"
#include "config/exec.h"
#include "config/expand.h"
#include "config/files.h"
#include "config/host.h"
#include "config/localnet.h"
#include "config/report.h"
#include "config/resolve.h"

#define DEPTH_MAX	16	/* Includes within Includes */
#define FILES_MAX	10000	/* opened by one load, Includes counted again */

/* A load under way. */
struct load {
	struct config *config;
	struct expand_user user;
	struct document **documents;
	size_t document_count;
	size_t files;
};

static struct document *read_document(struct load *, const char *path,
    const char *from, int line, int depth);

static void
add_document(struct document ***list, size_t *count, struct document *d)
{
	if (d == NULL)
		return;
	*list = mem_grow(*list, *count + 1, sizeof(**list));
	(*list)[(*count)++] = d;
}

/* Reads what one word of an Include line stands for. */
static void
include(struct load *l, struct document *d, struct entry *e,
    const char *word, int depth)
{
	struct files_list files = { 0 };
	char *pattern = *word == '/' || *word == '~' ? str_dup(word) :
	    str_dupf("~/.ssh/%s", word);
	struct err err;

	if (files_glob(pattern, &files, &err) == -1)
		report_add(l->config, SEVERITY_ERROR, d->file, e->line, "%s",
		    err.text);
	for (size_t i = 0; i < files.count; i++)
		add_document(&e->includes, &e->include_count,
		    read_document(l, files.paths[i], d->file, e->line,
		    depth + 1));
	for (size_t i = 0; i < e->include_count; i++)
		d->wants_final = d->wants_final || e->includes[i]->wants_final;
	files_list_fini(&files);
	free(pattern);
}

static void
read_includes(struct load *l, struct document *d, int depth)
{
	for (size_t i = 0; i < d->count; i++)
		for (size_t j = 0; j < d->blocks[i].count; j++) {
			struct entry *e = &d->blocks[i].entries[j];

			if (e->keyword == NULL ||
			    e->keyword->kind != KIND_INCLUDE)
				continue;
			for (size_t k = 0; k < e->value.count; k++)
				include(l, d, e, e->value.texts[k], depth);
		}
}

/*
 * New: the document at path with all it includes. from and line say who
 * included it (NULL: nobody). NULL if it can't be read, which is reported.
 */
static struct document *
read_document(struct load *l, const char *path, const char *from, int line,
    int depth)
{
	struct document *d;
	struct err err;
	size_t n;
	char *text;

	if (depth > DEPTH_MAX || ++l->files > FILES_MAX) {
		report_add(l->config, SEVERITY_ERROR, from, line,
		    depth > DEPTH_MAX ? "Includes are nested more than %d deep"
		    : "Includes bring in more than %d files",
		    depth > DEPTH_MAX ? DEPTH_MAX : FILES_MAX);
		return NULL;
	}
	if ((text = files_read(path, &n, &err)) == NULL) {
		if (from != NULL)
			report_add(l->config, SEVERITY_ERROR, from, line,
			    "Include %s: %s", path, err.text);
		else
			report_add(l->config, SEVERITY_ERROR, path, 0, "%s",
			    err.text);
		return NULL;
	}
	d = document_parse(path, text, n, l->config);
	free(text);
	read_includes(l, d, depth);
	return d;
}

static void
read_folder(struct load *l, const char *dir)
{
	char *folder = str_dupf("%s/conf.d", dir);
	struct files_list files = { 0 };
	struct err err;

	if (files_in_folder(folder, ".conf", &files, &err) == -1)
		report_add(l->config, SEVERITY_ERROR, folder, 0, "%s",
		    err.text);
	for (size_t i = 0; i < files.count; i++)
		add_document(&l->documents, &l->document_count,
		    read_document(l, files.paths[i], NULL, 0, 0));
	files_list_fini(&files);
	free(folder);
}

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
load_host(struct load *l, const struct resolve_source *source,
    const char *name, const char *file, int line)
{
	struct config *c = l->config;
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

/* Commands out of a file don't run as root unless that was asked for. */
static int
refuse_exec(void *arg, const char *command, struct err *err)
{
	(void)arg;
	return err_set(err, ERR_PERM,
	    "Match exec \"%s\" isn't run as root", command);
}

static void
load_hosts(struct load *l)
{
	struct resolve_source source = {
		.documents = l->documents,
		.count = l->document_count,
		.user = &l->user,
		.is_local = localnet_has,
		.exec = getuid() == 0 ? refuse_exec : exec_shell,
	};
	struct names names = { 0 };

	for (size_t i = 0; i < l->document_count; i++)
		find_names(&names, l->documents[i]);
	for (size_t i = 0; i < names.count; i++)
		load_host(l, &source, names.names[i], names.files[i],
		    names.lines[i]);
	if (names.count == 0) {
		/* Nobody asks, but unknown keywords have to be told. */
		struct resolution r = { 0 };

		resolve_name(&source, "localhost", &r, l->config);
		resolution_fini(&r);
	}
	free(names.names);
	free(names.files);
	free(names.lines);
}

struct config *
config_load(const struct config_source *source)
{
	struct load l = { .config = mem_alloc(sizeof(*l.config)) };
	struct err err;

	if (expand_user_init(&l.user, &err) == -1) {
		report_add(l.config, SEVERITY_ERROR, NULL, 0, "%s", err.text);
		return l.config;
	}
	if (source->file != NULL)
		add_document(&l.documents, &l.document_count,
		    read_document(&l, source->file, NULL, 0, 0));
	else
		read_folder(&l, source->dir);
	load_hosts(&l);
	check_together(l.config);
	report_sort(l.config);
	for (size_t i = 0; i < l.document_count; i++)
		document_free(l.documents[i]);
	free(l.documents);
	expand_user_fini(&l.user);
	return l.config;
}
