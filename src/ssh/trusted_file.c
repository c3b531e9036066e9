/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "ssh/trusted_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fdio.h"

/* Is the open file one whose words can be trusted? */
static int
check(int fd, const char *path, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return err_sys(err, "cannot read %s", path);
	/* "UserKnownHostsFile /dev/null" is a usual way to say "none". */
	if (S_ISCHR(st.st_mode))
		return 0;
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_INPUT, "%s is not a regular file",
		    path);
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return err_set(err, ERR_PERM,
		    "%s belongs to user %u; it must be owned by root or by "
		    "the user hawser runs as", path, (unsigned)st.st_uid);
	if ((st.st_mode & S_IWOTH) != 0 || ((st.st_mode & S_IWGRP) != 0 &&
	    st.st_gid != 0 && st.st_gid != getegid()))
		return err_set(err, ERR_PERM,
		    "%s can be written by others (mode %04o); chmod go-w it",
		    path, (unsigned)st.st_mode & 07777);
	return 0;
}

char *
trusted_file_read(const char *path, size_t max, size_t *len, struct err *err)
{
	/* Without waiting, should it be a pipe. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char *bytes = NULL;

	if (fd == -1 && errno == ENOENT) {
		err_set(err, ERR_NOTFOUND, "%s does not exist", path);
		return NULL;
	}
	if (fd == -1) {
		err_sys(err, "cannot open %s", path);
		return NULL;
	}
	if (check(fd, path, err) == 0 &&
	    (bytes = fd_read_all(fd, max, len, err)) == NULL)
		err_prefix(err, "%s", path);
	fd_close(&fd);
	return bytes;
}
