/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CLI_CMD_WAIT_H
#define HAWSER_CLI_CMD_WAIT_H

#include "cli/command.h"

/* cmd_wait: `hawser wait`, until hosts or forwards are up or verified. */

extern const struct command cmd_wait;

#endif
