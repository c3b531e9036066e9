/* SPDX-License-Identifier: ISC */
#include "config/tree.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/str.h"
#include "config/exec.h"
#include "config/files.h"
#include "config/inifile.h"
#include "config/localnet.h"
#include "config/report.h"
#include "config/settle.h"
#include "config/yamlconf.h"

#define SSH_SYSTEM_FOLDER	"/etc/ssh"

/* The reading of one source. */
struct reader {
	struct tree *tree;
	struct config *report;
	size_t files;
	struct document_list defaults;	/* they come last */
	bool inherit;			/* do ssh's own files lend values? */
};

/* Where a document comes from: that decides what its Includes mean. */
struct place {
	const char *from;	/* the file that includes it; NULL: none */
	int line;
	int depth;
	bool lends;		/* ssh's own: gives values, no forwards */
	bool system;		/* not a user's: no "~", below /etc/ssh */
};

static struct document *read_document(struct reader *, const char *path,
    const struct place *);

static enum severity
severity_of(const struct place *p)
{
	return p->lends ? SEVERITY_WARNING : SEVERITY_ERROR;
}

/* Reads what one word of an Include line stands for. */
static void
include(struct reader *r, struct document *d, struct entry *e,
    const char *word, const struct place *here)
{
	struct place inside = *here;
	struct files_list files = { 0 };
	struct err err;
	char *pattern;

	if (*word == '~' && here->system) {
		document_complain(r->report, severity_of(here), e,
		    "Include %s: the system's file can't mean a home folder",
		    word);
		return;
	}
	pattern = *word == '/' || *word == '~' ? str_dup(word) :
	    str_dupf("%s/%s", here->system ? SSH_SYSTEM_FOLDER : "~/.ssh",
	    word);
	if (files_glob(pattern, &files, &err) == -1)
		document_complain(r->report, severity_of(here), e,
		    "%s", err.text);
	inside.from = d->file;
	inside.line = e->line;
	inside.depth++;
	for (size_t i = 0; i < files.count; i++)
		document_list_add(&e->includes,
		    read_document(r, files.paths[i], &inside));
	d->wants_final = d->wants_final || e->includes.wants_final;
	files_list_fini(&files);
	free(pattern);
}

static void
read_includes(struct reader *r, struct document *d, const struct place *here)
{
	for (size_t i = 0; i < d->count; i++)
		for (size_t j = 0; j < d->blocks[i].count; j++) {
			struct entry *e = &d->blocks[i].entries[j];

			if (e->keyword == NULL ||
			    e->keyword->kind != KIND_INCLUDE)
				continue;
			for (size_t k = 0; k < e->value.count; k++)
				include(r, d, e, e->value.texts[k], here);
		}
}

/* May one more file be read? */
static bool
is_within_bounds(struct reader *r, const struct place *p)
{
	if (p->depth > TREE_DEPTH_MAX)
		report_add(r->report, SEVERITY_ERROR, p->from, p->line,
		    "Includes are nested more than %d deep", TREE_DEPTH_MAX);
	else if (++r->files > TREE_FILES_MAX)
		report_add(r->report, SEVERITY_ERROR, p->from, p->line,
		    "there are more than %d files to read", TREE_FILES_MAX);
	else
		return true;
	return false;
}

/*
 * New: the document at path with all it includes; NULL if it can't be read,
 * which is reported (unless ssh's own file isn't there).
 */
static struct document *
read_document(struct reader *r, const char *path, const struct place *p)
{
	struct document *d;
	struct err err;
	size_t n;
	char *text;

	if (!is_within_bounds(r, p))
		return NULL;
	text = settle_read(r->report, path, FILES_SIZE_MAX, &n, &err);
	if (text == NULL && p->from != NULL)
		report_add(r->report, severity_of(p), p->from, p->line,
		    "Include %s: %s", path, err.text);
	else if (text == NULL && !(p->lends && err.code == ERR_NOTFOUND))
		report_add(r->report, severity_of(p), path, 0, "%s",
		    err.text);
	if (text == NULL)
		return NULL;
	d = document_parse(path, text, n, p->lends, r->report);
	free(text);
	read_includes(r, d, p);
	return d;
}

static void
read_root(struct reader *r, const char *path, const struct place *p)
{
	document_list_add(&r->tree->documents, read_document(r, path, p));
}

static void
read_yaml(struct reader *r, const char *path)
{
	const struct place conf_d = { 0 };
	struct yamlconf yaml;
	struct err err;
	size_t n;
	char *text;

	if (!is_within_bounds(r, &conf_d))
		return;
	text = settle_read(r->report, path, YAMLCONF_SIZE_MAX, &n, &err);
	if (text == NULL) {
		report_add(r->report, SEVERITY_ERROR, path, 0, "%s",
		    err.text);
		return;
	}
	yaml = yamlconf_parse(path, text, n, r->report);
	free(text);
	document_list_add(&r->tree->documents, yaml.hosts);
	document_list_add(&r->defaults, yaml.defaults);
}

