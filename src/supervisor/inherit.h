/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SUPERVISOR_INHERIT_H
#define HAWSER_SUPERVISOR_INHERIT_H

#include <stdbool.h>

struct notify;

/*
 * inherit: listening sockets that live longer than this process. Those of
 * local forwards are stored with the service manager
 * (sd_pid_notify_with_fds(3)) for the hawserd that comes after us, so that no
 * client is refused while it starts. Those that the manager itself has opened
 * (socket activation) are never closed. Which socket is whose is told by the
 * address that it listens on; the name in the store only serves to drop it
 * there.
 */
struct inherit;

/*
 * New: takes what the manager passed. To be called by the process that was
 * started, before it opens anything.
 */
struct inherit *inherit_new(void);

/* Closes our copies of what nobody has taken. Also NULL. */
void inherit_free(struct inherit *);

/* From now on sockets are stored there, until NULL. Borrowed. */
void inherit_tell(struct inherit *, struct notify *);

/*
 * The inherited socket that listens there ("127.0.0.1:8080", see address.h;
 * "*:8080" for every address of both families), the caller's until
 * inherit_close(), or -1. Nonblocking and closed by execve. One that a worker
 * has shut for good isn't taken: another can be bound beside it.
 */
int inherit_take(struct inherit *, const char *where);

/* Is this one that was taken the manager's own, not one that was stored? */
bool inherit_is_lent(const struct inherit *, int fd);

/* Stores a new listening socket (borrowed). */
void inherit_store(struct inherit *, int fd, const char *where);

/*
 * Closes a socket for good, here and in the store, and makes *fd -1: its
 * clients are refused from now on. One that was opened by the manager is only
 * given back: its clients wait until it is taken again.
 */
void inherit_close(struct inherit *, int *fd, const char *where);

/*
 * The forwards have what they want: drops those that another hawserd had
 * stored and that are nobody's any more.
 */
void inherit_settle(struct inherit *);

/*
 * The end of this process: what is closed from now on stays in the store.
 */
void inherit_leave(struct inherit *);

/* Was the end begun, and is there somebody who keeps the sockets? */
bool inherit_outlives(const struct inherit *);

#endif
