/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CLI_CMD_EVENTS_H
#define HAWSER_CLI_CMD_EVENTS_H

#include "cli/command.h"

/* cmd_events: `hawser events`, what happens while it happens. */

extern const struct command cmd_events;

#endif
