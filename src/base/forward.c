/* SPDX-License-Identifier: ISC */
#include "base/forward.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	char letter;
	bool local;
} kinds[] = {
	[FORWARD_LOCAL] = { "local", 'L', true },
	[FORWARD_REMOTE] = { "remote", 'R', false },
	[FORWARD_DYNAMIC] = { "dynamic", 'D', true },
	[FORWARD_REMOTE_DYNAMIC] = { "remote-dynamic", 'R', false },
};
static_assert(sizeof(kinds) / sizeof(kinds[0]) == FORWARD_KIND_COUNT,
    "one row per kind");

static const char *const states[] = {
	[FORWARD_DOWN] = "down",
	[FORWARD_UP] = "up",
	[FORWARD_VERIFIED] = "verified",
	[FORWARD_UNPROVABLE] = "unprovable",
	[FORWARD_HELD] = "held",
	[FORWARD_DENIED] = "denied",
	[FORWARD_TARGET_DOWN] = "target-down",
	[FORWARD_BIND_FAILED] = "bind-failed",
};
static_assert(sizeof(states) / sizeof(states[0]) == FORWARD_STATE_COUNT,
    "one name per state");

const char *
forward_kind_name(enum forward_kind kind)
{
	return kinds[kind].name;
}

const char *
forward_state_name(enum forward_state state)
{
	return states[state];
}

int
forward_kind_parse(const char *name, enum forward_kind *out)
{
	for (int i = 0; i < FORWARD_KIND_COUNT; i++)
		if (strcmp(kinds[i].name, name) == 0) {
			*out = (enum forward_kind)i;
			return 0;
		}
	return -1;
}

int
forward_state_parse(const char *name, enum forward_state *out)
{
	for (int i = 0; i < FORWARD_STATE_COUNT; i++)
		if (strcmp(states[i], name) == 0) {
			*out = (enum forward_state)i;
			return 0;
		}
	return -1;
}

bool
forward_is_local(enum forward_kind kind)
{
	return kinds[kind].local;
}

char *
forward_make_id(enum forward_kind kind, const struct endpoint *listen)
{
	struct str s;

	str_init(&s);
	str_printf(&s, "%c:", kinds[kind].letter);
	endpoint_format(listen, &s);
	return str_take(&s);
}

void
forward_copy(struct forward *out, const struct forward *from)
{
	out->id = str_dup(from->id);
	out->kind = from->kind;
	endpoint_copy(&out->listen, &from->listen);
	endpoint_copy(&out->target, &from->target);
}

bool
forward_equal(const struct forward *a, const struct forward *b)
{
	return a->kind == b->kind && str_equal(a->id, b->id) &&
	    endpoint_equal(&a->listen, &b->listen) &&
	    endpoint_equal(&a->target, &b->target);
}

void
forward_fini(struct forward *f)
{
	free(f->id);
	endpoint_fini(&f->listen);
	endpoint_fini(&f->target);
	*f = (struct forward){ 0 };
}
