/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CONFIG_FILES_H
#define HAWSER_CONFIG_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "base/err.h"

/*
 * files: how configuration files are opened. A file, and the folder in which
 * it really stands (links are followed), belong to root or to us, nobody else
 * may write to them: not the world (a folder with the sticky bit passes, as
 * /tmp), not a group that has another member. Checked on the open descriptor.
 */

#define FILES_SIZE_MAX	(16 * 1024 * 1024)	/* bytes of ssh_config */

/*
 * New: all of the file, with a NUL behind *len bytes; the caller frees. NULL
 * with ERR_PERM if others may change it, ERR_NOTFOUND, ERR_SYS, ERR_INPUT if
 * it is no file or has more than max bytes, of which none is read then. A
 * folder gives "" with *len 0, as it does for ssh's Include.
 */
char *files_read(const char *path, size_t max, size_t *len, struct err *);

/* A list of paths. */
struct files_list {
	char **paths;
	size_t count;
};

void files_list_fini(struct files_list *);

/* Does the name end in this (".conf"), and has more? */
bool files_has_suffix(const char *name, const char *suffix);

/*
 * The names in the folder that end in one of the suffixes (a list that NULL
 * ends) and don't begin with a dot, as paths in the order of their bytes.
 * Fills a zeroed out. 0, or -1 with err set as above.
 */
int files_in_folder(const char *folder, const char *const *suffixes,
    struct files_list *out, struct err *);

/*
 * What a pattern with "~" and wildcards stands for; nothing is fine. Fills a
 * zeroed out. 0, or -1 with ERR_SYS.
 */
int files_glob(const char *pattern, struct files_list *out, struct err *);

/* Why others could change what st describes; NULL if they can't. */
const char *files_find_fault(const struct stat *);

#endif
