/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "supervisor/child.h"

#include <event2/event.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fdio.h"
#include "base/log.h"

/*
 * How long the end of one that was killed is waited for. SIGKILL can't be put
 * off but by the kernel (state D: a disk or a file server that hangs).
 */
#define DEATH_MS	50

int
child_start_self(struct process *out, const char *title, const char *option,
    const char *more, struct err *err)
{
	/* execve(2) changes none of them. */
	char *argv[] = { (char *)(uintptr_t)title, (char *)(uintptr_t)option,
	    (char *)(uintptr_t)(log_get_format() == LOG_JSON ? "json" :
	    "text"), (char *)(uintptr_t)more, NULL };
	int pair[2];
	struct spawn s = { .path = "/proc/self/exe", .argv = argv,
	    .fds = &pair[1], .fd_count = 1, .death_signal = SIGKILL };

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1)
		return err_sys(err, "cannot make a socket for %s", title);
	if (spawn_exec(out, &s, err) == -1)
		fd_close(&pair[0]);
	fd_close(&pair[1]);
	return pair[0];
}

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
	if (c->event == NULL || event_priority_set(c->event, 0) == -1 ||
	    event_add(c->event, NULL) == -1)
		abort();
}

/* One that was killed long ago has died at last; arg is its pid. */
static void
on_late_end(evutil_socket_t fd, short what, void *arg)
{
	struct process p = { (pid_t)(intptr_t)arg, fd };
	struct process_exit how;

	(void)what;
	if (process_reap(&p, &how) == 0)
		fd_close(&p.pidfd);
}

void
child_fini(struct child *c)
{
	struct pollfd end = { .fd = c->process.pidfd, .events = POLLIN };
	struct event_base *base;
	struct process_exit how;

	if (c->event == NULL)
		return;
	base = event_get_base(c->event);
	event_free(c->event);
	c->event = NULL;
	process_kill(&c->process);
	/* Mostly it takes a moment, and its files are closed then. */
	if (poll(&end, 1, DEATH_MS) == 1 &&
	    process_reap(&c->process, &how) == 1)
		return;
	event_base_once(base, c->process.pidfd, EV_READ, on_late_end,
	    (void *)(intptr_t)c->process.pid, NULL);
	c->process = (struct process){ -1, -1 };
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
