/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "supervisor/guard.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/limits.h"

#define FIRST_FD	3	/* where spawn_exec() puts descriptors */

int
guard_start(struct process *out, const char *command,
    const int fds[GUARD_FDS], char *const *env, struct err *err)
{
	char *argv[] = { (char *)"hawserd", (char *)GUARD_OPTION,
	    (char *)command, NULL };
	struct spawn s = { .path = "/proc/self/exe", .argv = argv, .fds = fds,
	    .fd_count = GUARD_FDS, .env = env, .death_signal = SIGTERM };

	return spawn_exec(out, &s, err);
}

static void
become_command(const char *command, pid_t guard, const sigset_t *mask)
{
	/* Should the guard be killed, sh isn't left to itself. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != guard)
		_exit(1);
	sigprocmask(SIG_SETMASK, mask, NULL);
	for (int i = 0; i < GUARD_FDS; i++) {
		dup2(FIRST_FD + i, i);
		close(FIRST_FD + i);
	}
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
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

/*
 * What sh has left behind ends, too. We step aside to survive that: whoever
 * reaps us would do it otherwise, but may be dying himself. The group that we
 * go to is a child's, for the one that started us may have no number here (as
 * in a container).
 */
static void
end_group(void)
{
	pid_t group = getpgrp(), self = getpid(), refuge = fork();

	if (refuge == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		while (getppid() == self)
			pause();
		_exit(0);
	}
	/* Without it all of us go. */
	if (refuge == -1 || setpgid(refuge, refuge) == -1 ||
	    setpgid(0, refuge) == -1)
		kill(0, SIGKILL);
	kill(-group, SIGKILL);
	kill(refuge, SIGKILL);
	waitpid(refuge, NULL, 0);
}

/*
 * It was started as the leader of a new process group, with SIGTERM as its
 * death signal. As long as it is there, the group's number belongs to nobody
 * else.
 */
int
guard_main(const char *command)
{
	pid_t pid, self = getpid();
	sigset_t awaited, old;
	int code, number;

	prctl(PR_SET_NAME, "hawserd-guard");
	limits_oom_offer();
	limits_usual_fds();
	sigemptyset(&awaited);
	sigaddset(&awaited, SIGTERM);
	sigaddset(&awaited, SIGCHLD);
	sigprocmask(SIG_BLOCK, &awaited, &old);
	if ((pid = fork()) == -1)
		return 126;
	if (pid == 0)
		become_command(command, self, &old);
	/* Else whoever reads or writes would not see an end of stream. */
	for (int i = 0; i < GUARD_FDS; i++)
		close(FIRST_FD + i);
	for (;;) {
		number = sigwaitinfo(&awaited, NULL);
		if (number == SIGTERM)
			kill(0, SIGKILL);
		if (number == SIGCHLD && has_ended(pid, &code)) {
			end_group();
			return code;
		}
	}
}
