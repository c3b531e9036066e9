/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_BASE_LIMITS_H
#define HAWSER_BASE_LIMITS_H

/* limits: what more than one program tells the kernel of itself. */

/* A crash leaves no core file, here and in what we execute. */
void limits_no_core(void);

/*
 * We may have as many open descriptors as the system allows: a listener here
 * and in a worker, a pidfd, a socket make many for many hosts.
 */
void limits_many_fds(void);

/*
 * The opposite, for a stranger's program that we run: 1024 at first, as
 * select(2) wants it. It may have more if it asks.
 */
void limits_usual_fds(void);

/*
 * When memory is short the kernel shall end a worker, which is replaced, rather
 * than the supervisor (oom_score_adj in proc(5)). keep is for that one, before
 * it gives up its rights, and does nothing without CAP_SYS_RESOURCE: -500,
 * unless it is less already. offer is for what it starts, before that becomes
 * undumpable: 200 more than it has, or than 0.
 */
void limits_oom_keep(void);
void limits_oom_offer(void);

#endif
