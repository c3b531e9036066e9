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

void
window_note_rtt(struct window_pool *pool, int64_t us)
{
	if (us < 1)
		us = 1;
	if (pool->rtt_us == 0 || us < pool->rtt_us)
		pool->rtt_us = us;
}

/* Doubles the size if the pool allows it; how many bytes that adds. */
static uint32_t
grow(struct window *w, struct window_pool *pool)
{
	uint32_t more = w->size;

	if (more > WINDOW_MAX - w->size || more > WINDOW_POOL - pool->used ||
	    w->debt > 0)
		return 0;
	w->size += more;
	pool->used += more;
	return more;
}

/* What was given out can't be taken back: it is owed. */
static void
shrink(struct window *w)
{
	if (w->size / 2 < WINDOW_MIN)
		return;
	w->size /= 2;
	w->debt += w->size;
}

/* The bytes that a change of the size adds. */
static uint32_t
judge(struct window *w, struct window_pool *pool, int64_t now_us)
{
	int64_t elapsed = now_us - w->since_us;
	uint64_t carried;	/* by one round trip */
	uint32_t more = 0;

	if (pool->rtt_us == 0 || elapsed < pool->rtt_us)
		return 0;
	carried = w->passed * (uint64_t)pool->rtt_us / (uint64_t)elapsed;
	if (carried > w->size / 2)
		more = grow(w, pool);
	else if (carried < w->size / 8)
		shrink(w);
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
