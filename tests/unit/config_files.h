/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_TESTS_UNIT_CONFIG_FILES_H
#define HAWSER_TESTS_UNIT_CONFIG_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"

/*
 * config_files: a folder of its own for each test, a configuration's files in
 * it, and what is said when they are loaded.
 */
extern char dir[64];

/* For cmocka's fixtures: an empty folder, and its end. */
int config_files_setup(void **state);
int config_files_teardown(void **state);

/* Writes a file below dir, and the folders it needs. */
void put(const char *name, const char *text);

/* New: the configuration in that file below dir, or in dir. */
struct config *load_file(const char *name);
struct config *load_dir(void);

/* Is this said about that line? text is a part of the sentence. */
bool says(const struct config *, enum severity, int line, const char *text);

/* Prints all that is said. */
void show_all(const struct config *);

#endif
