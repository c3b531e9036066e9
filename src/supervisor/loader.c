/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "supervisor/loader.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/str.h"
#include "config/settle.h"
#include "supervisor/child.h"

#define LIMIT_MS	10000
#define MODEL_MAX	(64u * 1024 * 1024)	/* bytes of JSON */

struct loader {
	struct child child;
	int pipe;
	struct event *readable;
	struct event *deadline;
	struct str text;
	bool too_large;
	bool late;
	loader_done *done;
	void *arg;
};

/* What the child is told. */
struct task {
	const struct config_source *source;
	bool settle;
};

static int
load(int fd, void *arg)
{
	const struct task *task = arg;
	struct config *c = task->settle ? settle_load(task->source) :
	    config_load(task->source);
	json_t *model = config_encode(c);
	char *text = json_dumps(model, JSON_COMPACT);
	int rc = 1;

	if (text != NULL && fd_write_all(fd, text, strlen(text)) == 0)
		rc = 0;
	free(text);
	json_decref(model);
	config_free(c);
	return rc;
}

/* True at the end of the stream. */
static bool
read_some(struct loader *l)
{
	char chunk[16384];
	ssize_t n;

	while ((n = read(l->pipe, chunk, sizeof(chunk))) > 0) {
		if (l->text.len + (size_t)n > MODEL_MAX)
			l->too_large = true;
		else
			str_append_n(&l->text, chunk, (size_t)n);
	}
	return n == 0 || (errno != EAGAIN && errno != EINTR);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct loader *l = arg;

	(void)fd;
	(void)what;
	if (read_some(l))
		event_del(l->readable);
}

static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct loader *l = arg;

	(void)fd;
	(void)what;
	l->late = true;
	process_kill(&l->child.process);
}

static struct config *
decode(const struct loader *l, const struct process_exit *how,
    struct err *err)
{
	struct config *c = NULL;
	json_error_t why;
	json_t *model;
	char text[64];

	if (l->late) {
		err_set(err, ERR_TIMEOUT,
		    "the configuration could not be read within %d s",
		    LIMIT_MS / 1000);
		return NULL;
	}
	if (how->signalled || how->code != 0 || l->too_large) {
		child_describe_exit(how, text, sizeof(text));
		err_set(err, ERR_SYS, "reading the configuration failed: %s",
		    l->too_large ? "it is too large" : text);
		return NULL;
	}
	model = json_loadb(l->text.p != NULL ? l->text.p : "", l->text.len, 0,
	    &why);
	if (model == NULL)
		err_set(err, ERR_PROTOCOL,
		    "the loader's answer is broken: %s", why.text);
	else
		c = config_decode(model, err);
	json_decref(model);
	return c;
}

static void
on_exit_of_child(void *arg, const struct process_exit *how)
{
	struct loader *l = arg;
	loader_done *done = l->done;
	void *done_arg = l->arg;
	struct config *c;
	struct err err;

	read_some(l);
	c = decode(l, how, &err);
	loader_free(l);
	done(done_arg, c, c == NULL ? &err : NULL);
}

struct loader *
loader_start(struct event_base *base, const struct config_source *source,
    bool settle, loader_done *done, void *arg, struct err *err)
{
	struct timeval limit = { LIMIT_MS / 1000, 0 };
	struct task task = { source, settle };
	struct process process;
	struct loader *l;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) == -1) {
		err_sys(err, "cannot read the configuration");
		return NULL;
	}
	if (spawn_fork(&process, ends[1], load, &task, err) == -1) {
		fd_close(&ends[0]);
		fd_close(&ends[1]);
		return NULL;
	}
	fd_close(&ends[1]);
	fd_set_nonblock(ends[0], 1);
	l = mem_alloc(sizeof(*l));
	l->pipe = ends[0];
	l->done = done;
	l->arg = arg;
	child_init(&l->child, base, &process, on_exit_of_child, l);
	l->readable = event_new(base, l->pipe, EV_READ | EV_PERSIST,
	    on_readable, l);
	l->deadline = evtimer_new(base, on_deadline, l);
	if (l->readable == NULL || l->deadline == NULL)
		abort();
	event_add(l->readable, NULL);
	evtimer_add(l->deadline, &limit);
	return l;
}

void
loader_free(struct loader *l)
{
	if (l == NULL)
		return;
	event_free(l->readable);
	event_free(l->deadline);
	child_fini(&l->child);
	fd_close(&l->pipe);
	str_fini(&l->text);
	free(l);
}
