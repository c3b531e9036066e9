/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_WORKER_VISIT_H
#define HAWSER_WORKER_VISIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/endpoint.h"
#include "worker/tunnel.h"

/*
 * visit: what the supervisor is told of a single forwarded connection: who
 * came, where to, what became of it. Only while somebody listens (ORDER_WATCH):
 * otherwise no visit is made, and costs nothing. What the supervisor doesn't
 * read in time is left out and counted: FACT_LOST.
 */

/* Those of one connection to the server. */
struct visits;

/* New. Borrows the loop, which has to have its report. */
struct visits *visits_new(struct loop *);
void visits_free(struct visits *);	/* NULL is fine */

/* From now on they are told, or not any more, which is so at first. */
void visits_watch(struct visits *, bool on);

struct visit;

/*
 * New, or NULL if nobody listens; the others take that, too. The originator is
 * a literal and its port; port 0: it has no address. target (borrowed) is NULL
 * as long as the client has not said where it wants to go. Borrows the tunnel.
 */
struct visit *visit_new(struct tunnel *, const char *originator,
    uint16_t port, const struct endpoint *target);

void visit_set_target(struct visit *, const struct endpoint *);

/* It has reached its target. Told once. */
void visit_opened(struct visit *);

/* It will not: a sentence. Told once. */
void visit_failed(struct visit *, const char *why);

/* Bytes; in: towards the listener's client. */
void visit_count(struct visit *, uint64_t in, uint64_t out);

/* It is over: that is told, unless it has failed before. */
void visit_free(struct visit *);

#endif
