/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CONFIG_ARGS_H
#define HAWSER_CONFIG_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/forward.h"
#include "config/keyword.h"
#include "config/sshconf.h"

/*
 * args: what the parsers of arguments (value, kinds) have in common: the value
 * that they fill and the line that they take words from.
 */

/*
 * What the arguments of one line mean. The texts are in the form in which
 * ssh -G prints them ("yes" is "true" where it prints that, times are seconds),
 * so that equal values have equal texts. Tokens, ${VARIABLES} and "~" are still
 * in them: they depend on the host that asks.
 */
struct value {
	char **texts;		/* none: the line sets nothing ("none") */
	size_t count;
	bool has_forward;
	struct forward forward;	/* of the three forward keywords */
};

void value_add(struct value *, char *text);	/* takes text */
void value_fini(struct value *);

/* Where a parser stands in its line. Borrows both. */
struct args {
	const struct keyword *keyword;
	const struct sshconf_line *line;
	size_t next;		/* index in line->argv */
};

/* The next word; NULL with ERR_INPUT if there is none or if it is empty. */
const char *args_next(struct args *, struct err *);

/* Adds the seconds that word says. 0, or -1 with ERR_INPUT. */
int args_add_seconds(struct args *, const char *word, struct value *,
    struct err *);

/* 0, or -1 with ERR_INPUT if none is among several texts. */
int args_check_none(struct args *, const char *none, const struct value *,
    struct err *);

/* Seconds of "90", "1m30s"... as ssh reads times. -1 if it isn't one. */
int value_seconds(const char *text);

/* Milliseconds of "500ms", "1m30s", "90" (seconds). -1 if it isn't one. */
int64_t value_duration(const char *text);

#endif
