/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "supervisor/pid_one.h"

#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* What hawserd has a meaning for. */
static const int passed[] = { SIGHUP, SIGINT, SIGTERM, SIGUSR1 };
#define PASSED_COUNT	(sizeof(passed) / sizeof(passed[0]))

/* Who is addressed by its number is the child now. */
static void
readdress(const char *name)
{
	const char *value = getenv(name);
	char text[16];

	if (value == NULL || strcmp(value, "1") != 0)
		return;
	snprintf(text, sizeof(text), "%ld", (long)getpid());
	setenv(name, text, 1);
}

/* Reaps whoever has ended; exits if that was hawserd. */
static void
reap(pid_t hawserd)
{
	pid_t pid;
	int status;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (pid == hawserd)
			_exit(WIFEXITED(status) ? WEXITSTATUS(status) :
			    128 + WTERMSIG(status));
}

void
pid_one_step_aside(void)
{
	sigset_t awaited, before;
	pid_t hawserd;
	int number;

	if (getpid() != 1)
		return;
	sigemptyset(&awaited);
	sigaddset(&awaited, SIGCHLD);
	for (size_t i = 0; i < PASSED_COUNT; i++)
		sigaddset(&awaited, passed[i]);
	sigprocmask(SIG_BLOCK, &awaited, &before);
	/* Without a second process, this one is as good as it can be. */
	hawserd = fork();
	if (hawserd <= 0) {
		/* A terminal's signals, meant for all, come by process 1. */
		setpgid(0, 0);
		sigprocmask(SIG_SETMASK, &before, NULL);
		readdress("LISTEN_PID");
		readdress("WATCHDOG_PID");
		return;
	}
	/* Sockets that were passed to hawserd are its alone. */
	(void)syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, 0);
	for (;;) {
		number = sigwaitinfo(&awaited, NULL);
		if (number == SIGCHLD)
			reap(hawserd);
		else if (number > 0)
			kill(hawserd, number);
	}
}
