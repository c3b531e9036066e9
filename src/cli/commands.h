/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CLI_COMMANDS_H
#define HAWSER_CLI_COMMANDS_H

#include "base/str.h"
#include "cli/command.h"

/* commands: the table of all commands, and what --help prints of it. */

#define COMMAND_COUNT	11

extern const struct command *const commands[COMMAND_COUNT];

/* The command of that name, or NULL with ERR_INPUT (nearest spelling). */
const struct command *commands_find(const char *name, struct err *);

/* Appends the page of one command, or, for NULL, of hawser itself. */
void commands_help(const struct command *, struct str *out);

/* Runs a whole command line, argv[0] the program. Returns an exit_code. */
int commands_run(int argc, char *const *argv);

#endif
