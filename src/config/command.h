/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CONFIG_COMMAND_H
#define HAWSER_CONFIG_COMMAND_H

#include "config/config.h"
#include "config/resolve.h"

/* command: the keywords whose value is a line for sh -c. */

/* What may stand for something in them, as in ssh's ProxyCommand. */
#define COMMAND_TOKENS	"hknpr"

/*
 * New: the line with its tokens expanded; "" if there is none ("none" says so,
 * too), or if it can't be used, which the report is told.
 */
char *command_build(const struct resolution *, enum keyword_id,
    struct config *report);

#endif
