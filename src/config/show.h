/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CONFIG_SHOW_H
#define HAWSER_CONFIG_SHOW_H

#include <stdbool.h>

#include "base/str.h"
#include "config/config.h"

/*
 * show: what a configuration means for one name, in the lines that ssh -G
 * prints: a keyword in lower case, a blank, its value.
 */

struct show_options {
	bool origin;		/* add where each value comes from */
	bool ssh_defaults;	/* ssh's defaults where hawser has others */
};

/*
 * New: a config without hosts that holds what was found wrong. Appends the
 * lines for name (any name; it needs no forwards) to out, or nothing if there
 * is an error. With origin, "\t# file:line", with a column where there is one,
 * or "\t# default" ends each line.
 */
struct config *show_host(const struct config_source *, const char *name,
    const struct show_options *, struct str *out);

#endif
