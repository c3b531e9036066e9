/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_BASE_CLOCK_H
#define HAWSER_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * clock: the times hawser knows. Every delay and deadline is monotonic;
 * wall time is only shown to people.
 */

#define CLOCK_TEXT_SIZE	32	/* room for an RFC 3339 time and its NUL */

/* Milliseconds since an arbitrary point; never goes back (CLOCK_MONOTONIC). */
int64_t clock_now_ms(void);

/* The same in microseconds: for round trips. */
int64_t clock_now_us(void);

/*
 * Milliseconds that grow as those of clock_now_ms() do, and while the machine
 * is suspended, too (CLOCK_BOOTTIME): no delay is measured by it.
 */
int64_t clock_boot_ms(void);

/* Milliseconds of CPU time that this process has used. */
int64_t clock_cpu_ms(void);

/* Milliseconds since 1970 (CLOCK_REALTIME): for people only. */
int64_t clock_wall_ms(void);

/* "2026-11-20T06:46:51.123Z" of a wall time. size is of out, in bytes. */
void clock_format(char *out, size_t size, int64_t wall_ms);

/*
 * Parses an RFC 3339 time in UTC, with or without milliseconds, to milliseconds
 * since 1970. 0, or -1 with ERR_INPUT.
 */
int clock_parse(int64_t *out, const char *text, struct err *);

/*
 * Tests replace what clock_now_ms() reads; NULL restores the real clock.
 */
void clock_inject(int64_t (*now_ms)(void));

#endif
