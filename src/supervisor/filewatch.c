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

#define WATCHED	(IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | \
	IN_CREATE | IN_ATTRIB | IN_ONLYDIR)

/* One folder. */
struct folder {
	char *path;
	int wd;
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

static void
on_event(struct filewatch *w, const struct inotify_event *e)
{
	struct file *f;

	TAILQ_FOREACH(f, &w->files, entry) {
		/* Too many at once: anything may have changed. */
		bool hit = (e->mask & IN_Q_OVERFLOW) != 0 ||
		    (f->folder->wd == e->wd && e->len > 0 &&
		    strcmp(e->name, f->name) == 0);

		if (hit) {
			f->changed = true;
			arm(w);
		}
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

/* The folder's row, made and watched if it is new; NULL if it can't be. */
static struct folder *
find_folder(struct filewatch *w, const char *path)
{
	struct folder *d;
	int wd;

	TAILQ_FOREACH(d, &w->folders, entry)
		if (strcmp(d->path, path) == 0) {
			d->wanted = true;
			return d;
		}
	wd = inotify_add_watch(w->fd, path, WATCHED);
	if (wd == -1)
		return NULL;
	d = mem_alloc(sizeof(*d));
	d->path = str_dup(path);
	d->wd = wd;
	d->wanted = true;
	TAILQ_INSERT_TAIL(&w->folders, d, entry);
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
	struct folder *folder = find_folder(w, dirname(dir));
	struct file *f;

	if (folder != NULL) {
		f = mem_alloc(sizeof(*f));
		f->path = str_dup(path);
		f->name = str_dup(basename(base));
		f->folder = folder;
		f->changed = had_changed(w, path);
		TAILQ_INSERT_TAIL(&w->files, f, entry);
	}
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

/* Ends the watch, unless the folder goes by another path, too. */
static void
folder_free(struct filewatch *w, struct folder *d)
{
	struct folder *other;
	bool shared = false;

	TAILQ_REMOVE(&w->folders, d, entry);
	TAILQ_FOREACH(other, &w->folders, entry)
		shared = shared || other->wd == d->wd;
	if (!shared)
		inotify_rm_watch(w->fd, d->wd);
	free(d->path);
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
