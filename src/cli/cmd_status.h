/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CLI_CMD_STATUS_H
#define HAWSER_CLI_CMD_STATUS_H

#include "cli/command.h"

/* cmd_status: what runs, as a table or as JSON. */

extern const struct command cmd_status;

#endif
