/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CONFIG_SNAKE_H
#define HAWSER_CONFIG_SNAKE_H

#include "config/keyword.h"

/*
 * snake: the keywords as YAML and INI spell them: server_alive_interval.
 * Those that begin blocks or read files, and those that ssh itself has given
 * up, have no such name.
 */

#define SNAKE_SIZE	48	/* bytes of a name with its NUL */

/* Writes the name of a row that has one. */
void snake_name(const struct keyword *, char out[SNAKE_SIZE]);

/* The row with exactly this name, or NULL. */
const struct keyword *snake_find(const char *name);

/* New: the nearest name that exists, or NULL; the caller frees. */
char *snake_nearest(const char *name);

#endif
