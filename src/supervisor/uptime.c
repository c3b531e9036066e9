/* SPDX-License-Identifier: ISC */
#include "supervisor/uptime.h"

#include <stdlib.h>

#include "base/str.h"

static int64_t
lesser(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t
greater(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

void
uptime_spans_fini(struct uptime_spans *s)
{
	free(s->list);
	*s = (struct uptime_spans){ 0 };
}

void
uptime_add(struct uptime_spans *s, int64_t from, int64_t to)
{
	if (from >= to)
		return;
	if (s->count == s->size) {
		s->size = s->size > 0 ? s->size * 2 : 16;
		s->list = mem_grow(s->list, s->size, sizeof(*s->list));
	}
	s->list[s->count++] = (struct uptime_span){ from, to };
}

static int
compare(const void *a, const void *b)
{
	const struct uptime_span *x = a, *y = b;

	return x->from < y->from ? -1 : x->from > y->from;
}

void
uptime_join(struct uptime_spans *s)
{
	size_t kept = 0;

	if (s->count == 0)
		return;
	qsort(s->list, s->count, sizeof(*s->list), compare);
	for (size_t i = 1; i < s->count; i++) {
		struct uptime_span *last = &s->list[kept];

		if (s->list[i].from <= last->to)
			last->to = greater(last->to, s->list[i].to);
		else
			s->list[++kept] = s->list[i];
	}
	s->count = kept + 1;
}

void
uptime_common(const struct uptime_spans *a, const struct uptime_spans *b,
    struct uptime_spans *out)
{
	size_t i = 0, j = 0;

	while (i < a->count && j < b->count) {
		uptime_add(out, greater(a->list[i].from, b->list[j].from),
		    lesser(a->list[i].to, b->list[j].to));
		if (a->list[i].to < b->list[j].to)
			i++;
		else
			j++;
	}
}

bool
uptime_touches(const struct uptime_spans *s, struct uptime_span one)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->list[i].from <= one.to && one.from <= s->list[i].to)
			return true;
	return false;
}

int64_t
uptime_length(const struct uptime_spans *s, int64_t from, int64_t to)
{
	int64_t sum = 0;

	for (size_t i = 0; i < s->count; i++)
		sum += greater(0, lesser(s->list[i].to, to) -
		    greater(s->list[i].from, from));
	return sum;
}

int64_t
uptime_of_day(struct uptime_span s, int64_t day)
{
	return greater(0, lesser(s.to, (day + 1) * UPTIME_DAY_MS) -
	    greater(s.from, day * UPTIME_DAY_MS));
}
