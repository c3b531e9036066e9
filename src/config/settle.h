/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CONFIG_SETTLE_H
#define HAWSER_CONFIG_SETTLE_H

#include "config/config.h"

/*
 * settle: loads files that somebody may be writing at this moment. A file or
 * folder that changed less than SETTLE_QUIET_MS ago isn't believed: it is
 * looked at again when it has rested for so long.
 */

#define SETTLE_QUIET_MS	300
#define SETTLE_LIMIT_MS	4000

/*
 * As config_load(). Waits for files to rest; one that doesn't within
 * SETTLE_LIMIT_MS is an error among the diagnostics.
 */
struct config *settle_load(const struct config_source *);

/*
 * Notes the folder as it is before it is read; what can't be looked at isn't
 * noted.
 */
void settle_note(struct config *, const char *path);

/* New: the bytes of a file as files_read() gives them; and it is noted. */
char *settle_read(struct config *, const char *path, size_t max, size_t *len,
    struct err *);

#endif
