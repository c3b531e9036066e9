/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CLI_CMD_HISTORY_H
#define HAWSER_CLI_CMD_HISTORY_H

#include "cli/command.h"

/* cmd_history: `hawser history`, the outages and what they sum up to. */
extern const struct command cmd_history;

#endif
