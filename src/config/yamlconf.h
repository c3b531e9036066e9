/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CONFIG_YAMLCONF_H
#define HAWSER_CONFIG_YAMLCONF_H

#include <stddef.h>

#include "config/config.h"
#include "config/document.h"

/*
 * yamlconf: hosts in YAML 1.1. Bytes in, documents out: no I/O.
 *
 *	hosts:				defaults:
 *	  NAME:				  KEYWORD: VALUE
 *	    KEYWORD: VALUE
 *
 * Keywords are those of snake.h, values those of scalar.h; a list where there
 * may be several, a forward also as a map with listen and target. Not taken:
 * names twice, anchors, aliases, tags, a second document, what isn't UTF-8.
 * The file is read as a stream of events: memory grows with what it says, to
 * YAMLCONF_VALUES_MAX, not with how it is written.
 */

#define YAMLCONF_SIZE_MAX	(4 * 1024 * 1024)	/* bytes of a file */
#define YAMLCONF_VALUES_MAX	200000	/* hosts and values of a file */

struct yamlconf {
	struct document *hosts;		/* one block for each; is_sole */
	struct document *defaults;	/* a BLOCK_TOP */
};

/*
 * New documents of n bytes of the named file (copied); the caller frees both.
 * All that is wrong goes to the report with line and column, and is left out.
 */
struct yamlconf yamlconf_parse(const char *file, const char *bytes, size_t n,
    struct config *report);

#endif
