/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_WORKER_SANDBOX_H
#define HAWSER_WORKER_SANDBOX_H

#include "ipc/targets.h"

/*
 * sandbox: what is taken from this process before the first byte from the
 * network is read: all capabilities, all files, all system calls but those of
 * syscall_filter, and TCP ports that no remote forward leads to. Each half is
 * as good as the kernel is; a kernel without them is no error. Builds with
 * sanitizers, whose runtime needs more, only give up capabilities.
 */

/*
 * Has libc read the files that it would read later. Called with the other
 * preparations, before sandbox_enter().
 */
void sandbox_prepare(void);

/*
 * Enters it. needs is what must stay reachable; reach (zeroed; targets_fini)
 * becomes what is reachable, which is no less. Unix sockets with a path are
 * out of reach or all within it: neither half tells one from another.
 * Returns "seccomp+landlock", "seccomp", "landlock" or "none".
 */
const char *sandbox_enter(const struct targets *needs, struct targets *reach);

#endif
