/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_BASE_FORWARD_H
#define HAWSER_BASE_FORWARD_H

#include <stdbool.h>

#include "base/endpoint.h"
#include "base/str.h"

/*
 * forward: what one LocalForward, RemoteForward or DynamicForward line asks
 * for. The words every process uses for it.
 */

enum forward_kind {
	FORWARD_LOCAL,
	FORWARD_REMOTE,
	FORWARD_DYNAMIC,
	FORWARD_REMOTE_DYNAMIC,	/* RemoteForward without a target: SOCKS */
	FORWARD_KIND_COUNT
};

enum forward_state {
	FORWARD_DOWN,
	FORWARD_UP,
	FORWARD_VERIFIED,
	FORWARD_UNPROVABLE,
	FORWARD_HELD,
	FORWARD_DENIED,
	FORWARD_TARGET_DOWN,
	FORWARD_BIND_FAILED,
	FORWARD_STATE_COUNT
};

struct forward {
	char *id;		/* "R:*:8080": see forward_make_id */
	enum forward_kind kind;
	struct endpoint listen;	/* host NULL: ssh's default bind */
	struct endpoint target;	/* ENDPOINT_NONE for the dynamic kinds */
};

/* "local", "verified"...; the parse functions give -1 for unknown names. */
const char *forward_kind_name(enum forward_kind);
const char *forward_state_name(enum forward_state);
int forward_kind_parse(const char *name, enum forward_kind *out);
int forward_state_parse(const char *name, enum forward_state *out);

/* Listens here (local, dynamic) rather than on the server? */
bool forward_is_local(enum forward_kind);

/*
 * New: "L:", "R:" or "D:" and the listening side as ssh's command line spells
 * it. The same line has the same id after every reload.
 */
char *forward_make_id(enum forward_kind, const struct endpoint *listen);

void forward_copy(struct forward *out, const struct forward *from);
bool forward_equal(const struct forward *, const struct forward *);
void forward_fini(struct forward *);

#endif
