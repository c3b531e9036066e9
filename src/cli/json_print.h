/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CLI_JSON_PRINT_H
#define HAWSER_CLI_JSON_PRINT_H

#include <jansson.h>

/*
 * Writes JSON and a line end to standard output, for people and programs: on a
 * terminal with nothing that could steer it. An exit_code, as command_print()
 * gives it.
 */
int json_print(const json_t *);

#endif
