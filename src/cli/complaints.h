/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CLI_COMPLAINTS_H
#define HAWSER_CLI_COMPLAINTS_H

#include "config/config.h"

/*
 * complaints: what loading a configuration found, on standard error, one line
 * each, with nothing in it that a terminal would obey.
 */
void complaints_print(const struct config *);

#endif
