/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "supervisor/proxy.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/log.h"
#include "base/str.h"
#include "supervisor/child.h"

#define LINE_MAX_LEN	512	/* bytes of a line in the log */
#define READS_MAX	16	/* before other events have their turn */

struct proxy {
	struct child child;
	char *host;
	int errors;		/* the command's standard error */
	struct event *readable;
	struct str line;	/* not complete yet */
	char *last;		/* the last complete one, or NULL */
	bool over;
	bool failed;
	char *how;
	void (*on_exit)(void *arg);
	void *arg;
};

static void
end_line(struct proxy *p)
{
	if (p->line.len == 0)
		return;
	free(p->last);
	p->last = str_take(&p->line);
	str_init(&p->line);
	log_info("the ProxyCommand speaks host=%s text=\"%s\"", p->host,
	    p->last);
}

static void
add_byte(struct proxy *p, char c)
{
	/* Some of it may be a server's words, and those of a stranger. */
	bool plain = c >= ' ' && c < 127;

	if (c == '\n')
		end_line(p);
	else if (c != '\r' && p->line.len < LINE_MAX_LEN)
		str_append_n(&p->line, plain ? &c : "?", 1);
}

/* Reads what is there; false at the end. */
static bool
read_errors(struct proxy *p)
{
	char chunk[1024];
	ssize_t n = 0;

	for (int i = 0; i < READS_MAX; i++) {
		n = read(p->errors, chunk, sizeof(chunk));
		if (n <= 0)
			break;
		for (ssize_t j = 0; j < n; j++)
			add_byte(p, chunk[j]);
	}
	return n > 0 || (n == -1 && (errno == EAGAIN || errno == EINTR));
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct proxy *p = arg;

	(void)fd;
	(void)what;
	if (!read_errors(p))
		event_del(p->readable);
}

static void
on_exit_of_child(void *arg, const struct process_exit *how)
{
	struct proxy *p = arg;
	char text[64];

	read_errors(p);
	end_line(p);
	event_del(p->readable);
	child_describe_exit(how, text, sizeof(text));
	p->over = true;
	p->failed = how->signalled || how->code != 0;
	p->how = p->last != NULL ?
	    str_dupf("ProxyCommand ended with %s: %s", text, p->last) :
	    str_dupf("ProxyCommand ended with %s", text);
	p->on_exit(p->arg);
}

/* Runs the guard; the ends of socket and pipe that are ours go to *link etc. */
static int
spawn_guard(struct process *out, const char *command, int *link, int *errors,
    struct err *err)
{
	char *argv[] = { (char *)"hawserd", (char *)PROXY_OPTION,
	    (char *)command, NULL };
	int pair[2], ends[2], fds[2], rc;
	struct spawn s = { .path = "/proc/self/exe", .argv = argv, .fds = fds,
	    .fd_count = 2, .death_signal = SIGTERM };

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == -1)
		return err_sys(err, "cannot make a link for the ProxyCommand");
	if (pipe2(ends, O_CLOEXEC) == -1) {
		err_sys(err, "cannot make a pipe for the ProxyCommand");
		fd_close(&pair[0]);
		fd_close(&pair[1]);
		return -1;
	}
	fds[0] = pair[1];
	fds[1] = ends[1];
	rc = spawn_exec(out, &s, err);
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

	if (spawn_guard(&process, command, link, &errors, err) == -1)
		return NULL;
	p = mem_alloc(sizeof(*p));
	p->host = str_dup(host);
	p->errors = errors;
	p->on_exit = on_exit;
	p->arg = arg;
	str_init(&p->line);
	fd_set_nonblock(errors, 1);
	p->readable = event_new(base, errors, EV_READ | EV_PERSIST,
	    on_readable, p);
	if (p->readable == NULL || event_add(p->readable, NULL) == -1)
		abort();
	child_init(&p->child, base, &process, on_exit_of_child, p);
	return p;
}

void
proxy_free(struct proxy *p)
{
	if (p == NULL)
		return;
	child_fini(&p->child);
	event_free(p->readable);
	fd_close(&p->errors);
	str_fini(&p->line);
	free(p->last);
	free(p->how);
	free(p->host);
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
