/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_WORKER_SYSCALL_FILTER_H
#define HAWSER_WORKER_SYSCALL_FILTER_H

#include "base/err.h"
#include "ipc/targets.h"

/*
 * syscall_filter: the system calls that an authenticating and relaying worker
 * makes, and their arguments where those matter. Any other ends the process
 * (SIGSYS); those by which libraries look for optional files are refused with
 * EACCES, as a missing file would be. No new program, process, executable
 * page, listening socket, or file; sockets are stream sockets, of the families
 * that the targets need.
 */

/*
 * Loads it, for ever. 0; 1 if this build or this kernel has no filters; -1
 * with ERR_SYS if it should work, but doesn't.
 */
int syscall_filter_load(const struct targets *, struct err *);

#endif
