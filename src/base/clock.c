/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static int64_t (*injected)(void);

static int64_t
read_us(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t
clock_now_ms(void)
{
	return injected != NULL ? injected() :
	    read_us(CLOCK_MONOTONIC) / 1000;
}

int64_t
clock_now_us(void)
{
	return injected != NULL ? injected() * 1000 : read_us(CLOCK_MONOTONIC);
}

int64_t
clock_boot_ms(void)
{
	return read_us(CLOCK_BOOTTIME) / 1000;
}

int64_t
clock_wall_ms(void)
{
	return read_us(CLOCK_REALTIME) / 1000;
}

void
clock_format(char *out, size_t size, int64_t wall_ms)
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm;
	char head[24];

	gmtime_r(&seconds, &tm);
	strftime(head, sizeof(head), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out, size, "%s.%03dZ", head, (int)(wall_ms % 1000));
}

void
clock_inject(int64_t (*now_ms)(void))
{
	injected = now_ms;
}
