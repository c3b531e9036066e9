/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_TESTS_WALL_CLOCK_H
#define HAWSER_TESTS_WALL_CLOCK_H

#include <stdint.h>

/*
 * wall_clock: stands before libc's clocks, so that CLOCK_REALTIME jumps for
 * everything in this process, libraries included, or CLOCK_BOOTTIME as by a
 * sleep. The others are as they are.
 */

#define WALL_YEAR	(365 * 24 * 60 * 60)	/* seconds */

/* It is ahead of the real one by so much from now on; negative: behind. */
void wall_clock_set(int64_t seconds);

/* The machine slept so long: CLOCK_BOOTTIME went on, CLOCK_MONOTONIC didn't. */
void wall_clock_sleep(int64_t seconds);

#endif
