/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CONFIG_TORN_H
#define HAWSER_CONFIG_TORN_H

#include "base/err.h"
#include "config/config.h"

/*
 * torn: does a new model look as if a file were half-written? Pure. A file
 * is suspicious if all of its hosts are gone although it is still there, or
 * if it ends in the middle of a line, which it didn't before. A file that was
 * removed takes its hosts with it: that is meant.
 */

/* 0, or -1 with ERR_INPUT naming the file. old may be NULL: then 0. */
int torn_check(const struct config *old, const struct config *new_,
    struct err *);

#endif
