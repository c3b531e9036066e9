/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE	/* timegm */
#include "cli/units.h"

#include <stddef.h>
#include <stdio.h>

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
