/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "supervisor/filewatch.h"

#include <errno.h>
#include <event2/event.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/queue.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/log.h"
#include "base/str.h"

/* A name in a folder leads elsewhere now; so does the folder's own. */
#define NAME_EVENTS	(IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE)
#define SELF_EVENTS	(IN_DELETE_SELF | IN_MOVE_SELF)
#define WATCHED	(IN_CLOSE_WRITE | IN_ATTRIB | IN_ONLYDIR | NAME_EVENTS | \
	SELF_EVENTS)

/* A path whose parts appear while we look is looked at so often. */
#define SEAT_TRIES	8

/* One folder, and the nearest one above it that exists. */
struct folder {
	char *path;
	int wd;			/* -1: it does not exist */
	int above;		/* -1: it can't be watched */
	char *next;		/* the name there on the way to path */
	bool wanted;
	TAILQ_ENTRY(folder) entry;
};

/* One file; of a link two, with the same path. */
struct file {
	char *path;		/* as it was given */
	char *name;		/* without its folder */
	struct folder *folder;
	bool changed;
	TAILQ_ENTRY(file) entry;
};

struct filewatch {
	int fd;				/* -1: there is no inotify */
	struct event *readable;
	struct event *tell;
	void (*on_change)(void *arg);
	void *arg;
	TAILQ_HEAD(, folder) folders;
	TAILQ_HEAD(, file) files;
	TAILQ_HEAD(, file) old;		/* while the set is replaced */
};

static void
file_free(struct file *f)
{
	free(f->path);
	free(f->name);
	free(f);
}

static void
arm(struct filewatch *w)
{
	struct timeval tv = { 0, FILEWATCH_MS * 1000 };

	if (!evtimer_pending(w->tell, NULL))
		evtimer_add(w->tell, &tv);
}

/* Ends a watch that no folder needs any more. */
static void
release(struct filewatch *w, int wd)
{
	struct folder *d;

	TAILQ_FOREACH(d, &w->folders, entry)
		if (d->wd == wd || d->above == wd)
			return;
	if (wd != -1)
		inotify_rm_watch(w->fd, wd);
}

/*
 * Watches the nearest folder above d's that exists; its path, without the
 * final slash, is the first *len bytes of d's.
 */
static void
watch_above(const struct filewatch *w, struct folder *d, size_t *len)
{
	size_t end = strlen(d->path), from;
	char *path = str_dup(d->path);

	do {
		from = end;
		while (from > 0 && path[from - 1] != '/')
			from--;
		free(d->next);
		d->next = str_dupf("%.*s", (int)(end - from), path + from);
		end = from > 0 ? from - 1 : 0;
		path[end] = '\0';
		d->above = inotify_add_watch(w->fd, end > 0 ? path : "/",
		    WATCHED);
	} while (d->above == -1 && errno == ENOENT && end > 0);
	*len = end;
	free(path);
}

/* Is there something now at the next name below the first len bytes? */
static bool
has_next(const struct folder *d, size_t len)
{
	char *path = str_dupf("%.*s/%s", (int)len, d->path, d->next);
	bool found = access(path, F_OK) == 0;

	free(path);
	return found;
}

/*
 * Watches the folder, and before that the place where it would appear. True if
 * it is another folder than before.
 */
static bool
seat(struct filewatch *w, struct folder *d)
{
	int wd = d->wd, above = d->above;
	size_t len;

	for (int i = 0; i < SEAT_TRIES; i++) {
		watch_above(w, d, &len);
		d->wd = inotify_add_watch(w->fd, d->path, WATCHED);
		if (d->wd != -1 || !has_next(d, len))
			break;
	}
	release(w, wd);
	release(w, above);
	return d->wd != wd;
}

static void
note_change(struct filewatch *w, struct file *f)
{
	f->changed = true;
	arm(w);
}

/* Does the path of the folder perhaps lead to another one now? */
static bool
is_moved(const struct folder *d, const struct inotify_event *e)
{
	if ((e->mask & IN_Q_OVERFLOW) != 0)
		return true;
	if (e->len > 0)
		return e->wd == d->above && (e->mask & NAME_EVENTS) != 0 &&
		    strcmp(e->name, d->next) == 0;
	return (e->wd == d->above || e->wd == d->wd) &&
	    (e->mask & (SELF_EVENTS | IN_IGNORED)) != 0;
}

static void
on_event(struct filewatch *w, const struct inotify_event *e)
{
	struct folder *d;
	struct file *f;

	TAILQ_FOREACH(f, &w->files, entry)
		/* Too many at once: anything may have changed. */
		if ((e->mask & IN_Q_OVERFLOW) != 0 ||
		    (f->folder->wd == e->wd && e->len > 0 &&
		    strcmp(e->name, f->name) == 0))
			note_change(w, f);
	TAILQ_FOREACH(d, &w->folders, entry) {
		if (!is_moved(d, e) || !seat(w, d))
			continue;
		TAILQ_FOREACH(f, &w->files, entry)
			if (f->folder == d)
				note_change(w, f);
	}
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	union {
		struct inotify_event align;
		char bytes[16384];
	} buf;
	ssize_t n;

	(void)what;
	n = read(fd, buf.bytes, sizeof(buf.bytes));
	for (char *p = buf.bytes; n > 0 && p < buf.bytes + n;) {
		/* The kernel keeps them aligned. */
		const struct inotify_event *e = (const void *)p;

		on_event(arg, e);
		p += sizeof(*e) + e->len;
	}
}

