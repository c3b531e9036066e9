/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CONFIG_VALUE_H
#define HAWSER_CONFIG_VALUE_H

#include "base/err.h"
#include "config/args.h"
#include "config/keyword.h"
#include "config/sshconf.h"

/*
 * value: reads the arguments of a line by the kind of its keyword's row.
 * Fills a zeroed out, which value_fini() frees, also after failure. 0, or -1
 * with ERR_INPUT.
 */
int value_parse(const struct keyword *, const struct sshconf_line *,
    struct value *out, struct err *);

#endif
