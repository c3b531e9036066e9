/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CONFIG_CHECK_H
#define HAWSER_CONFIG_CHECK_H

#include "config/config.h"
#include "config/resolve.h"

/*
 * check: sense across the keywords of one host. Looks at files (are the keys
 * there, who may read them?) but changes nothing.
 */

/*
 * What can be said about one host that is to run: keywords that hawser can't
 * honour, keys, forwards that can't work.
 */
void check_host(const struct host *, const struct resolution *,
    struct config *report);

#endif
