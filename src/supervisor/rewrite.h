/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SUPERVISOR_REWRITE_H
#define HAWSER_SUPERVISOR_REWRITE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

/*
 * rewrite: a text file replaced as a whole: whoever reads it sees the old text
 * or the new one, also after a crash. Links are followed; owner and mode stay.
 */

/*
 * Locks the file (flock), calls edit with its text ("" if there is no file
 * yet; then its folder is made, too), and puts what edit has added to out in
 * its place: temporary file in the same folder, fsync, rename. If edit returns
 * false nothing is written. 0; -1 with ERR_PERM (it is no regular file, or not
 * ours), ERR_INPUT (more than max bytes), ERR_AGAIN (somebody holds the lock),
 * ERR_SYS.
 */
int rewrite_file(const char *path, size_t max,
    bool (*edit)(void *arg, const char *text, size_t len, struct str *out),
    void *arg, struct err *);

#endif
