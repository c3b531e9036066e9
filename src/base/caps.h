/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_BASE_CAPS_H
#define HAWSER_BASE_CAPS_H

#include <stdint.h>

#include "base/err.h"

/*
 * caps: the capabilities(7) of this process. By the kernel's own calls, whose
 * form hasn't changed since Linux 2.6.26: with libcap or libcap-ng it would be
 * as many lines, and one more library in the process that faces the network.
 */

#define CAPS_NONE	0ull
#define CAPS_LOW_PORTS	(1ull << 10)	/* CAP_NET_BIND_SERVICE */

/*
 * Empties the bounding set: nothing that is executed from here on, setuid or
 * not, has a capability. What we have we keep. As far as we may say so
 * (CAP_SETPCAP): else it stays as it was.
 */
void caps_forbid_gain(void);

/*
 * Gives up every capability that is not in set, for good; of set we keep, and
 * have in effect, those that we were permitted. No program that is executed
 * from here on inherits any. 0, or -1 with ERR_SYS.
 */
int caps_keep(uint64_t set, struct err *);

/* Those in effect; none if that can't be told. */
uint64_t caps_effective(void);

#endif
