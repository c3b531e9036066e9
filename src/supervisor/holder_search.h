/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SUPERVISOR_HOLDER_SEARCH_H
#define HAWSER_SUPERVISOR_HOLDER_SEARCH_H

#include "base/endpoint.h"

struct event_base;

/*
 * holder_search: who stands in the way of a listener, without waiting for it:
 * on a machine with thousands of processes it takes most of a second to see.
 * A child process looks, one at a time.
 */
struct holder_search;

struct holder_search *holder_search_new(struct event_base *);
void holder_search_free(struct holder_search *);

/* The sentence of listener_find_holder(); "" if it can't be seen. */
typedef void holder_search_done(void *arg, const char *sentence);

/*
 * Asks about the address (copied). done comes once, from the loop. A question
 * that has this arg already is not asked again.
 */
void holder_search_ask(struct holder_search *, const struct endpoint *at,
    holder_search_done *done, void *arg);

/* Whoever asked with this arg is gone. */
void holder_search_forget(struct holder_search *, const void *arg);

#endif
