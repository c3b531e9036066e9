/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "supervisor/rewrite.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fdio.h"

/* Somebody else may replace the file while we wait for its lock. */
#define TRIES	4

/* New: path without links; of a file that does not exist yet, path itself. */
static char *
resolve(const char *path)
{
	char *real = realpath(path, NULL);

	return real != NULL ? real : str_dup(path);
}

static char *
folder_of(const char *path)
{
	char *copy = str_dup(path), *dir = str_dup(dirname(copy));

	free(copy);
	return dir;
}

/*
 * Opens and locks the file that has that name now: its fd, or -1. For reading
 * only: who watches the file would take the end of writing for a change.
 */
static int
open_locked(const char *path, struct stat *st, struct err *err)
{
	for (int i = 0; i < TRIES; i++) {
		int fd = open(path, O_RDONLY | O_CREAT | O_CLOEXEC |
		    O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0600);
		struct stat now;

		if (fd == -1 || faccessat(AT_FDCWD, path, W_OK,
		    AT_EACCESS) == -1) {
			err_sys(err, "%s cannot be written", path);
			fd_close(&fd);
			return -1;
		}
		if (flock(fd, LOCK_EX | LOCK_NB) == -1) {
			fd_close(&fd);
			return err_set(err, ERR_AGAIN,
			    "%s is locked by somebody else", path);
		}
		if (fstat(fd, st) == 0 && stat(path, &now) == 0 &&
		    st->st_ino == now.st_ino && st->st_dev == now.st_dev)
			return fd;
		fd_close(&fd);
	}
	return err_set(err, ERR_AGAIN, "%s changes all the time", path);
}

static int
check(const char *path, const struct stat *st, struct err *err)
{
	if (!S_ISREG(st->st_mode))
		return err_set(err, ERR_PERM, "%s is not a regular file",
		    path);
	if (st->st_uid != geteuid())
		return err_set(err, ERR_PERM, "%s is not ours", path);
	return 0;
}

/* The new text becomes the file at path, whose old one st describes. */
static int
replace(const char *path, const char *dir, const struct stat *st,
    const struct str *text, struct err *err)
{
	char *temporary = str_dupf("%s/.hawser-XXXXXX", dir);
	int fd = mkostemp(temporary, O_CLOEXEC), rc = -1;

	if (fd == -1) {
		err_sys(err, "no file can be made in %s", dir);
		free(temporary);
		return -1;
	}
	/* Giving it to another group may be forbidden: then it is ours. */
	if (fchown(fd, (uid_t)-1, st->st_gid) == -1)
		errno = 0;
	if (fchmod(fd, st->st_mode & 0777) == -1 ||
	    fd_write_all(fd, text->p != NULL ? text->p : "", text->len) ==
	    -1 || fsync(fd) == -1 || rename(temporary, path) == -1)
		err_sys(err, "%s cannot be written", path);
	else
		rc = 0;
	if (rc == -1)
		unlink(temporary);
	fd_close(&fd);
	free(temporary);
	return rc;
}

static void
sync_folder(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd != -1)
		(void)fsync(fd);
	fd_close(&fd);
}

int
rewrite_file(const char *path, size_t max,
    bool (*edit)(void *arg, const char *text, size_t len, struct str *out),
    void *arg, struct err *err)
{
	char *real = resolve(path), *dir = folder_of(real), *text = NULL;
	struct stat st;
	struct str out;
	size_t len = 0;
	int fd, rc = -1;

	str_init(&out);
	(void)mkdir(dir, 0700);
	if ((fd = open_locked(real, &st, err)) == -1)
		goto out;
	if (check(real, &st, err) == -1)
		goto out;
	if ((text = fd_read_all(fd, max, &len, err)) == NULL) {
		err_prefix(err, "%s", real);
		goto out;
	}
	if (!edit(arg, text, len, &out))
		rc = 0;
	else if ((rc = replace(real, dir, &st, &out, err)) == 0)
		sync_folder(dir);
out:
	fd_close(&fd);
	str_fini(&out);
	free(text);
	free(dir);
	free(real);
	return rc;
}
