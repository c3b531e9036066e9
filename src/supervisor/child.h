/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SUPERVISOR_CHILD_H
#define HAWSER_SUPERVISOR_CHILD_H

#include "base/spawn.h"

struct event;
struct event_base;

/*
 * For event_base_priority_init(), so that what children have said (see
 * worker_link.h), and that they have ended, is heard before any timer judges
 * them: when we were late ourselves, it was in time. Without, they come as they
 * come.
 */
#define CHILD_PRIORITIES	2

/*
 * child: tells its owner, from the loop, that a child process has ended; by
 * then the process and its group are gone. Embedded in its owner.
 */
struct child {
	struct process process;
	struct event *event;
	void (*on_exit)(void *arg, const struct process_exit *);
	void *arg;
};

/*
 * Starts our own program as a child that dies with us: title is its name for
 * people, behind which come option, the format of our log ("json", "text") and
 * more, unless that is NULL. Our end of its message socket (new), which it has
 * at MESSAGE_FD; -1 with err set.
 */
int child_start_self(struct process *out, const char *title,
    const char *option, const char *more, struct err *);

/*
 * Watches a process (taken; the struct of the caller is empty afterwards).
 * on_exit comes once; child_fini is allowed inside it.
 */
void child_init(struct child *, struct event_base *, struct process *,
    void (*on_exit)(void *arg, const struct process_exit *), void *arg);

/*
 * Kills and reaps it if it still runs; from the loop, if the kernel takes its
 * time. on_exit does not come any more.
 */
void child_fini(struct child *);

/* "signal 11 (Segmentation fault)" or "exit code 3". size is of out. */
void child_describe_exit(const struct process_exit *, char *out, size_t size);

#endif
