/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SUPERVISOR_DAEMONIZE_H
#define HAWSER_SUPERVISOR_DAEMONIZE_H

#include "base/err.h"

/*
 * daemonize: hawserd --daemon. The first process waits until the one in the
 * background is set up, so that whoever started it sees every complaint and
 * the exit code.
 */

/*
 * Returns only in the background process, with the descriptor that
 * daemonize_ready() needs, or -1 with ERR_SYS. The first process exits with 0
 * when that is called, with 1 if the other one ends before.
 */
int daemonize_begin(struct err *);

/*
 * Leaves the terminal: / is the current folder, standard input and output lead
 * nowhere, and standard error, unless it is a regular file, into log_path.
 * Takes the descriptor.
 */
int daemonize_ready(int fd, const char *log_path, struct err *);

#endif
