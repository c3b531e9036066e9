/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_BASE_SPAWN_H
#define HAWSER_BASE_SPAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

/*
 * spawn: child processes by pidfd. A child gets its own process group, the
 * default signal handlers, /dev/null as standard input and output, our
 * standard error, and no descriptor that was not named.
 */

#define SPAWN_FDS_MAX	8

struct spawn {
	const char *path;	/* the program; not searched in PATH */
	int program;		/* its file from spawn_open(), and path is but
				   its name; 0 or -1: what path leads to */
	char *const *argv;	/* NULL at the end */
	const int *fds;		/* borrowed; become 3, 4... in the child */
	size_t fd_count;	/* at most SPAWN_FDS_MAX */
	char *const *env;	/* "NAME=value" besides those of
				   spawn_environment(); NULL at the end; NULL
				   for none */
	int death_signal;	/* sent to it when we die; 0 for none */
};

/* A running child. pid and pidfd are -1 when there is none. */
struct process {
	pid_t pid;
	int pidfd;		/* readable when the child has ended */
};

struct process_exit {
	bool signalled;
	int code;		/* exit code, or the signal's number */
};

/* 0, or -1 with ERR_SYS, also when the program cannot be executed. */
int spawn_exec(struct process *out, const struct spawn *, struct err *);

/*
 * New: a descriptor of the program at path, which runs by it also when another
 * file stands there. -1 with errno set.
 */
int spawn_open(const char *path);

/*
 * The same for a function of ours in a fork: fd (borrowed) becomes 3, and the
 * child exits with what run returns, without running exit handlers.
 */
int spawn_fork(struct process *out, int fd, int (*run)(int fd, void *arg),
    void *arg, struct err *);

/*
 * New: the few variables of our environment that children may see (PATH, HOME
 * and the like, SSH_AUTH_SOCK), and those of more, which may be NULL and comes
 * first. Free it with free(); the strings are borrowed.
 */
char **spawn_environment(char *const *more);

/* Sends a signal to the child itself, never to a stranger with its pid. */
void process_signal(const struct process *, int signal);

/* Kills the child and its whole group. It still has to be reaped. */
void process_kill(const struct process *);

/*
 * 0 if the child runs. 1 if it has ended: what is left of its group was
 * killed, the child reaped and the struct emptied.
 */
int process_reap(struct process *, struct process_exit *out);

#endif
