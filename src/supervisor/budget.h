/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SUPERVISOR_BUDGET_H
#define HAWSER_SUPERVISOR_BUDGET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

/*
 * budget: how many connections that have not authenticated yet may be open
 * towards one server, whichever hosts they belong to. Who comes first is
 * served first. Calls nobody back from inside budget_ask.
 */

/* sshd's MaxStartups begins to drop at 10: leave room for people. */
#define BUDGET_PLACES	8

struct budget;
struct budget_endpoint;

/*
 * A claim to one place, embedded in whoever claims. Zeroed by
 * budget_claim_init; must be given back before it goes away.
 */
struct budget_claim {
	void (*on_grant)(void *arg);
	void *arg;
	struct budget_endpoint *endpoint;	/* NULL: no claim */
	bool granted;
	TAILQ_ENTRY(budget_claim) entry;
};

struct budget *budget_new(unsigned places);
void budget_free(struct budget *);

/* on_grant is called when a place that had to be waited for is free. */
void budget_claim_init(struct budget_claim *, void (*on_grant)(void *arg),
    void *arg);

/*
 * Claims a place at hostname:port. True: it is ours now. False: on_grant
 * comes later. The claim must not be in use.
 */
bool budget_ask(struct budget *, struct budget_claim *, const char *hostname,
    uint16_t port);

/*
 * Gives the place, or the wait for one, back; nothing if there is none. May
 * call the on_grant of the claim that waited longest.
 */
void budget_give_back(struct budget *, struct budget_claim *);

#endif
