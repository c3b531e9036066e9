/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SUPERVISOR_SPEECH_H
#define HAWSER_SUPERVISOR_SPEECH_H

#include "base/spawn.h"

struct event_base;

/*
 * speech: what a command of the operator's writes to standard error, as lines
 * of our log. They are made printable, and cut at SPEECH_LINE_MAX bytes.
 */
struct speech;

#define SPEECH_LINE_MAX	512

/* New. Takes fd. what ("ProxyCommand") and host (copied) name the speaker. */
struct speech *speech_new(struct event_base *, int fd, const char *what,
    const char *host);

void speech_free(struct speech *);

/* No more than so many lines are logged; 0: there is no limit, as at first. */
void speech_limit(struct speech *, int lines);

/* The command has ended: reads what is there, and no more after that. */
void speech_end(struct speech *);

/* New: "ProxyCommand ended with exit code 1: the last thing that it said". */
char *speech_describe_end(const struct speech *, const struct process_exit *);

#endif
