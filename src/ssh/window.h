/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SSH_WINDOW_H
#define HAWSER_SSH_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * window: how many bytes the server may send on one channel before its user
 * has taken some (RFC 4254 5.2). A window of one round trip's bytes lets a
 * stream run at the speed of the line, so it doubles when a round trip
 * carried more than half of it, and is halved when that was less than an
 * eighth: a slow or stalled reader keeps the server from filling memory. No
 * I/O; times are clock_now_us() times.
 */

#define WINDOW_MIN	(2u * 1024 * 1024)	/* bytes: every channel's */
#define WINDOW_MAX	(64u * 1024 * 1024)
/* Bytes beyond WINDOW_MIN that all channels of a connection share. */
#define WINDOW_POOL	(128u * 1024 * 1024)
/* So many bytes are taken before the server hears of it. */
#define WINDOW_STEP	(WINDOW_MIN / 4)

/* What the channels of one connection share. Zeroed to begin with. */
struct window_pool {
	size_t used;		/* bytes of WINDOW_POOL */
	int64_t rtt_us;		/* the shortest that was seen; 0: none yet */
};

struct window {
	uint32_t left;		/* bytes the server may send now */
	uint32_t size;		/* what it aims at */
	uint32_t debt;		/* bytes given out beyond size */
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

/* A round trip took so long. */
void window_note_rtt(struct window_pool *, int64_t us);

#endif
