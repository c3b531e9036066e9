/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CLI_CMD_SHOW_H
#define HAWSER_CLI_CMD_SHOW_H

#include "cli/command.h"

/* cmd_show: what the configuration means for one name, as ssh -G says it. */

extern const struct command cmd_show;

#endif
