/* SPDX-License-Identifier: ISC */
#include "supervisor/schedule.h"

#include <assert.h>

#include "base/backoff.h"

#define SECONDS(n)	((int64_t)(n) * 1000)
#define MINUTES(n)	SECONDS((n) * 60)

struct policy {
	bool park;
	bool first_at_once;	/* the first since the link was stable */
	bool wakes;		/* when the way to the server changes */
	bool silence;		/* of the server: it may not be there */
	enum schedule_ladder ladder;
	int64_t floor_ms;	/* beats HawserBackoff's MIN if larger */
	int64_t cap_ms;		/* beats HawserBackoff's MAX if larger */
};

static const struct policy policies[] = {
	[END_RESOLVE] = { .ladder = LADDER_NORMAL, .wakes = true,
	    .silence = true },
	[END_UNREACHABLE] = { .ladder = LADDER_NORMAL, .wakes = true,
	    .silence = true },
	[END_REFUSED] = { .ladder = LADDER_NORMAL, .wakes = true,
	    .silence = true },
	[END_TIMEOUT] = { .ladder = LADDER_NORMAL, .wakes = true,
	    .silence = true },
	/* MaxStartups, PerSourcePenalties, fail2ban: haste makes it worse. */
	[END_CLOSED_EARLY] = { .ladder = LADDER_EARLY, .silence = true,
	    .floor_ms = SECONDS(15), .cap_ms = MINUTES(10) },
	/* Neither side's algorithms change by asking again. */
	[END_KEX] = { .ladder = LADDER_SLOW,
	    .floor_ms = SECONDS(60), .cap_ms = MINUTES(15) },
	[END_PROTOCOL] = { .ladder = LADDER_SLOW,
	    .floor_ms = SECONDS(60), .cap_ms = MINUTES(15) },
	[END_HOSTKEY] = { .park = true },
	[END_AUTH] = { .ladder = LADDER_AUTH,
	    .floor_ms = SECONDS(60), .cap_ms = MINUTES(15) },
	[END_FORWARD] = { .ladder = LADDER_NORMAL },
	[END_LOST] = { .ladder = LADDER_NORMAL, .first_at_once = true,
	    .wakes = true, .silence = true },
	[END_CLOSED] = { .ladder = LADDER_NORMAL },
	[END_PROXY] = { .ladder = LADDER_NORMAL, .wakes = true,
	    .silence = true },
	[END_CRASH] = { .ladder = LADDER_CRASH, .first_at_once = true,
	    .floor_ms = SECONDS(5) },
	/* Nobody ordered it, or the schedule would not be asked. */
	[END_STOPPED] = { .ladder = LADDER_NORMAL },
};
static_assert(sizeof(policies) / sizeof(policies[0]) == END_CLASS_COUNT,
    "one policy per class");

static int64_t
larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

struct schedule_verdict
schedule_next(struct schedule *s, const struct schedule_limits *limits,
    enum end_class why, int64_t up_ms, uint32_t random)
{
	const struct policy *p = &policies[why];
	int64_t min, max;

	if (up_ms >= 0 && up_ms >= limits->stable_ms)
		*s = (struct schedule){ 0 };
	if (p->park)
		return (struct schedule_verdict){ .park = true };
	if (p->first_at_once && !s->used_first[p->ladder]) {
		s->used_first[p->ladder] = true;
		return (struct schedule_verdict){ .delay_ms = 0 };
	}
	min = larger(limits->min_ms, p->floor_ms);
	max = larger(larger(limits->max_ms, p->cap_ms), min);
	return (struct schedule_verdict){ .delay_ms =
	    backoff_delay(min, max, s->steps[p->ladder]++, random) };
}

bool
schedule_is_silence(enum end_class why)
{
	return policies[why].silence;
}

int64_t
schedule_wake(struct schedule *s, enum end_class why, int64_t now_ms,
    int64_t delay_ms, uint32_t random)
{
	const struct policy *p = &policies[why];
	int64_t at = now_ms, delay;

	if (!p->wakes)
		return delay_ms;
	if (s->woken_ms != 0 && s->woken_ms + SCHEDULE_WAKE_MS > at)
		at = s->woken_ms + SCHEDULE_WAKE_MS;
	delay = at - now_ms +
	    (int64_t)((uint64_t)random * SCHEDULE_JITTER_MS >> 32);
	if (delay >= delay_ms)
		return delay_ms;
	s->woken_ms = at;
	s->steps[p->ladder] = 0;
	return delay;
}
