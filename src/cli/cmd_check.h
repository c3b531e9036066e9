/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CLI_CMD_CHECK_H
#define HAWSER_CLI_CMD_CHECK_H

#include "cli/command.h"

/* cmd_check: what the configuration means, without a supervisor. */

extern const struct command cmd_check;

#endif
