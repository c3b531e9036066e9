/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "config/exec.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/spawn.h"

/* In the child: never returns. */
static void
become_shell(const char *command)
{
	char *argv[] = { (char *)"sh", (char *)"-c", (char *)command, NULL };
	int null = open("/dev/null", O_RDWR);
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	setpgid(0, 0);
	if (null == -1 || dup2(null, 0) == -1 || dup2(null, 1) == -1 ||
	    dup2(null, 2) == -1)
		_exit(127);
	syscall(SYS_close_range, 3U, ~0U, 0U);
	execve("/bin/sh", argv, spawn_environment(NULL));
	_exit(127);
}

/* Waits for the end of the child, but doesn't reap it. false: too late. */
static bool
await(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	int64_t end = clock_now_ms() + EXEC_DEADLINE_MS, left;
	int rc = 0;

	if (fd == -1)
		return false;
	do {
		struct pollfd p = { .fd = fd, .events = POLLIN };

		left = end - clock_now_ms();
		rc = poll(&p, 1, left > 0 ? (int)left : 0);
	} while (rc == -1 && errno == EINTR);
	close(fd);
	return rc == 1;
}

int
exec_shell(void *arg, const char *command, struct err *err)
{
	pid_t pid = fork();
	int status;
	bool ended;

	(void)arg;
	if (pid == -1)
		return err_sys(err, "cannot run \"%s\"", command);
	if (pid == 0)
		become_shell(command);
	setpgid(pid, pid);
	ended = await(pid);
	/* Not reaped yet, so the group's number can't be anybody else's. */
	kill(-pid, SIGKILL);
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		;
	if (!ended)
		return err_set(err, ERR_TIMEOUT, "Match exec \"%s\" took "
		    "longer than %d seconds", command,
		    EXEC_DEADLINE_MS / 1000);
	if (!WIFEXITED(status))
		return err_set(err, ERR_INPUT,
		    "Match exec \"%s\" was ended by a signal", command);
	return WEXITSTATUS(status) == 0;
}
