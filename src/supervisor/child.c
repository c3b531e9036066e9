/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "supervisor/child.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/fdio.h"

static void
on_pidfd(evutil_socket_t fd, short what, void *arg)
{
	struct child *c = arg;
	struct process_exit how;

	(void)fd;
	(void)what;
	/* Reaping closes the descriptor: it must have left the loop by then. */
	event_del(c->event);
	if (process_reap(&c->process, &how) == 0) {
		event_add(c->event, NULL);
		return;
	}
	event_free(c->event);
	c->event = NULL;
	c->on_exit(c->arg, &how);
}

void
child_init(struct child *c, struct event_base *base, struct process *process,
    void (*on_exit)(void *arg, const struct process_exit *), void *arg)
{
	*c = (struct child){ .process = *process, .on_exit = on_exit,
	    .arg = arg };
	*process = (struct process){ -1, -1 };
	c->event = event_new(base, c->process.pidfd, EV_READ | EV_PERSIST,
	    on_pidfd, c);
	if (c->event == NULL || event_add(c->event, NULL) == -1)
		abort();
}

void
child_fini(struct child *c)
{
	struct process_exit how;

	if (c->event == NULL)
		return;
	event_free(c->event);
	c->event = NULL;
	process_kill(&c->process);
	/* SIGKILL can't be put off: this wait is short. */
	while (process_reap(&c->process, &how) == 0) {
		siginfo_t info;

		waitid(P_PID, (id_t)c->process.pid, &info, WEXITED | WNOWAIT);
	}
}

void
child_describe_exit(const struct process_exit *how, char *out, size_t size)
{
	if (how->signalled)
		snprintf(out, size, "signal %d (%s)", how->code,
		    strsignal(how->code));
	else
		snprintf(out, size, "exit code %d", how->code);
}
