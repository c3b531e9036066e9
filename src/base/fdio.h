/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_BASE_FDIO_H
#define HAWSER_BASE_FDIO_H

#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

/* fdio: what is done to file descriptors in more than one folder. */

/* 0, or -1 with errno set. */
int fd_set_nonblock(int fd, int on);
int fd_set_cloexec(int fd, int on);

/* Closes *fd if it is not -1 and makes it -1. Keeps errno. */
void fd_close(int *fd);

/*
 * The same where another process may have had the descriptor: the end of a
 * socket that was told to linger (socket(7)) is not waited for.
 */
void fd_close_shared(int *fd);

/*
 * Reads a whole regular file of at most max bytes through the open fd
 * (borrowed). New buffer with a NUL behind *len bytes, which the caller frees;
 * NULL with err set if it cannot be read or is larger.
 */
char *fd_read_all(int fd, size_t max, size_t *len, struct err *);

/* Writes all of it to a blocking fd. 0, or -1 with errno set. */
int fd_write_all(int fd, const void *bytes, size_t n);

#endif
