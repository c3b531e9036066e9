/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SUPERVISOR_SELF_H
#define HAWSER_SUPERVISOR_SELF_H

#include <stdint.h>

/*
 * self: what the kernel says of this process: getrusage(2) and proc(5).
 */
struct self {
	double cpu_s;			/* of user and system, so far */
	int64_t resident_bytes;		/* -1: not known */
	int64_t open_fds;		/* -1: not known */
	uint64_t max_fds;
};

void self_look(struct self *);

#endif
