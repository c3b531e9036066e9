/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "supervisor/proxy.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/str.h"
#include "supervisor/child.h"
#include "supervisor/guard.h"
#include "supervisor/speech.h"

struct proxy {
	struct child child;
	struct speech *speech;
	bool over;
	bool failed;
	char *how;
	void (*on_exit)(void *arg);
	void *arg;
};

static void
on_exit_of_child(void *arg, const struct process_exit *how)
{
	struct proxy *p = arg;

	speech_end(p->speech);
	p->over = true;
	p->failed = how->signalled || how->code != 0;
	p->how = speech_describe_end(p->speech, how);
	p->on_exit(p->arg);
}

/* Runs the command; our ends of socket and pipe go to *link and *errors. */
static int
spawn(struct process *out, const char *command, int *link, int *errors,
    struct err *err)
{
	int pair[2], ends[2], rc;
	char *line;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == -1)
		return err_sys(err, "cannot make a link for the ProxyCommand");
	if (pipe2(ends, O_CLOEXEC) == -1) {
		err_sys(err, "cannot make a pipe for the ProxyCommand");
		fd_close(&pair[0]);
		fd_close(&pair[1]);
		return -1;
	}
	line = str_dupf("exec %s", command);	/* as ssh does */
	rc = guard_start(out, line, (int[]){ pair[1], pair[1], ends[1] },
	    NULL, err);
	free(line);
	fd_close(&pair[1]);
	fd_close(&ends[1]);
	if (rc == -1) {
		fd_close(&pair[0]);
		fd_close(&ends[0]);
		return -1;
	}
	*link = pair[0];
	*errors = ends[0];
	return 0;
}

struct proxy *
proxy_start(struct event_base *base, const char *host, const char *command,
    int *link, void (*on_exit)(void *arg), void *arg, struct err *err)
{
	struct process process;
	struct proxy *p;
	int errors = -1;

	if (spawn(&process, command, link, &errors, err) == -1)
		return NULL;
	p = mem_alloc(sizeof(*p));
	p->on_exit = on_exit;
	p->arg = arg;
	p->speech = speech_new(base, errors, "ProxyCommand", host);
	child_init(&p->child, base, &process, on_exit_of_child, p);
	return p;
}

void
proxy_free(struct proxy *p)
{
	if (p == NULL)
		return;
	child_fini(&p->child);
	speech_free(p->speech);
	free(p->how);
	free(p);
}

void
proxy_kill(struct proxy *p)
{
	process_kill(&p->child.process);
}

pid_t
proxy_pid(const struct proxy *p)
{
	return p->over ? -1 : p->child.process.pid;
}

bool
proxy_is_over(const struct proxy *p)
{
	return p->over;
}

bool
proxy_failed(const struct proxy *p)
{
	return p->failed;
}

const char *
proxy_how(const struct proxy *p)
{
	return p->how;
}
