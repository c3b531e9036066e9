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
clock_cpu_ms(void)
{
	return read_us(CLOCK_PROCESS_CPUTIME_ID) / 1000;
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

int
clock_parse(int64_t *out, const char *text, struct err *err)
{
	struct tm tm = { 0 };
	int ms = 0, end = -1;
	time_t t;

	/* %n counts the bytes read: the whole text must have been matched. */
	if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ%n", &tm.tm_year,
	    &tm.tm_mon, &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &ms,
	    &end) != 7 || end == -1 || text[end] != '\0') {
		ms = 0;
		end = -1;
		if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2dZ%n", &tm.tm_year,
		    &tm.tm_mon, &tm.tm_mday, &tm.tm_hour, &tm.tm_min,
		    &tm.tm_sec, &end) != 6 || end == -1 || text[end] != '\0')
			return err_set(err, ERR_INPUT, "not a time: %s", text);
	}
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	if ((t = timegm(&tm)) == (time_t)-1)
		return err_set(err, ERR_INPUT, "not a time: %s", text);
	*out = (int64_t)t * 1000 + ms;
	return 0;
}

void
clock_inject(int64_t (*now_ms)(void))
{
	injected = now_ms;
}
