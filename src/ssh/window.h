/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SSH_WINDOW_H
#define HAWSER_SSH_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * window: how many bytes the server may send on one channel before its user
 * has taken some (RFC 4254 5.2). A window of one round trip's bytes lets a
 * stream run at the speed of the line, so it grows each round trip while the
 * server sends all that it may, and shrinks when less is carried: a slow or
 * stalled reader keeps the server from filling memory.
 *
 * What it has beyond a round trip's bytes only piles up at the server, and
 * costs it dearly: sshd copies its whole buffer for each 32 KiB by which it
 * grows, so that 16 MiB there stop all channels for a second (OpenSSH 9.2,
 * sshbuf.c). So the window is never much larger than what is carried.
 *
 * No I/O; times are clock_now_us() times.
 */

#define WINDOW_MIN	(2u * 1024 * 1024)	/* bytes: every channel's */
#define WINDOW_MAX	(64u * 1024 * 1024)
/* Bytes beyond WINDOW_MIN that all channels of a connection share. */
#define WINDOW_POOL	(128u * 1024 * 1024)
/* Beyond a round trip's bytes, for jitter; what it grows by in one. */
#define WINDOW_SPARE(size)	((size) / 8 + WINDOW_MIN / 2)
/* So many bytes are taken before the server hears of it. */
#define WINDOW_STEP	(WINDOW_MIN / 4)

/* What the channels of one connection share. Zeroed to begin with. */
struct window_pool {
	size_t used;		/* bytes of WINDOW_POOL */
	int64_t rtt_us;		/* the shortest of late; 0: none yet */
	int64_t newer_us;	/* the shortest of this spell; 0: none yet */
	int64_t spell_us;	/* when it began */
};

/* A route may get longer: round trips count for one to two such spells. */
#define WINDOW_SPELL_US	(150 * INT64_C(1000000))

struct window {
	uint32_t left;		/* bytes the server may send now */
	uint32_t size;		/* what it aims at */
	uint32_t debt;		/* bytes given out beyond size */
	uint32_t grown;		/* of size, when it was judged last */
	uint32_t taken;		/* by the user, not given back yet */
	uint64_t passed;	/* bytes given back since */
	int64_t since_us;	/* 0: nothing was given back yet */
};

void window_init(struct window *);

/* The channel is over: what it had of the pool is free again. */
void window_fini(struct window *, struct window_pool *);

/* The server has sent n bytes. False if it may not. */
bool window_receive(struct window *, size_t n);

/* The user has taken n bytes. True if window_give() is due. */
bool window_take(struct window *, uint32_t n);

/* n bytes that were taken are not, after all. */
void window_untake(struct window *, uint32_t n);

/* How many bytes more the server may send; 0: it has enough. */
uint32_t window_give(struct window *, struct window_pool *, int64_t now_us);

/* A round trip took so long and ends now. */
void window_note_rtt(struct window_pool *, int64_t us, int64_t now_us);

/* No round trip was noted for a whole spell, or none ever. */
bool window_needs_rtt(const struct window_pool *, int64_t now_us);

#endif
