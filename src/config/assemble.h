/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CONFIG_ASSEMBLE_H
#define HAWSER_CONFIG_ASSEMBLE_H

#include "base/algorithms.h"
#include "config/config.h"
#include "config/keyword.h"
#include "config/resolve.h"

/*
 * assemble: lists of algorithms as ssh_config(5) writes them ("+a,b", "-c*",
 * "^d" or plain names), and what they make of hawser's own.
 */

/*
 * Appends to out what a line's text makes of the list usual, as ssh does it:
 * "+" adds names behind, "^" puts names before, "-" takes those out that the
 * patterns match, and anything else stands alone. Each name of all comes out
 * at most once; a pattern stands for the names of all that it matches. Names
 * that all doesn't have go to dropped.
 */
void assemble_names(struct str *out, const char *text, const char *usual,
    const char *all, struct str *dropped);

/*
 * Fills a zeroed list with what a line of the keyword (one of those of
 * algorithm_keyword()) makes of hawser's own; without a line it stays zeroed.
 * What hawser can't do and what is weak are warnings; if nothing is left that
 * is an error.
 */
void assemble_list(struct algorithm_list *out, const struct keyword *,
    const struct resolution *, struct config *report);

/* Appends the names that a list of this keyword's stands for. */
void assemble_append(struct str *, const struct keyword *,
    const struct algorithm_list *);

#endif
