/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_WORKER_LOOKUP_H
#define HAWSER_WORKER_LOOKUP_H

#include <stddef.h>

#include "base/err.h"
#include "ipc/message.h"
#include "worker/loop.h"

/*
 * lookup: names of targets, looked up by the supervisor's resolver child: this
 * process has neither resolver nor files any more. FACT_RESOLVE goes up,
 * ORDER_ADDRESSES comes down.
 */
struct lookup;
struct lookup_request;

#define LOOKUP_DEADLINE_MS	5000
#define LOOKUP_ADDRESSES_MAX	16	/* of one answer; more are ignored */

/*
 * addresses are literals, borrowed for the call; count is 0 if there are none,
 * and then why says it. The request is gone.
 */
typedef void lookup_answer(void *arg, const char *const *addresses,
    size_t count, const char *why);

/* New. Borrows the loop. */
struct lookup *lookup_new(struct loop *);
/* Forgets all requests, without calls. NULL is fine. */
void lookup_free(struct lookup *);

/*
 * Asks. The answer never comes from inside this call. name is copied; one that
 * cannot be a host's name is answered without asking.
 */
struct lookup_request *lookup_start(struct lookup *, const char *name,
    lookup_answer *, void *arg);
void lookup_cancel(struct lookup_request *);

/* An ORDER_ADDRESSES came; one nobody waits for is ignored. */
void lookup_deliver(struct lookup *, const struct message *);

#endif
