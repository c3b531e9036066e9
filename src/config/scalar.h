/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CONFIG_SCALAR_H
#define HAWSER_CONFIG_SCALAR_H

#include "base/err.h"
#include "config/args.h"
#include "config/keyword.h"

/*
 * scalar: what the value of a keyword means where it is a text of its own, not
 * the rest of a line: in YAML and INI. The rows and the parsers of arguments
 * are those of ssh_config(5); complaints call the keyword by its snake_case
 * name. Forwards are in ssh's command-line spelling (fwdspec.h); the one of
 * ssh_config(5), with a blank, is taken too.
 */

/* What a list of texts means for a keyword. */
enum scalar_list {
	SCALAR_ONE,		/* there can't be one */
	SCALAR_LINES,		/* as if each stood in a line of its own */
	SCALAR_WORDS,		/* the words of one line */
	SCALAR_COMMAS,		/* one word, separated by commas */
};

enum scalar_list scalar_list(const struct keyword *);

/*
 * Fills a zeroed out, which value_fini() frees, also after failure. Where a
 * line may have several words, text is cut into them as ssh cuts. 0, or -1
 * with ERR_INPUT.
 */
int scalar_parse(const struct keyword *, const char *text, struct value *out,
    struct err *);

/* The same for a list of SCALAR_WORDS or SCALAR_COMMAS. */
int scalar_parse_list(const struct keyword *, char *const *texts,
    size_t count, struct value *out, struct err *);

/* The same for a forward's two sides; target is NULL if there is none. */
int scalar_parse_forward(const struct keyword *, const char *listen,
    const char *target, struct value *out, struct err *);

/* Is it one of the three forwards? */
bool scalar_is_forward(const struct keyword *);

#endif
