/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_BASE_BACKOFF_H
#define HAWSER_BASE_BACKOFF_H

#include <stdint.h>

/*
 * backoff: exponential with full jitter. Pure: the caller brings the random
 * number.
 */

/*
 * The delay before try number attempt (0 = the first retry), in milliseconds:
 * evenly distributed between min_ms and min(max_ms, min_ms * 2^(attempt + 1)).
 * random is any 32 evenly distributed bits. 0 < min_ms <= max_ms.
 */
int64_t backoff_delay(int64_t min_ms, int64_t max_ms, unsigned attempt,
    uint32_t random);

#endif
