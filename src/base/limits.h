/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_BASE_LIMITS_H
#define HAWSER_BASE_LIMITS_H

/* limits: setrlimit(2), where more than one program wants the same. */

/* A crash leaves no core file, here and in what we execute. */
void limits_no_core(void);

/*
 * We may have as many open descriptors as the system allows: a listener here
 * and in a worker, a pidfd, a socket make many for many hosts.
 */
void limits_many_fds(void);

#endif
