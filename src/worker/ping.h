/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_WORKER_PING_H
#define HAWSER_WORKER_PING_H

#include <stdint.h>

#include "worker/loop.h"

/*
 * ping: asks the server again and again whether it lives, one question at a
 * time, and times the answers. A server that neither answers nor sends
 * anything for interval x count + 1 s is lost.
 */
struct ping;

#define PING_GRACE_MS	1000	/* on top of interval x count */
#define PING_PATIENCE_MS 1000	/* silence after which listeners wait */

struct ping_ops {
	/* An answer took us microseconds. */
	void (*on_rtt)(void *arg, int64_t us);
	/*
	 * The answer is late: longer than PING_PATIENCE_MS and four times the
	 * last round trip, and nothing else came. on_back follows with it.
	 */
	void (*on_silent)(void *arg);
	void (*on_back)(void *arg);
	/* Nothing was heard for silence_ms. No call follows until freed. */
	void (*on_lost)(void *arg, int64_t silence_ms);
};

/*
 * New: pings at once, then interval_s after each answer (0: never). heard
 * gives a number that grows with every byte from the server, so that a slow
 * link is not taken for a dead one. Borrows the loop, ops and arg.
 */
struct ping *ping_new(struct loop *, int interval_s, int count,
    uint64_t (*heard)(void *arg), const struct ping_ops *, void *arg);

/*
 * Goes on with another interval and count. A silence that lasts already counts
 * for one new interval at most, so that there is time for an answer.
 */
void ping_set(struct ping *, int interval_s, int count);

/*
 * Asks now, whatever the interval: unless something is heard within ms
 * milliseconds, the server is lost. Called again before that, the time begins
 * anew.
 */
void ping_now(struct ping *, int ms);

/* After the connection is gone: an answer may be under way. NULL is fine. */
void ping_free(struct ping *);

#endif
