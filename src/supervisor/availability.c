/* SPDX-License-Identifier: ISC */
#include "supervisor/availability.h"

#define SLOT_MS	AVAILABILITY_SLOT_MS

void
availability_init(struct availability *a, int64_t now_ms)
{
	*a = (struct availability){ .counted_to = now_ms };
	for (int i = 0; i < AVAILABILITY_SLOTS; i++)
		a->slots[i].number = INT64_MIN;
}

/* The index of the slot of that number, emptied if it was another day's. */
static int
find_slot(struct availability *a, int64_t number)
{
	/* A seed may be from before the clock's zero. */
	int i = (int)((number % AVAILABILITY_SLOTS + AVAILABILITY_SLOTS) %
	    AVAILABILITY_SLOTS);

	if (a->slots[i].number != number) {
		a->slots[i].number = number;
		a->slots[i].up_ms = 0;
		a->slots[i].down_ms = 0;
		a->slots[i].outages = 0;
	}
	return i;
}

/* Counts the time since the last look for the state that held in it. */
static void
count(struct availability *a, int64_t now_ms)
{
	int64_t oldest = now_ms - SLOT_MS * AVAILABILITY_SLOTS;

	if (a->counted_to < oldest)
		a->counted_to = oldest;
	while (a->counted_to < now_ms) {
		int64_t number = a->counted_to / SLOT_MS;
		int64_t end = (number + 1) * SLOT_MS;
		int i = find_slot(a, number);
		uint32_t span;

		if (end > now_ms)
			end = now_ms;
		span = (uint32_t)(end - a->counted_to);
		if (a->state == AVAILABILITY_UP)
			a->slots[i].up_ms += span;
		else if (a->state == AVAILABILITY_DOWN)
			a->slots[i].down_ms += span;
		a->counted_to = end;
	}
}

static void
begin_outage(struct availability *a, int64_t now_ms)
{
	a->is_outage = true;
	a->outages++;
	a->slots[find_slot(a, now_ms / SLOT_MS)].outages++;
}

void
availability_set(struct availability *a, enum availability_state state,
    int64_t now_ms)
{
	count(a, now_ms);
	if (state != AVAILABILITY_DOWN)
		a->is_outage = false;
	else if (a->state == AVAILABILITY_UP)
		begin_outage(a, now_ms);
	a->state = state;
}

void
availability_fail(struct availability *a, int64_t now_ms)
{
	count(a, now_ms);
	if (a->state == AVAILABILITY_DOWN && !a->is_outage)
		begin_outage(a, now_ms);
}

static uint32_t
cut(int64_t n, int64_t max)
{
	return (uint32_t)(n < 0 ? 0 : n > max ? max : n);
}

void
availability_seed(struct availability *a, int64_t now_ms, int slots_ago,
    int64_t up_ms, int64_t down_ms, int64_t outages)
{
	int i = find_slot(a, now_ms / SLOT_MS - slots_ago);

	a->slots[i].up_ms += cut(up_ms, SLOT_MS);
	a->slots[i].down_ms += cut(down_ms, SLOT_MS);
	a->slots[i].outages += cut(outages, SLOT_MS);
}

static int
is_recent(const struct availability *a, int i, int64_t now_ms)
{
	return a->slots[i].number > now_ms / SLOT_MS - AVAILABILITY_SLOTS;
}

double
availability_ratio(struct availability *a, int64_t now_ms)
{
	int64_t up = 0, down = 0;

	count(a, now_ms);
	for (int i = 0; i < AVAILABILITY_SLOTS; i++)
		if (is_recent(a, i, now_ms)) {
			up += a->slots[i].up_ms;
			down += a->slots[i].down_ms;
		}
	if (up + down == 0)
		return -1;
	return (double)up / (double)(up + down);
}

uint32_t
availability_outages(struct availability *a, int64_t now_ms)
{
	uint32_t n = 0;

	count(a, now_ms);
	for (int i = 0; i < AVAILABILITY_SLOTS; i++)
		if (is_recent(a, i, now_ms))
			n += a->slots[i].outages;
	return n;
}
