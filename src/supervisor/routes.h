/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SUPERVISOR_ROUTES_H
#define HAWSER_SUPERVISOR_ROUTES_H

#include <jansson.h>
#include <stdbool.h>

#include "supervisor/event_stream.h"
#include "supervisor/host.h"
#include "supervisor/ledger.h"
#include "supervisor/reload.h"

/*
 * routes: which methods and paths the API has, and what answers them. Knows
 * nothing of HTTP's bytes.
 */

/* What handlers work with; borrowed. */
struct routes_env {
	struct host_table *table;
	struct reload *reload;
	struct event_streams *events;
	struct ledger *ledger;		/* NULL: there is no history */
};

/*
 * What a caller may do, or-ed. Who speaks to us on the Unix socket may do both;
 * for a listener that anybody on this machine reaches there is the first.
 */
#define ROUTES_READ	1u	/* see; never changes anything */
#define ROUTES_WRITE	2u

/* One request, embedded in whoever brings it, who zeroes it and fills: */
struct routes_call {
	const struct routes_env *env;
	unsigned rights;	/* the caller's; 0: none */
	const char *method;	/* HEAD counts as GET */
	const char *body;	/* "" if there is none; borrowed */
	const char *path;	/* decoded, without a query; borrowed */
	/* The query's value for a name, or NULL; borrowed. May be NULL. */
	const char *(*argument)(struct routes_call *, const char *name);
	/* All of them, for a name that may come again. May be NULL. */
	void (*arguments)(struct routes_call *, const char *name,
	    void (*each)(void *arg, const char *value), void *arg);
	/* Brings the reply that was not there at once. Takes body. */
	void (*later)(struct routes_call *, int status, json_t *body);
	char *name;		/* routes': what the path's '*' stood for */
};

struct routes_reply {
	int status;		/* HTTP's; 0: later() brings the reply */
	json_t *body;		/* new; NULL if status is 0, or there is text */
	char *text;		/* new: instead of body, of this type */
	const char *type;	/* NULL: body's */
	struct event_stream *stream;	/* new: instead of both; or NULL */
	const char *allow;	/* the methods that exist, for 405; or NULL */
};

struct routes_reply routes_answer(struct routes_call *);

/* Frees what routes put in; later() does not come any more. */
void routes_call_fini(struct routes_call *);

/* New: {"error":text}, the body of everything that is not fine. */
json_t *routes_error(const char *text);

#endif
