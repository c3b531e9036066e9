/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SSH_TRUSTED_FILE_H
#define HAWSER_SSH_TRUSTED_FILE_H

#include <stddef.h>

#include "base/err.h"

/*
 * trusted_file: files that say whom to trust. They belong to root or to us, and
 * nobody else may write them.
 */

/*
 * New: the bytes of a regular file (of a device such as /dev/null: none), at
 * most max. NULL with ERR_NOTFOUND, ERR_SYS, ERR_INPUT (no regular file, too
 * large), ERR_PERM (not owned by us or root, or writable by others).
 */
char *trusted_file_read(const char *path, size_t max, size_t *len,
    struct err *);

#endif
