/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "base/fdio.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/str.h"

static int
change_flag(int fd, int get, int set, int flag, int on)
{
	int flags = fcntl(fd, get);

	if (flags == -1)
		return -1;
	return fcntl(fd, set, on ? flags | flag : flags & ~flag);
}

int
fd_set_nonblock(int fd, int on)
{
	return change_flag(fd, F_GETFL, F_SETFL, O_NONBLOCK, on);
}

int
fd_set_cloexec(int fd, int on)
{
	return change_flag(fd, F_GETFD, F_SETFD, FD_CLOEXEC, on);
}

void
fd_close(int *fd)
{
	int saved = errno;

	if (*fd != -1)
		close(*fd);
	*fd = -1;
	errno = saved;
}

void
fd_close_shared(int *fd)
{
	struct linger off = { 0 };
	int saved = errno;

	/* What is no socket has none of it. */
	if (*fd != -1)
		setsockopt(*fd, SOL_SOCKET, SO_LINGER, &off, sizeof(off));
	errno = saved;
	fd_close(fd);
}

char *
fd_read_all(int fd, size_t max, size_t *len, struct err *err)
{
	struct str s;
	char chunk[8192];
	ssize_t n;

	str_init(&s);
	while ((n = read(fd, chunk, sizeof(chunk))) != 0) {
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1) {
			err_sys(err, "cannot read");
			goto fail;
		}
		if (s.len + (size_t)n > max) {
			err_set(err, ERR_INPUT, "larger than %zu bytes", max);
			goto fail;
		}
		str_append_n(&s, chunk, (size_t)n);
	}
	*len = s.len;
	return str_take(&s);
fail:
	str_fini(&s);
	return NULL;
}

int
fd_write_all(int fd, const void *bytes, size_t n)
{
	const char *p = bytes;

	while (n > 0) {
		ssize_t w = write(fd, p, n);

		if (w == -1 && errno == EINTR)
			continue;
		if (w == -1)
			return -1;
		p += w;
		n -= (size_t)w;
	}
	return 0;
}
