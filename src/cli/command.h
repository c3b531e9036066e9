/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CLI_COMMAND_H
#define HAWSER_CLI_COMMAND_H

#include <stdbool.h>

#include "base/err.h"
#include "cli/args.h"

/* command: what a row of the command table holds, and how commands end. */

enum exit_code {
	EXIT_FINE,
	EXIT_NO,		/* the answer is no: down, invalid, timed out */
	EXIT_USAGE,
	EXIT_NOT_RUNNING,
	EXIT_REFUSED,		/* no permission to ask */
};

struct command {
	const char *name;
	const char *operands;	/* as help shows them: "HOST", "[HOST...]" */
	size_t operands_min;
	size_t operands_max;
	unsigned options;	/* ARG_BITs beside ARG_COMMON */
	const char *summary;	/* one line, no full stop */
	const char *help;	/* paragraphs, ending in a new line */
	/* Borrows args. Returns an exit_code; has told people everything. */
	int (*run)(const struct command *, const struct args *);
};

/* Says "hawser: text" on standard error; the exit code that fits err's code. */
int command_fail(const struct err *);

/*
 * New: the socket that --socket, --system, $HAWSER_SOCKET or the defaults
 * choose. The caller frees it. NULL with err set.
 */
char *command_socket(const struct args *, struct err *);

/* Writes text to standard output. EXIT_FINE, or EXIT_NO if that failed. */
int command_print(const char *text);

#endif
