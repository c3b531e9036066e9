/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SUPERVISOR_NOTIFY_LINE_H
#define HAWSER_SUPERVISOR_NOTIFY_LINE_H

#include <stdbool.h>

struct event_base;

/*
 * notify_line: the way to the service manager's socket (NOTIFY_SOCKET, see
 * sd_notify(3), whose own call waits). A manager that is busy with itself reads
 * nothing for a while, and hawserd must not stand still for as long: what the
 * socket does not take waits here, in order.
 */
struct notify_line;

/* Of messages that wait; what comes then is lost, which the log says. */
#define NOTIFY_LINE_MAX	4096

/* New. NULL: there is no manager, or none at a Unix socket. */
struct notify_line *notify_line_new(struct event_base *);

/* What waits has half a second more. Also NULL. */
void notify_line_free(struct notify_line *);

/* Sends text, and a copy of fd (borrowed; -1: none), now or later. */
void notify_line_send(struct notify_line *, const char *text, int fd);

/* Does something wait? */
bool notify_line_is_behind(const struct notify_line *);

#endif
