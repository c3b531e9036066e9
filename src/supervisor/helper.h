/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SUPERVISOR_HELPER_H
#define HAWSER_SUPERVISOR_HELPER_H

#include <stdbool.h>

#include "base/err.h"

struct event_base;

/*
 * helper: one run of a command of the operator's. Mostly it writes a secret to
 * its standard output: a pipe that nobody reads here, whose end a worker gets.
 * It runs below a guard; what it writes to standard error becomes log lines.
 */
struct helper;

struct helper_spec {
	const char *what;	/* "SSH_ASKPASS": its name for people */
	const char *host;	/* for the log */
	const char *command;	/* for sh -c */
	char *const *env;	/* see struct spawn */
	int limit_s;		/* then it is killed */
	bool no_output;		/* it gives no secret: its standard output is
				   /dev/null, and fd always -1 */
	int lines_max;		/* of its standard error, in the log; 0: all */
};

/*
 * Comes once, from the loop: the command has exited with 0, nobody else can
 * write to the pipe any more, and it holds 1 to SECRET_SIZE_MAX bytes: fd
 * (taken by the callee) is its end. Else fd is -1 and error (borrowed) says
 * why; with no_output error is NULL if the exit code was 0. helper_free is
 * allowed inside.
 */
typedef void helper_done(void *arg, int fd, const char *error);

/* New; borrows the spec during the call. NULL with err set. */
struct helper *helper_start(struct event_base *, const struct helper_spec *,
    helper_done *, void *arg, struct err *);

/* Kills what still runs; NULL is fine. */
void helper_free(struct helper *);

#endif
