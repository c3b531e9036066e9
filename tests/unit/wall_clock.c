/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "wall_clock.h"

#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static int64_t ahead, slept;

void
wall_clock_set(int64_t seconds)
{
	ahead = seconds;
}

void
wall_clock_sleep(int64_t seconds)
{
	slept += seconds;
}

int
clock_gettime(clockid_t id, struct timespec *out)
{
	long rc = syscall(SYS_clock_gettime, id, out);

	if (rc == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
		out->tv_sec += (time_t)ahead;
	else if (rc == 0 && id == CLOCK_BOOTTIME)
		out->tv_sec += (time_t)slept;
	return (int)rc;
}

int
gettimeofday(struct timeval *restrict out, void *restrict zone)
{
	struct timespec t;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &t);
	*out = (struct timeval){ t.tv_sec, t.tv_nsec / 1000 };
	return 0;
}

time_t
time(time_t *out)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	if (out != NULL)
		*out = t.tv_sec;
	return t.tv_sec;
}
