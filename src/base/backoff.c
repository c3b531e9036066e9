/* SPDX-License-Identifier: ISC */
#include "base/backoff.h"

int64_t
backoff_delay(int64_t min_ms, int64_t max_ms, unsigned attempt,
    uint32_t random)
{
	int64_t top = min_ms;
	uint64_t span;

	for (unsigned i = 0; i <= attempt && top < max_ms; i++)
		top *= 2;
	if (top > max_ms)
		top = max_ms;
	/* 2^32 steps over the span; the product fits for spans under 2^32. */
	span = (uint64_t)(top - min_ms) & UINT32_MAX;
	return min_ms + (int64_t)((span * random) >> 32);
}
