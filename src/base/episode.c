/* SPDX-License-Identifier: ISC */
#include "base/episode.h"

#include "base/clock.h"

bool
episode_begins(struct episode *e)
{
	int64_t now = clock_now_ms();

	if (e->told || (e->told_ms != 0 && now - e->told_ms < EPISODE_MS))
		return false;
	e->told = true;
	e->told_ms = now;
	return true;
}

bool
episode_ends(struct episode *e)
{
	bool was_told = e->told;

	e->told = false;
	return was_told;
}
