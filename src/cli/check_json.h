/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CLI_CHECK_JSON_H
#define HAWSER_CLI_CHECK_JSON_H

#include <jansson.h>

#include "config/config.h"

/*
 * New: what `hawser check --json` prints of a model: the hosts with their
 * forwards, every diagnostic, and "ok": is there no error? Texts that aren't
 * UTF-8 have '?' for each bad byte.
 */
json_t *check_json(const struct config *);

#endif
