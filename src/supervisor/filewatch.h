/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SUPERVISOR_FILEWATCH_H
#define HAWSER_SUPERVISOR_FILEWATCH_H

#include <stdbool.h>
#include <stddef.h>

struct event_base;

/*
 * filewatch: tells that files were written, replaced, removed or made, or got
 * another mode: by inotify(7) on their folders, so that a file need not exist.
 * What happens within FILEWATCH_MS is told once. A path that is a link is
 * watched at both ends. A folder that does not exist, or goes, is waited for;
 * that it came or went counts as a change of its files.
 */

#define FILEWATCH_MS	200

struct filewatch;

/*
 * New. on_change comes from the loop. Without inotify nothing is ever told;
 * the log says so.
 */
struct filewatch *filewatch_new(struct event_base *,
    void (*on_change)(void *arg), void *arg);

void filewatch_free(struct filewatch *);

/* From now on these files (copied), and no others. */
void filewatch_begin(struct filewatch *);
void filewatch_add(struct filewatch *, const char *path);
void filewatch_end(struct filewatch *);

/* Was this file among those that changed? Only inside on_change. */
bool filewatch_has_changed(const struct filewatch *, const char *path);

#endif
