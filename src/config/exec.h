/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CONFIG_EXEC_H
#define HAWSER_CONFIG_EXEC_H

#include "base/err.h"

/*
 * exec: the commands of Match exec. Only the process that loads the
 * configuration runs them.
 */

#define EXEC_DEADLINE_MS	5000

/*
 * Runs "sh -c command" in a process group of its own, with the environment of
 * spawn_environment(), without input, output or other descriptors, for
 * EXEC_DEADLINE_MS at most; what is left of the group then is killed. 1 if it
 * exited with 0, 0 if with something else, -1 with ERR_TIMEOUT, ERR_SYS, or
 * ERR_INPUT if a signal ended it. arg isn't used.
 */
int exec_shell(void *arg, const char *command, struct err *);

#endif
