/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CLI_TERM_H
#define HAWSER_CLI_TERM_H

#include <stdbool.h>

/* term: what the other end of a descriptor is. */

/*
 * Are colours wanted there? Only on a terminal that isn't "dumb", and never
 * with NO_COLOR set to anything (no-color.org).
 */
bool term_wants_colour(int fd);

#endif
