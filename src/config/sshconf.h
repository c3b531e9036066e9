/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CONFIG_SSHCONF_H
#define HAWSER_CONFIG_SSHCONF_H

#include <stddef.h>

#include "base/err.h"

/*
 * sshconf: one line of ssh_config(5), cut into words exactly as ssh cuts it.
 * Bytes in, verdict out: no I/O, and no knowledge of what keywords mean.
 *
 * The keyword ends at white space, at a quote or at one "="; it may be quoted.
 * What follows is split at spaces and tabs, with '' and "" quotes, with
 * backslashes before quotes, backslashes and spaces, and it ends at a word
 * that begins with "#".
 */

struct sshconf_line {
	char *keyword;		/* lower case; NULL: there is none here */
	char *rest;		/* all that follows it, not unquoted */
	char **argv;		/* the words of rest */
	size_t argc;
};

/*
 * Parses one line of n bytes (without its "\n"; white space and form feeds at
 * its end are dropped). Fills out, which sshconf_line_fini() frees, also after
 * failure. 0; -1 with ERR_INPUT, or with ERR_NOTFOUND if ssh takes the line
 * for a comment though it doesn't look like one.
 */
int sshconf_parse_line(struct sshconf_line *out, const char *text, size_t n,
    struct err *);

void sshconf_line_fini(struct sshconf_line *);

#endif
