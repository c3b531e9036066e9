/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "supervisor/helper.h"

#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/str.h"
#include "ipc/secret.h"
#include "supervisor/child.h"
#include "supervisor/guard.h"
#include "supervisor/speech.h"

struct helper {
	struct child child;
	struct speech *speech;
	char *what;
	int out;		/* where the secret waits; -1: there is none */
	struct event *changed;	/* it was written to, or by its last writer */
	struct event *deadline;
	int limit_s;
	bool ended;		/* with exit code 0 */
	helper_done *done;
	void *arg;
};

/* Tells the owner. Takes error, NULL if all is well. */
static void
finish(struct helper *h, char *error)
{
	int fd = h->out;

	if (h->changed != NULL)
		event_del(h->changed);
	event_del(h->deadline);
	if (error == NULL)
		h->out = -1;
	h->done(h->arg, error == NULL ? fd : -1, error);
	free(error);
}

static int
bytes_waiting(const struct helper *h)
{
	int n = 0;

	return ioctl(h->out, FIONREAD, &n) == 0 ? n : 0;
}

static bool
has_writers(const struct helper *h)
{
	struct pollfd p = { .fd = h->out, .events = POLLIN };

	return poll(&p, 1, 0) != 1 || (p.revents & POLLHUP) == 0;
}

static void
look(struct helper *h)
{
	int n;

	if (h->out == -1) {
		finish(h, NULL);
		return;
	}
	n = bytes_waiting(h);
	if (n > SECRET_SIZE_MAX)
		finish(h, str_dupf("%s writes more than %d bytes, which can "
		    "be no passphrase or password", h->what, SECRET_SIZE_MAX));
	else if (!h->ended || has_writers(h))
		return;
	else if (n == 0)
		finish(h, str_dupf("%s wrote nothing to its standard output",
		    h->what));
	else
		finish(h, NULL);
}

/* Edge-triggered: comes at each write and when the last writer is gone. */
static void
on_changed(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	look(arg);
}

static void
on_exit_of_child(void *arg, const struct process_exit *how)
{
	struct helper *h = arg;

	speech_end(h->speech);
	if (how->signalled || how->code != 0) {
		finish(h, speech_describe_end(h->speech, how));
		return;
	}
	h->ended = true;
	look(h);
}

static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct helper *h = arg;

	(void)fd;
	(void)what;
	if (h->ended)
		finish(h, str_dupf("%s has left a process behind that keeps "
		    "its standard output open", h->what));
	else
		finish(h, str_dupf("%s did not end within %d s", h->what,
		    h->limit_s));
}

/* Runs the command; our ends of the two pipes go to *in and *errors. */
static int
spawn(struct process *out, const struct helper_spec *s, int *in, int *errors,
    struct err *err)
{
	int data[2] = { -1, -1 }, words[2] = { -1, -1 }, null, rc = -1;

	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null == -1 || (!s->no_output && pipe2(data, O_CLOEXEC) == -1) ||
	    pipe2(words, O_CLOEXEC) == -1)
		err_sys(err, "cannot make a pipe for %s", s->what);
	else
		rc = guard_start(out, s->command,
		    (int[]){ null, s->no_output ? null : data[1], words[1] },
		    s->env, err);
	fd_close(&null);
	fd_close(&data[1]);
	fd_close(&words[1]);
	if (rc == -1) {
		fd_close(&data[0]);
		fd_close(&words[0]);
	}
	*in = data[0];
	*errors = words[0];
	return rc;
}

static void
watch_output(struct helper *h, struct event_base *base)
{
	h->changed = event_new(base, h->out, EV_READ | EV_PERSIST | EV_ET,
	    on_changed, h);
	if (h->changed == NULL || event_add(h->changed, NULL) == -1)
		abort();
}

struct helper *
helper_start(struct event_base *base, const struct helper_spec *s,
    helper_done *done, void *arg, struct err *err)
{
	struct timeval limit = { s->limit_s, 0 };
	struct process process;
	struct helper *h;
	int in = -1, errors = -1;

	if (spawn(&process, s, &in, &errors, err) == -1)
		return NULL;
	h = mem_alloc(sizeof(*h));
	h->what = str_dup(s->what);
	h->out = in;
	h->limit_s = s->limit_s;
	h->done = done;
	h->arg = arg;
	h->speech = speech_new(base, errors, s->what, s->host);
	speech_limit(h->speech, s->lines_max);
	child_init(&h->child, base, &process, on_exit_of_child, h);
	h->deadline = evtimer_new(base, on_deadline, h);
	if (h->deadline == NULL || evtimer_add(h->deadline, &limit) == -1)
		abort();
	if (in != -1)
		watch_output(h, base);
	return h;
}

void
helper_free(struct helper *h)
{
	if (h == NULL)
		return;
	child_fini(&h->child);
	speech_free(h->speech);
	if (h->changed != NULL)
		event_free(h->changed);
	event_free(h->deadline);
	fd_close(&h->out);
	free(h->what);
	free(h);
}
