/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "base/spawn.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/str.h"

#define FIRST_FD	3	/* where a child finds what it was given */
#define STACK_SIZE	(256 * 1024)	/* of a child that is no program yet */

/* Where the environment of children comes from: all that may pass. */
static const char *const passed[] = {
	"PATH", "HOME", "USER", "LOGNAME", "LANG", "TZ", "TMPDIR",
	"SSH_AUTH_SOCK", "JOURNAL_STREAM", "XDG_RUNTIME_DIR",
	"ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS",
};
#define PASSED_COUNT	(sizeof(passed) / sizeof(passed[0]))

extern char **environ;

/* May this "NAME=value" of our environment pass? */
static bool
is_passed(const char *variable)
{
	for (size_t i = 0; i < PASSED_COUNT; i++) {
		size_t len = strlen(passed[i]);

		if (strncmp(variable, passed[i], len) == 0 &&
		    variable[len] == '=')
			return true;
	}
	return false;
}

char **
spawn_environment(char *const *more)
{
	size_t n = 0, end;
	char **out;

	while (more != NULL && more[n] != NULL)
		n++;
	end = n + PASSED_COUNT;
	out = mem_alloc((end + 1) * sizeof(*out));
	if (n > 0)
		memcpy(out, more, n * sizeof(*out));
	for (char **e = environ; *e != NULL && n < end; e++)
		if (is_passed(*e))
			out[n++] = *e;
	return out;
}

static void
close_from(unsigned first)
{
	if (syscall(SYS_close_range, first, ~0U, 0) == 0)
		return;
	/* Before Linux 5.9. */
	for (unsigned fd = first; fd < 65536; fd++)
		close((int)fd);
}

static void
reset_signals(void)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int s = 1; s < NSIG; s++)
		sigaction(s, &dfl, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/*
 * Puts fds at 3, 4... and the program's (0 or -1: there is none), to be closed
 * by execve, behind them; closes all others. The program's new number.
 */
static int
arrange_fds(const int *fds, size_t count, int program)
{
	int high[SPAWN_FDS_MAX], null, next = FIRST_FD + (int)count;

	/* Out of the way first: a target may be another one's source. */
	for (size_t i = 0; i < count; i++)
		high[i] = fcntl(fds[i], F_DUPFD, next + 1);
	if (program > 0)
		program = fcntl(program, F_DUPFD, next + 1);
	if ((null = open("/dev/null", O_RDWR | O_CLOEXEC)) != -1) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
	}
	for (size_t i = 0; i < count; i++)
		dup2(high[i], FIRST_FD + (int)i);
	if (program > 0) {
		dup3(program, next, O_CLOEXEC);
		program = next++;
	}
	close_from((unsigned)next);
	return program;
}

static void
become_child(pid_t parent, int death_signal)
{
	setpgid(0, 0);
	reset_signals();
	if (death_signal == 0)
		return;
	prctl(PR_SET_PDEATHSIG, death_signal);
	if (getppid() != parent)
		_exit(1);
}

static int
adopt(struct process *out, pid_t pid, struct err *err)
{
	/* On both sides, so that neither has to wait for the other. */
	setpgid(pid, pid);
	out->pid = pid;
	out->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (out->pidfd != -1)
		return 0;
	err_sys(err, "cannot watch a child process");
	kill(-pid, SIGKILL);
	waitpid(pid, NULL, 0);
	out->pid = -1;
	return -1;
}

/* What fork(2) says. */
static int
no_process(struct err *err, const char *what)
{
	if (errno == EAGAIN)
		return err_sys(err, "cannot start %s: too many processes "
		    "(the limit is ulimit -u, or TasksMax= of the unit)",
		    what);
	return err_sys(err, "cannot start %s", what);
}

/* What a child is to become, and what went wrong. */
struct launch {
	const struct spawn *s;
	char **envp;
	pid_t parent;
	int cause;		/* errno; 0: the program runs */
};

/* The child, in our memory: it changes nothing there but errno and cause. */
static int
launch(void *arg)
{
	struct launch *l = arg;
	const struct spawn *s = l->s;
	int program;

	become_child(l->parent, s->death_signal);
	program = arrange_fds(s->fds, s->fd_count, s->program);
	if (program > 0)
		syscall(SYS_execveat, program, "", s->argv, l->envp,
		    AT_EMPTY_PATH);
	/* A script is not found by a descriptor that is closed by then. */
	if (program <= 0 || errno == ENOENT || errno == ENOSYS)
		execve(s->path, s->argv, l->envp);
	l->cause = errno;
	return 127;
}

/*
 * As vfork(2) does, for a fork copies the page tables of a supervisor of many
 * hosts for each: we go on when the child has left our memory. Signals wait,
 * as their handlers would run there, too. Fills out; -1 with errno set.
 */
static int
clone_child(struct process *out, struct launch *l)
{
	char *stack = mem_alloc(STACK_SIZE);
	sigset_t all, old;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	out->pid = clone(launch, stack + STACK_SIZE,
	    CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, l, &out->pidfd);
	sigprocmask(SIG_SETMASK, &old, NULL);
	free(stack);
	return out->pid == -1 ? -1 : 0;
}

int
spawn_open(const char *path)
{
	return open(path, O_PATH | O_CLOEXEC);
}

int
spawn_exec(struct process *out, const struct spawn *s, struct err *err)
{
	struct launch l = { .s = s, .parent = getpid() };
	int rc;

	assert(s->fd_count <= SPAWN_FDS_MAX);
	*out = (struct process){ -1, -1 };
	l.envp = spawn_environment(s->env);
	rc = clone_child(out, &l);
	free(l.envp);
	if (rc == -1)
		return no_process(err, s->path);
	if (l.cause == 0)
		return 0;
	waitpid(out->pid, NULL, 0);
	fd_close(&out->pidfd);
	out->pid = -1;
	errno = l.cause;
	return err_sys(err, "cannot run %s", s->path);
}

int
spawn_fork(struct process *out, int fd, int (*run)(int fd, void *arg),
    void *arg, struct err *err)
{
	pid_t pid, parent = getpid();

	*out = (struct process){ -1, -1 };
	if ((pid = fork()) == -1)
		return no_process(err, "a process");
	if (pid == 0) {
		become_child(parent, SIGKILL);
		arrange_fds(&fd, 1, -1);
		_exit(run(FIRST_FD, arg));
	}
	return adopt(out, pid, err);
}

void
process_signal(const struct process *p, int signal)
{
	if (p->pidfd != -1)
		syscall(SYS_pidfd_send_signal, p->pidfd, signal, NULL, 0);
}

void
process_kill(const struct process *p)
{
	/* Until it is reaped its pid, hence its group's number, is ours. */
	if (p->pid > 0) {
		kill(-p->pid, SIGKILL);
		process_signal(p, SIGKILL);
	}
}

int
process_reap(struct process *p, struct process_exit *out)
{
	siginfo_t info = { 0 };

	if (waitid(P_PID, (id_t)p->pid, &info,
	    WEXITED | WNOHANG | WNOWAIT) == -1 || info.si_pid == 0)
		return 0;
	kill(-p->pid, SIGKILL);
	while (waitid(P_PID, (id_t)p->pid, &info, WEXITED) == -1 &&
	    errno == EINTR)
		continue;
	out->signalled = info.si_code != CLD_EXITED;
	out->code = info.si_status;
	fd_close(&p->pidfd);
	p->pid = -1;
	return 1;
}
