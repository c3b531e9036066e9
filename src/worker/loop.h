/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_WORKER_LOOP_H
#define HAWSER_WORKER_LOOP_H

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/err.h"

/*
 * loop: what all rooms of the event loop share: the event base, the SSH
 * connection, the way up, one read buffer, and the list of what is going on.
 */

/*
 * Socket bytes on their way into channels pass through one buffer. A bulk
 * stream's read is as large as the channel has room; more than this per call
 * no longer pays.
 */
#define LOOP_BUFFER_SIZE	(128 * 1024)

struct connection;
struct event;
struct event_base;
struct lookup;
struct report;
struct session_order;
struct visits;

/*
 * Something that is going on for a client: embedded in its owner. end is
 * called when all must go, at most once, and must call loop_release().
 */
struct loop_item {
	void (*end)(void *arg);
	void *arg;
	LIST_ENTRY(loop_item) link;
};

struct loop {
	struct event_base *base;
	struct connection *connection;	/* borrowed */
	const struct session_order *order;	/* borrowed */
	struct report *report;		/* borrowed */
	struct lookup *lookup;		/* borrowed */
	struct visits *visits;		/* borrowed; may be NULL */
	uint8_t *buffer;		/* by loop_buffer(); mostly NULL */

	LIST_HEAD(, loop_item) items;
	size_t item_count;
	void (*on_idle)(void *arg);	/* the last item went; may be NULL */
	void *idle_arg;

	void **graves;
	size_t grave_count;
	size_t grave_size;
	struct event *gravedigger;
};

/*
 * LOOP_BUFFER_SIZE bytes for what is read and passed on within one call.
 * Borrowed.
 */
uint8_t *loop_buffer(struct loop *);

/* Gives memory back that only traffic needs. Not while it is in use. */
void loop_trim(struct loop *);

/* 0, or -1 with err set. */
int loop_init(struct loop *, struct err *);

/* Ends all items and frees what is buried. The rest is borrowed. */
void loop_fini(struct loop *);

/* Ends all items, as if each had come to its end. */
void loop_end_items(struct loop *);

void loop_hold(struct loop *, struct loop_item *, void (*end)(void *),
    void *arg);
void loop_release(struct loop *, struct loop_item *);

/*
 * Frees memory by free(3) when the loop has turned, so that callers further up
 * the stack may still look at it.
 */
void loop_bury(struct loop *, void *memory);

/* Starts (again) a timer that was made by evtimer_new(). */
void loop_timer_set(struct event *timer, int64_t ms);

#endif