static void
read_folder(struct reader *r, const char *dir)
{
	static const char *const suffixes[] = { ".conf", ".yaml", ".yml",
	    NULL };
	const struct place conf_d = { 0 };
	char *folder = str_dupf("%s/conf.d", dir);
	struct files_list files = { 0 };
	struct err err;

	settle_note(r->report, folder);
	if (files_in_folder(folder, suffixes, &files, &err) == -1)
		report_add(r->report, SEVERITY_ERROR, folder, 0, "%s",
		    err.text);
	for (size_t i = 0; i < files.count; i++)
		if (!files_has_suffix(files.paths[i], ".conf"))
			read_yaml(r, files.paths[i]);
	for (size_t i = 0; i < files.count; i++)
		if (files_has_suffix(files.paths[i], ".conf"))
			read_root(r, files.paths[i], &conf_d);
	files_list_fini(&files);
	free(folder);
}

/* Is the user that hawser.ini names the one that this is loaded for? */
static void
check_user(struct reader *r, const struct inifile *f, bool runs_here)
{
	const struct iniconf_name *where = &f->ini.user;

	if (f->user.name == NULL || runas_is_us(&f->user))
		return;
	if (runs_here)
		report_add_at(r->report, SEVERITY_ERROR, f->path, where->line,
		    where->column, "hawserd runs as user %ld, group %ld: it "
		    "becomes %s only when root starts it anew",
		    (long)getuid(), (long)getgid(), f->user.name);
	else
		report_add_at(r->report, SEVERITY_NOTE, f->path, where->line,
		    where->column, "hawserd reads this as %s, for whom \"~\", "
		    "permissions and Match exec may differ: check it as that "
		    "user, too", f->user.name);
}

/* Reads hawser.ini, which may be missing. Its defaults are new; or NULL. */
static struct document *
read_ini(struct reader *r, const struct config_source *source)
{
	struct document *defaults;
	struct inifile f;

	inifile_load(&f, source->dir, r->report);
	check_user(r, &f, source->runs_here);
	r->inherit = f.ini.inherit;
	r->tree->match_exec = f.ini.match_exec;
	r->tree->settings = f.ini.settings;
	defaults = f.ini.defaults;
	f.ini.defaults = NULL;
	inifile_fini(&f);
	return defaults;
}

/* ssh's own files, which lend values. */
static void
read_lenders(struct reader *r)
{
	const struct place user = { .lends = true };
	const struct place system = { .lends = true, .system = true };
	char *path = str_dupf("%s/.ssh/config", r->tree->user.home);

	read_root(r, path, &user);
	read_root(r, SSH_SYSTEM_FOLDER "/ssh_config", &system);
	free(path);
}

static void
read_all(struct reader *r, const struct config_source *source)
{
	struct document *last = read_ini(r, source);

	read_folder(r, source->dir);
	if (r->inherit)
		read_lenders(r);
	for (size_t i = 0; i < r->defaults.count; i++) {
		document_list_add(&r->tree->documents,
		    r->defaults.documents[i]);
		r->defaults.documents[i] = NULL;	/* the tree's now */
	}
	document_list_fini(&r->defaults);
	document_list_add(&r->tree->documents, last);
}

int
tree_load(struct tree *out, const struct config_source *source,
    struct config *report)
{
	const struct place alone = { 0 };
	struct reader r = { .tree = out, .report = report };
	struct err err;

	if (expand_user_init(&out->user, &err) == -1) {
		report_add(report, SEVERITY_ERROR, NULL, 0, "%s", err.text);
		return -1;
	}
	if (source->file != NULL) {
		read_root(&r, source->file, &alone);
		return 0;
	}
	read_all(&r, source);
	return 0;
}

void
tree_fini(struct tree *t)
{
	document_list_fini(&t->documents);
	expand_user_fini(&t->user);
	*t = (struct tree){ 0 };
}

/* Commands out of a file don't run as root unless that was asked for. */
static int
refuse_as_root(void *arg, const char *command, struct err *err)
{
	(void)arg;
	return err_set(err, ERR_PERM, "Match exec \"%s\" isn't run as root; "
	    "match_exec = yes in hawser.ini changes that", command);
}

static int
refuse(void *arg, const char *command, struct err *err)
{
	(void)arg;
	return err_set(err, ERR_PERM, "Match exec \"%s\" isn't run: "
	    "hawser.ini says match_exec = no", command);
}

struct resolve_source
tree_source(const struct tree *t)
{
	return (struct resolve_source){
		.documents = &t->documents,
		.user = &t->user,
		.is_local = localnet_has,
		.exec = t->match_exec == INICONF_EXEC_NO ? refuse :
		    t->match_exec == INICONF_EXEC_USUAL && getuid() == 0 ?
		    refuse_as_root : exec_shell,
	};
}
