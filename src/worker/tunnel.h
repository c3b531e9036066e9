/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_WORKER_TUNNEL_H
#define HAWSER_WORKER_TUNNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/forward.h"
#include "worker/bind_truth.h"
#include "worker/loop.h"

/*
 * tunnel: one forward of this session as it runs: what it is, its counters,
 * and the state that was last told. Shared by its listener and its
 * connections, which may outlive it: counted references.
 */
struct tunnel;

/* New, with one reference. The forward is copied. Borrows the loop. */
struct tunnel *tunnel_new(struct loop *, const struct forward *);
struct tunnel *tunnel_ref(struct tunnel *);
void tunnel_unref(struct tunnel *);

struct loop *tunnel_loop(const struct tunnel *);
const struct forward *tunnel_forward(const struct tunnel *);
/* "localhost:80" or a path; "" for the dynamic kinds. Borrowed. */
const char *tunnel_target(const struct tunnel *);

/* The same listening side now leads to another target (copied). */
void tunnel_retarget(struct tunnel *, const struct forward *);

/*
 * Tells the supervisor the state. port is the one that listens on the server,
 * or 0; detail is a sentence or NULL. tunnel_state() only if something is
 * different from what was told last, tunnel_restate() always.
 */
void tunnel_state(struct tunnel *, enum forward_state, uint16_t port,
    const char *detail);
void tunnel_restate(struct tunnel *, enum forward_state, uint16_t port,
    const char *detail);

/*
 * What a proof found out: the state is told with it, unless a target that is
 * down counts for more. us is the echo's time, -1 for none.
 */
void tunnel_proved(struct tunnel *, const struct bind_truth *, int64_t us);

/*
 * A connection reached its target, or did not: moves between up and
 * target-down (or denied). detail as above, NULL when it did.
 */
void tunnel_reached(struct tunnel *);
void tunnel_missed(struct tunnel *, enum forward_state, const char *detail);

/* The forward was cancelled: its connections no longer report. */
void tunnel_mute(struct tunnel *);
bool tunnel_is_muted(const struct tunnel *);

/* Counters. in = towards the listener's client. */
void tunnel_count_open(struct tunnel *);
void tunnel_count_close(struct tunnel *);
void tunnel_count_failed(struct tunnel *);
void tunnel_count_bytes(struct tunnel *, uint64_t in, uint64_t out);

#endif
