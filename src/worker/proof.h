/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_WORKER_PROOF_H
#define HAWSER_WORKER_PROOF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ssh/connection.h"
#include "worker/bind_truth.h"
#include "worker/forwarded.h"
#include "worker/tunnel.h"

/*
 * proof: does a remote forward pass bytes? Through the server we connect to
 * our own port there and send a nonce; it must come to us as a forwarded
 * connection, and our echo must come back. While that is going on, a forwarded
 * connection that the server itself can have made is held until its first
 * bytes differ from the nonce, or for two round trips and PROOF_PATIENCE_MS:
 * somebody whose protocol waits for the other side is not held longer. Should
 * our own be taken for somebody's because its bytes are late, then nobody else
 * is said to answer. Once per order; the result is told once.
 */
struct proof;

#define PROOF_PATIENCE_MS	200
#define PROOF_DEADLINE_MS	5000	/* for all of it, and 4 round trips */

struct proof_ops {
	/* All addresses are judged. us is the first echo's time, or -1. */
	void (*on_done)(void *arg, const struct probe_result *, size_t count,
	    int64_t us);
	/*
	 * A held connection is somebody's own: the user takes the channel
	 * (open: relay_adopt()) and the n bytes that came. May come after
	 * proof_free().
	 */
	void (*on_stranger)(struct tunnel *, struct channel *,
	    const struct forwarded_way *, const uint8_t *unread, size_t n);
};

/*
 * New: connects to the tunnel's port on the server, except at those of the
 * bind_truth_addresses() that are known to be refused, and those of which
 * another forward tells. Borrows ops, arg and
 * the tunnel's forward. NULL if nothing could be begun (too many channels).
 */
struct proof *proof_new(struct tunnel *, uint16_t port,
    const bool refused[BIND_TRUTH_ADDRESSES], const struct proof_ops *,
    void *arg);

/* No on_done will come; what is held goes on. NULL is fine. */
void proof_free(struct proof *);

/* Can this forwarded connection be one of ours? */
bool proof_concerns(const struct proof *, const struct forwarded_open *);

/* Takes one that can, which nobody has answered. */
void proof_hold(struct proof *, struct channel *,
    const struct forwarded_way *);

#endif
