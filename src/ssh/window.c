/* SPDX-License-Identifier: ISC */
#include "ssh/window.h"

void
window_init(struct window *w)
{
	*w = (struct window){ .left = WINDOW_MIN, .size = WINDOW_MIN };
}

void
window_fini(struct window *w, struct window_pool *pool)
{
	pool->used -= w->size - WINDOW_MIN + w->debt;
	w->size = WINDOW_MIN;
	w->debt = 0;
	w->grown = 0;
}

bool
window_receive(struct window *w, size_t n)
{
	if (n > w->left)
		return false;
	w->left -= (uint32_t)n;
	return true;
}

bool
window_take(struct window *w, uint32_t n)
{
	w->taken += n;
	return w->taken >= WINDOW_STEP;
}

void
window_untake(struct window *w, uint32_t n)
{
	w->taken -= n < w->taken ? n : w->taken;
}

bool
window_needs_rtt(const struct window_pool *pool, int64_t now_us)
{
	return pool->rtt_us == 0 ||
	    now_us - pool->spell_us >= 2 * WINDOW_SPELL_US;
}

void
window_note_rtt(struct window_pool *pool, int64_t us, int64_t now_us)
{
	if (us < 1)
		us = 1;
	if (now_us - pool->spell_us >= WINDOW_SPELL_US) {
		/* The spell that ends is the older one from now on. */
		pool->rtt_us = pool->newer_us;
		pool->newer_us = 0;
		pool->spell_us = now_us;
	}
	if (pool->newer_us == 0 || us < pool->newer_us)
		pool->newer_us = us;
	if (pool->rtt_us == 0 || us < pool->rtt_us)
		pool->rtt_us = us;
}

static uint32_t
least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* How many bytes the size grows by, as far as the pool allows it. */
static uint32_t
grow(struct window *w, struct window_pool *pool)
{
	uint32_t more = least(WINDOW_SPARE(w->size), WINDOW_MAX - w->size);

	if (more > WINDOW_POOL - pool->used)
		more = (uint32_t)(WINDOW_POOL - pool->used);
	if (w->debt > 0)
		return 0;
	w->size += more;
	pool->used += more;
	return more;
}

/* What was given out can't be taken back: it is owed. */
static void
shrink(struct window *w, uint32_t cut)
{
	cut = least(cut, w->size - WINDOW_MIN);
	w->size -= cut;
	w->debt += cut;
}

/*
 * The bytes that a change of the size adds. What the size grew by when it was
 * judged last can't have been used yet: that takes a round trip.
 */
static uint32_t
judge(struct window *w, struct window_pool *pool, int64_t now_us)
{
	int64_t elapsed = now_us - w->since_us;
	uint64_t carried;	/* by one round trip */
	uint32_t more = 0, spare, room = WINDOW_SPARE(w->size);

	if (pool->rtt_us == 0 || elapsed < pool->rtt_us)
		return 0;
	carried = w->passed * (uint64_t)pool->rtt_us / (uint64_t)elapsed;
	spare = carried < w->size ? w->size - (uint32_t)carried : 0;
	if (spare < w->grown + room)
		more = grow(w, pool);
	else if (spare > w->grown + 2 * room)
		shrink(w, spare - room);
	w->grown = more;
	w->since_us = now_us;
	w->passed = 0;
	return more;
}

uint32_t
window_give(struct window *w, struct window_pool *pool, int64_t now_us)
{
	uint32_t n = w->taken, paid;

	w->taken = 0;
	if (w->since_us == 0) {
		w->since_us = now_us;
	} else {
		w->passed += n;
		n += judge(w, pool, now_us);
	}
	paid = n < w->debt ? n : w->debt;
	w->debt -= paid;
	pool->used -= paid;
	n -= paid;
	w->left += n;
	return n;
}
