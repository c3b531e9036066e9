/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CLI_ARGS_H
#define HAWSER_CLI_ARGS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

/*
 * args: the command line as data. All options of all commands are rows of one
 * table; a command says with a set of bits which of them it takes. Options may
 * stand before and behind operands; "--" ends them.
 */

enum arg {
	ARG_HELP,
	ARG_VERSION,
	ARG_SOCKET,
	ARG_SYSTEM,
	ARG_JSON,
	ARG_CONFIG,
	ARG_FILE,
	ARG_ORIGIN,
	ARG_SSH_DEFAULTS,
	ARG_DRY_RUN,
	ARG_FORCE,
	ARG_CONNECTIONS,
	ARG_FOR,
	ARG_TIMEOUT,
	ARG_SINCE,
	ARG_COUNT
};

#define ARG_BIT(arg)	(1u << (arg))

/* What every command takes, and what those take that ask hawserd. */
#define ARG_COMMON	(ARG_BIT(ARG_HELP) | ARG_BIT(ARG_VERSION))
#define ARG_API		(ARG_BIT(ARG_SOCKET) | ARG_BIT(ARG_SYSTEM))

struct args {
	bool seen[ARG_COUNT];
	const char *value[ARG_COUNT];	/* borrowed from argv */
	const char **operands;		/* borrowed from argv, array owned */
	size_t operand_count;
};

/* A zeroed struct args is empty. */
void args_fini(struct args *);

/*
 * Adds what argv (from argv[0] on: no program name) says to args. With
 * first_only it stops at the first operand. Returns how many words were read,
 * or -1 with ERR_INPUT. argv must outlive args.
 */
int args_parse(struct args *, unsigned allowed, bool first_only, int argc,
    char *const *argv, struct err *);

/* The first option seen that isn't in allowed, as its long name, or NULL. */
const char *args_stray(const struct args *, unsigned allowed);

/* Appends the lines that explain the options in allowed. */
void args_help(unsigned allowed, struct str *out);

#endif
