/* SPDX-License-Identifier: ISC */
#include "config/torn.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

/* Texts, borrowed, to be found by halving. */
struct set {
	const char **texts;
	size_t count;
};

static int
compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void
add(struct set *s, const char *text)
{
	s->texts[s->count++] = text;
}

static void
sort(struct set *s)
{
	if (s->count > 0)
		qsort(s->texts, s->count, sizeof(*s->texts), compare);
}

static bool
has(const struct set *s, const char *text)
{
	return s->count > 0 && bsearch(&text, s->texts, s->count,
	    sizeof(*s->texts), compare) != NULL;
}

static size_t
count_hosts(const struct config *c, const char *file)
{
	size_t n = 0;

	for (size_t i = 0; i < c->host_count; i++)
		n += strcmp(c->hosts[i].file, file) == 0;
	return n;
}

/* The first host whose file is there and has lost it and all others; NULL. */
static const struct host *
find_lost(const struct config *old, const struct config *new_)
{
	struct set names = { mem_alloc(new_->host_count * sizeof(char *)), 0 };
	struct set files = { mem_alloc(new_->file_count * sizeof(char *)), 0 };
	struct set fine = { mem_alloc((old->host_count + new_->host_count) *
	    sizeof(char *)), 0 };
	const struct host *lost = NULL;

	for (size_t i = 0; i < new_->host_count; i++)
		add(&names, new_->hosts[i].name);
	for (size_t i = 0; i < new_->file_count; i++)
		add(&files, new_->files[i].path);
	sort(&names);
	sort(&files);
	for (size_t i = 0; i < new_->host_count; i++)
		add(&fine, new_->hosts[i].file);
	for (size_t i = 0; i < old->host_count; i++)
		if (has(&names, old->hosts[i].name))
			add(&fine, old->hosts[i].file);
	sort(&fine);
	for (size_t i = 0; i < old->host_count && lost == NULL; i++)
		if (!has(&fine, old->hosts[i].file) &&
		    has(&files, old->hosts[i].file))
			lost = &old->hosts[i];
	free(names.texts);
	free(files.texts);
	free(fine.texts);
	return lost;
}

/* The first file that is cut, and was whole; NULL. */
static const char *
find_cut(const struct config *old, const struct config *new_)
{
	struct set whole = { mem_alloc(old->file_count * sizeof(char *)), 0 };
	const char *cut = NULL;

	for (size_t i = 0; i < old->file_count; i++)
		if (!old->files[i].is_cut)
			add(&whole, old->files[i].path);
	sort(&whole);
	for (size_t i = 0; i < new_->file_count && cut == NULL; i++)
		if (new_->files[i].is_cut &&
		    has(&whole, new_->files[i].path))
			cut = new_->files[i].path;
	free(whole.texts);
	return cut;
}

int
torn_check(const struct config *old, const struct config *new_,
    struct err *err)
{
	const struct host *lost;
	const char *cut;

	if (old == NULL)
		return 0;
	if ((cut = find_cut(old, new_)) != NULL)
		return err_set(err, ERR_INPUT, "%s: it ends in the middle of "
		    "a line, which it didn't before: is it half-written?",
		    cut);
	if ((lost = find_lost(old, new_)) != NULL)
		return err_set(err, ERR_INPUT, "%s: none of its %zu hosts "
		    "with forwards is left: is it half-written?", lost->file,
		    count_hosts(old, lost->file));
	return 0;
}
