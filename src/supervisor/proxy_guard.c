/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"
#include "supervisor/proxy.h"

/*
 * The guard of a ProxyCommand. It was started as the leader of a new process
 * group, with SIGTERM as its death signal. As long as it is there, the group's
 * number belongs to nobody else.
 */

static void
become_command(const char *command, pid_t guard, const sigset_t *mask)
{
	char *line = str_dupf("exec %s", command);

	/* Should the guard be killed, sh isn't left to itself. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != guard)
		_exit(1);
	sigprocmask(SIG_SETMASK, mask, NULL);
	dup2(PROXY_LINK_FD, STDIN_FILENO);
	dup2(PROXY_LINK_FD, STDOUT_FILENO);
	dup2(PROXY_ERROR_FD, STDERR_FILENO);
	close(PROXY_LINK_FD);
	close(PROXY_ERROR_FD);
	execl("/bin/sh", "sh", "-c", line, (char *)NULL);
	_exit(127);
}

/* True when sh has ended; what it ended with goes to *code. */
static bool
has_ended(pid_t pid, int *code)
{
	int status;

	if (waitpid(pid, &status, WNOHANG) != pid)
		return false;
	*code = WIFEXITED(status) ? WEXITSTATUS(status) :
	    128 + WTERMSIG(status);
	return true;
}

int
proxy_guard_main(const char *command)
{
	pid_t pid, self = getpid();
	sigset_t awaited, old;
	int code, number;

	prctl(PR_SET_NAME, "hawserd-proxy");
	sigemptyset(&awaited);
	sigaddset(&awaited, SIGTERM);
	sigaddset(&awaited, SIGCHLD);
	sigprocmask(SIG_BLOCK, &awaited, &old);
	if ((pid = fork()) == -1)
		return 126;
	if (pid == 0)
		become_command(command, self, &old);
	/* Else neither the worker nor hawserd would see an end of stream. */
	close(PROXY_LINK_FD);
	close(PROXY_ERROR_FD);
	for (;;) {
		number = sigwaitinfo(&awaited, NULL);
		if (number == SIGTERM)
			kill(0, SIGKILL);
		if (number == SIGCHLD && has_ended(pid, &code))
			return code;
	}
}
