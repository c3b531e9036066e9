/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CLI_CMD_HOSTKEY_H
#define HAWSER_CLI_CMD_HOSTKEY_H

#include "cli/command.h"

/* cmd_hostkey: keys of servers that wait for somebody to accept them. */

extern const struct command cmd_hostkey;

#endif
