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
 *
 * A server that has not answered as many times in a row as it has places is
 * tried once in BUDGET_PACE_MS by all hosts together: what one learns, the
 * others need not ask. The first answer ends that. A host that asks for the
 * same server as it did last, with nobody in between, keeps its own pace.
 *
 * Of a thousand hosts with servers of their own, too, only a few start before
 * the loop has looked at what else there is to do.
 */

/* sshd's MaxStartups begins to drop at 10: leave room for people. */
#define BUDGET_PLACES	8
#define BUDGET_PACE_MS	1000
/* So many places at a time, wherever they lead: starting a worker is work. */
#define BUDGET_BURST	8
#define BUDGET_BURST_MS	20
/* A server that nobody has asked for is forgotten after this time. */
#define BUDGET_MEMORY_MS	(15 * 60 * 1000)

struct budget;
struct budget_endpoint;
struct event_base;

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

/*
 * What is put off comes from this loop, from now on until budget_stop(); else
 * somebody has to call budget_tick() each BUDGET_PACE_MS or more often.
 */
void budget_start(struct budget *, struct event_base *);
void budget_stop(struct budget *);
void budget_tick(struct budget *);

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
 * The server has answered the claim's connection, or has not. True: it has
 * again, after it was tried more rarely. Nothing if no place is claimed.
 */
bool budget_note(struct budget *, struct budget_claim *, bool answered);

/* Servers that did not answer may do so now: each has all its places again. */
void budget_forgive(struct budget *);

/* Is its server tried more rarely than there are places? */
bool budget_is_paced(const struct budget_claim *);

/*
 * Gives the place, or the wait for one, back; nothing if there is none. May
 * call the on_grant of the claim that waited longest.
 */
void budget_give_back(struct budget *, struct budget_claim *);

#endif
