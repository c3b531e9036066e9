/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SUPERVISOR_NOTIFY_H
#define HAWSER_SUPERVISOR_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>

#include "supervisor/host.h"
#include "supervisor/reload.h"

struct event_base;
struct notices;

/*
 * notify: what hawserd tells the service manager (sd_notify(3)): that it is
 * ready, what it is about, that its loop turns; and the descriptors that it
 * leaves there and was left. The only room that knows libsystemd. Without a
 * manager (NOTIFY_SOCKET), and built without libsystemd, all of it does
 * nothing. It never waits for the manager: see notify_line.h.
 */
struct notify;

/*
 * New. From now on the manager's watchdog, if it has one for us, is told twice
 * in its time that the loop turns (WATCHDOG_USEC).
 */
struct notify *notify_new(struct event_base *);
void notify_free(struct notify *);		/* also NULL */

/* Is there a manager that listens? */
bool notify_is_heard(const struct notify *);

/*
 * Borrows all until notify_free(). From notify_ready() on the status line
 * follows the table: at most once a second, and only when it reads otherwise.
 */
void notify_follow(struct notify *, struct notices *,
    const struct host_table *, const struct reload *);

/* The first configuration is in force. */
void notify_ready(struct notify *);

/*
 * A reload that the manager may have asked for begins, and is over: applied or
 * refused, which the status line says. Several may be under way.
 */
void notify_reloading(struct notify *);
void notify_reloaded(struct notify *);

void notify_stopping(struct notify *);

/* There is no way to start; why is for people. */
void notify_failed(struct notify *, const char *why);

/*
 * The manager keeps a copy of fd (borrowed) for who comes after us, under this
 * name (at most 255 characters, no colon), or drops those with this name.
 */
void notify_store(struct notify *, int fd, const char *name);
void notify_unstore(struct notify *, const char *name);

/* A descriptor that the manager has passed us (sd_listen_fds(3)). */
struct notify_fd {
	int fd;
	char *name;
};

/*
 * New array, of *count; the descriptors and the names are the caller's. To be
 * called once, by the process that was started and before it opens anything;
 * what is executed later is not told of them.
 */
struct notify_fd *notify_take_fds(size_t *count);

#endif
