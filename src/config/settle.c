/* SPDX-License-Identifier: ISC */
#include "config/settle.h"

#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "base/str.h"
#include "config/files.h"
#include "config/report.h"

#define MS_PER_S	1000
#define NS_PER_MS	1000000

/* What tells one state of a file from another. False if it can't be seen. */
static bool
look(struct config_file *f, const char *path)
{
	struct stat st;

	if (stat(path, &st) == -1)
		return false;
	f->inode = st.st_ino;
	f->size = st.st_size;
	f->changed_s = st.st_mtim.tv_sec;
	f->changed_ns = st.st_mtim.tv_nsec;
	return true;
}

/* Borrowed until the next one is added; NULL if it can't be looked at. */
static struct config_file *
note(struct config *c, const char *path)
{
	struct config_file f = { 0 };

	if (!look(&f, path))
		return NULL;
	f.path = str_dup(path);
	if ((c->file_count & (c->file_count - 1)) == 0)
		c->files = mem_grow(c->files, c->file_count == 0 ? 1 :
		    2 * c->file_count, sizeof(*c->files));
	c->files[c->file_count] = f;
	return &c->files[c->file_count++];
}

void
settle_note(struct config *c, const char *path)
{
	note(c, path);
}

char *
settle_read(struct config *c, const char *path, size_t max, size_t *len,
    struct err *err)
{
	struct config_file *file = note(c, path);
	char *text = files_read(path, max, len, err);

	if (file != NULL && text != NULL)
		file->is_cut = *len > 0 && text[*len - 1] != '\n';
	return text;
}

static bool
is_same(const struct config_file *a, const struct config_file *b)
{
	return a->inode == b->inode && a->size == b->size &&
	    a->changed_s == b->changed_s && a->changed_ns == b->changed_ns;
}

/* How long until it has rested; a time to come is an old one badly told. */
static int64_t
rest_left_ms(const struct config_file *f)
{
	int64_t age = clock_wall_ms() - f->changed_s * MS_PER_S -
	    f->changed_ns / NS_PER_MS;

	return age < 0 || age >= SETTLE_QUIET_MS ? 0 : SETTLE_QUIET_MS - age;
}

/*
 * The file that has to rest longest, and how long; or one that was changed
 * since it was read, and -1. NULL if all rest.
 */
static const struct config_file *
find_restless(const struct config *c, int64_t *wait_ms)
{
	const struct config_file *found = NULL;

	*wait_ms = 0;
	for (size_t i = 0; i < c->file_count; i++) {
		const struct config_file *f = &c->files[i];
		struct config_file now = { 0 };

		if (!look(&now, f->path) || !is_same(f, &now)) {
			*wait_ms = -1;
			return f;
		}
		if (rest_left_ms(f) > *wait_ms) {
			*wait_ms = rest_left_ms(f);
			found = f;
		}
	}
	return found;
}

static void
wait_for(int64_t ms)
{
	struct timespec t = { (time_t)(ms / MS_PER_S),
	    (long)(ms % MS_PER_S) * NS_PER_MS };

	nanosleep(&t, NULL);
}

struct config *
settle_load(const struct config_source *source)
{
	int64_t deadline = clock_now_ms() + SETTLE_LIMIT_MS, wait_ms;
	struct config *c = config_load(source);
	const struct config_file *f;

	while ((f = find_restless(c, &wait_ms)) != NULL) {
		if (clock_now_ms() >= deadline) {
			report_add(c, SEVERITY_ERROR, f->path, 0,
			    "it changes all the time: it is read when it has "
			    "rested for %d ms", SETTLE_QUIET_MS);
			break;
		}
		if (wait_ms > 0) {
			wait_for(wait_ms);
			continue;
		}
		config_free(c);
		c = config_load(source);
	}
	return c;
}
