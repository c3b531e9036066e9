/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CLI_CMD_CONTROL_H
#define HAWSER_CLI_CMD_CONTROL_H

#include "cli/command.h"

/* cmd_control: the commands that make the supervisor do something. */

extern const struct command cmd_retry;
extern const struct command cmd_up;
extern const struct command cmd_down;
extern const struct command cmd_reload;

#endif
