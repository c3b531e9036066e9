/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SUPERVISOR_HOLDER_H
#define HAWSER_SUPERVISOR_HOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/*
 * holder: who listens on a local TCP port or Unix socket: proc(5)'s net/tcp,
 * net/tcp6 and net/unix lead to a socket's inode, the inode to the process
 * that has it open.
 */

/*
 * Writes "postgres (pid 812)" of the process whose listening socket stands in
 * the way of binding addr. False, with "" in out, if it can't be seen (it is
 * another user's). size is of out, in bytes.
 */
bool holder_find(const struct sockaddr *addr, char *out, size_t size);

/* The same for the Unix socket that was bound to this path. */
bool holder_find_unix(const char *path, char *out, size_t size);

/*
 * The pure halves: does this line of net/tcp (family AF_INET) or net/tcp6
 * (AF_INET6) describe a listening socket that stands in the way of addr? Then
 * its inode goes to *inode.
 */
bool holder_match_line(const char *line, int family,
    const struct sockaddr *addr, unsigned long *inode);

/* And this line of net/unix a socket that listens at path? */
bool holder_match_unix_line(const char *line, const char *path,
    unsigned long *inode);

#endif
