/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SUPERVISOR_LOADER_H
#define HAWSER_SUPERVISOR_LOADER_H

#include <stdbool.h>

#include "base/err.h"
#include "config/config.h"

struct event_base;

/*
 * loader: loads the configuration in a child process, so that a slow file
 * system or "Match exec" never stalls the supervisor. 10 s at most.
 */
struct loader;

/*
 * config is new (its errors are in its diagnostics), or NULL with why in err
 * if the loading itself failed.
 */
typedef void loader_done(void *arg, struct config *config,
    const struct err *err);

/*
 * New: begins; with settle, files that are being written get time to rest
 * (config/settle.h). Borrows the source's strings. done comes once, from the
 * loop, when the loader has freed itself. NULL with err set.
 */
struct loader *loader_start(struct event_base *,
    const struct config_source *, bool settle, loader_done *done, void *arg,
    struct err *);

/* Gives up, without a call. NULL is fine. */
void loader_free(struct loader *);

#endif