static void
on_tell(evutil_socket_t fd, short what, void *arg)
{
	struct filewatch *w = arg;
	struct file *f;

	(void)fd;
	(void)what;
	w->on_change(w->arg);
	TAILQ_FOREACH(f, &w->files, entry)
		f->changed = false;
}

struct filewatch *
filewatch_new(struct event_base *base, void (*on_change)(void *arg),
    void *arg)
{
	struct filewatch *w = mem_alloc(sizeof(*w));

	w->on_change = on_change;
	w->arg = arg;
	TAILQ_INIT(&w->folders);
	TAILQ_INIT(&w->files);
	TAILQ_INIT(&w->old);
	if ((w->tell = evtimer_new(base, on_tell, w)) == NULL)
		abort();
	w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (w->fd == -1) {
		log_warn("changes of known_hosts and keys go unnoticed: "
		    "there is no inotify why=\"%s\"", strerror(errno));
		return w;
	}
	w->readable = event_new(base, w->fd, EV_READ | EV_PERSIST,
	    on_readable, w);
	if (w->readable == NULL || event_add(w->readable, NULL) == -1)
		abort();
	return w;
}

void
filewatch_free(struct filewatch *w)
{
	if (w == NULL)
		return;
	filewatch_begin(w);
	filewatch_end(w);
	if (w->readable != NULL)
		event_free(w->readable);
	event_free(w->tell);
	fd_close(&w->fd);
	free(w);
}

/* The folder's row, made and watched if it is new. */
static struct folder *
find_folder(struct filewatch *w, const char *path)
{
	struct folder *d;

	TAILQ_FOREACH(d, &w->folders, entry)
		if (strcmp(d->path, path) == 0) {
			d->wanted = true;
			return d;
		}
	d = mem_alloc(sizeof(*d));
	d->path = str_dup(path);
	d->wd = d->above = -1;
	d->wanted = true;
	TAILQ_INSERT_TAIL(&w->folders, d, entry);
	seat(w, d);
	return d;
}

/* Was it watched before, and has it changed since it was told last? */
static bool
had_changed(const struct filewatch *w, const char *path)
{
	struct file *f;

	TAILQ_FOREACH(f, &w->old, entry)
		if (f->changed && strcmp(f->path, path) == 0)
			return true;
	return false;
}

static void
add_at(struct filewatch *w, const char *path, const char *at)
{
	char *dir = str_dup(at), *base = str_dup(at);
	struct file *f = mem_alloc(sizeof(*f));

	f->path = str_dup(path);
	f->name = str_dup(basename(base));
	f->folder = find_folder(w, dirname(dir));
	f->changed = had_changed(w, path);
	TAILQ_INSERT_TAIL(&w->files, f, entry);
	free(dir);
	free(base);
}

static bool
is_watched(const struct filewatch *w, const char *path)
{
	struct file *f;

	TAILQ_FOREACH(f, &w->files, entry)
		if (strcmp(f->path, path) == 0)
			return true;
	return false;
}

void
filewatch_begin(struct filewatch *w)
{
	struct folder *d;

	TAILQ_CONCAT(&w->old, &w->files, entry);
	TAILQ_FOREACH(d, &w->folders, entry)
		d->wanted = false;
}

void
filewatch_add(struct filewatch *w, const char *path)
{
	char *real;

	if (w->fd == -1 || is_watched(w, path))
		return;
	add_at(w, path, path);
	real = realpath(path, NULL);
	if (real != NULL && strcmp(real, path) != 0)
		add_at(w, path, real);
	free(real);
}

static void
folder_free(struct filewatch *w, struct folder *d)
{
	TAILQ_REMOVE(&w->folders, d, entry);
	release(w, d->wd);
	release(w, d->above);
	free(d->path);
	free(d->next);
	free(d);
}

void
filewatch_end(struct filewatch *w)
{
	struct folder *d, *next;
	struct file *f;

	while ((f = TAILQ_FIRST(&w->old)) != NULL) {
		TAILQ_REMOVE(&w->old, f, entry);
		file_free(f);
	}
	for (d = TAILQ_FIRST(&w->folders); d != NULL; d = next) {
		next = TAILQ_NEXT(d, entry);
		if (!d->wanted)
			folder_free(w, d);
	}
}

bool
filewatch_has_changed(const struct filewatch *w, const char *path)
{
	struct file *f;

	TAILQ_FOREACH(f, &w->files, entry)
		if (f->changed && strcmp(f->path, path) == 0)
			return true;
	return false;
}
