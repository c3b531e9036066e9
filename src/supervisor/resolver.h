/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SUPERVISOR_RESOLVER_H
#define HAWSER_SUPERVISOR_RESOLVER_H

#include <jansson.h>

struct event_base;

/*
 * resolver: names to addresses for the workers, whose sandbox has no resolver.
 * One child process does the asking; it is started with the first question,
 * and again when it has died. No answer within RESOLVER_MS is an error. Who
 * asks for many or slow names leaves room for others: so many of one are under
 * way at a time, so many wait, and more are refused.
 */
struct resolver;

#define RESOLVER_MS	5000
#define RESOLVER_ASKER_SENT	16
#define RESOLVER_ASKER_MAX	1024	/* under way or waiting */

/* By this and the format of its log ("text", "json") hawserd is the child. */
#define RESOLVER_OPTION	"--resolver-child"

struct resolver *resolver_new(struct event_base *);
void resolver_free(struct resolver *);

/*
 * addresses: an array of literal strings, best first, maybe empty; borrowed.
 * error: a sentence, or NULL.
 */
typedef void resolver_answer(void *arg, long long req, json_t *addresses,
    const char *error);

/* Asks; the answer comes once, from the loop. req is handed back. */
void resolver_ask(struct resolver *, const char *name, long long req,
    resolver_answer *answer, void *arg);

/* Whoever asked with this arg is gone: no more answers to it. */
void resolver_forget(struct resolver *, const void *arg);

/* The child's whole life, on the socket at MESSAGE_FD. Its exit code. */
int resolver_child_main(void);

#endif
