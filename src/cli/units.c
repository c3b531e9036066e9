/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE	/* timegm */
#include "cli/units.h"

#include <stddef.h>
#include <stdio.h>
#include <time.h>

void
units_duration(struct str *out, int64_t ms)
{
	static const struct {
		int64_t seconds;
		const char *name;
	} units[] = {
		{ 86400, "d" }, { 3600, "h" }, { 60, "m" }, { 1, "s" },
	};
	const size_t count = sizeof(units) / sizeof(units[0]);
	int64_t s = ms > 0 ? ms / 1000 : 0, more;
	size_t i = 0;

	while (i < count - 1 && s < units[i].seconds)
		i++;
	str_printf(out, "%lld %s", (long long)(s / units[i].seconds),
	    units[i].name);
	if (i == count - 1)
		return;
	more = s % units[i].seconds / units[i + 1].seconds;
	if (more > 0)
		str_printf(out, " %lld %s", (long long)more,
		    units[i + 1].name);
}

void
units_bytes(struct str *out, int64_t bytes)
{
	static const char *const names[] = { "kB", "MB", "GB", "TB", "PB" };
	const size_t count = sizeof(names) / sizeof(names[0]);
	double amount = (double)bytes / 1000;
	size_t i = 0;

	if (bytes < 1000) {
		str_printf(out, "%lld B", (long long)bytes);
		return;
	}
	/* 999.5 would be printed as 1000 of the smaller unit. */
	while (amount >= 999.5 && i < count - 1) {
		amount /= 1000;
		i++;
	}
	str_printf(out, amount < 9.95 ? "%.1f %s" : "%.0f %s", amount,
	    names[i]);
}

void
units_round_trip(struct str *out, double ms)
{
	if (ms < 1)
		str_printf(out, "%.2f ms", ms);
	else if (ms < 100)
		str_printf(out, "%.1f ms", ms);
	else if (ms < 1000)
		str_printf(out, "%.0f ms", ms);
	else
		str_printf(out, "%.1f s", ms / 1000);
}

int
units_parse_time(int64_t *out, const char *text, struct err *err)
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
