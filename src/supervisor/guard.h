/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SUPERVISOR_GUARD_H
#define HAWSER_SUPERVISOR_GUARD_H

#include "base/err.h"
#include "base/spawn.h"

/*
 * guard: stands between us and a command of the operator's, which sh -c runs.
 * It leads their process group, and kills it when sh has ended or we die, which
 * death signals alone would not do to a pipeline. None of them leaves a core.
 */

/* The hidden option by which hawserd becomes the guard; a command follows. */
#define GUARD_OPTION	"--guard"

/* The guard's descriptors: the command's standard input, output and error. */
#define GUARD_FDS	3

/*
 * Runs command with these descriptors (borrowed; two may be the same), and
 * with env (borrowed; NULL: none) besides spawn_environment(). The process in
 * *out is the guard's; its exit code is the command's, or 128 + a signal. 0, or
 * -1 with err set.
 */
int guard_start(struct process *out, const char *command,
    const int fds[GUARD_FDS], char *const *env, struct err *);

/* The guard's whole life. */
int guard_main(const char *command);

#endif
