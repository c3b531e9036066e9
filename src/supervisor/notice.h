/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SUPERVISOR_NOTICE_H
#define HAWSER_SUPERVISOR_NOTICE_H

#include <stddef.h>
#include <stdint.h>

/*
 * notice: what the host table tells of its changes, once each is made, to
 * those that remember, count or pass on. It goes one way: a listener reads the
 * table through view.h if it wants more, and changes nothing in it.
 */

enum notice_kind {
	NOTICE_HOST,		/* a host is in another state */
	NOTICE_FORWARD,		/* a forward's state or sentence is another */
	NOTICE_END,		/* an attempt or a connection that counts for
				   its host ended; the new state follows */
	NOTICE_RELOAD,		/* a configuration was applied or refused */
	NOTICE_KIND_COUNT
};

/* Everything is borrowed, for the time of the call. */
struct notice {
	enum notice_kind kind;
	int64_t wall_ms;	/* clock_wall_ms() */
	int64_t now_ms;		/* clock_now_ms() */
	const char *host;	/* its name; NULL: of RELOAD */
	const char *forward;	/* its id; NULL: not of FORWARD */
	const char *from;	/* state names as in view.h. NULL: it is new */
	const char *to;		/* NULL: it is removed; of END: unused */
	const char *class_;	/* of END; of HOST: of the last end; or NULL */
	const char *text;	/* a sentence, or NULL */
	unsigned tries;		/* of END and HOST: attempts in this outage */
	int64_t up_ms;		/* of END: how long it had been up; -1: never */
	int64_t silent_ms;	/* of END: how long the server had been silent
				   by then; -1: not known */
};

/* "host", "forward"... */
const char *notice_kind_name(enum notice_kind);

struct notices;

struct notices *notices_new(void);
void notices_free(struct notices *);		/* also NULL */

/*
 * From now on hear gets every notice, in the order of the changes, until
 * notices_leave() with the same two. Neither may be called while hear is.
 */
void notices_join(struct notices *, void (*hear)(void *arg,
    const struct notice *), void *arg);
void notices_leave(struct notices *, void (*hear)(void *arg,
    const struct notice *), void *arg);

/* Tells all; the times are filled in. Nobody, if the first is NULL. */
void notices_tell(struct notices *, struct notice);

#endif
