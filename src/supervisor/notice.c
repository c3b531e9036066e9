/* SPDX-License-Identifier: ISC */
#include "supervisor/notice.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "base/clock.h"
#include "base/str.h"

struct listener_entry {
	void (*hear)(void *arg, const struct notice *);
	void *arg;
	TAILQ_ENTRY(listener_entry) entry;
};

struct notices {
	TAILQ_HEAD(, listener_entry) listeners;
};

static const char *const kinds[] = {
	[NOTICE_HOST] = "host",
	[NOTICE_FORWARD] = "forward",
	[NOTICE_END] = "end",
	[NOTICE_RELOAD] = "reload",
};
static_assert(sizeof(kinds) / sizeof(kinds[0]) == NOTICE_KIND_COUNT,
    "one name per kind");

const char *
notice_kind_name(enum notice_kind kind)
{
	return kinds[kind];
}

struct notices *
notices_new(void)
{
	struct notices *n = mem_alloc(sizeof(*n));

	TAILQ_INIT(&n->listeners);
	return n;
}

static void
remove_entry(struct notices *n, struct listener_entry *l)
{
	TAILQ_REMOVE(&n->listeners, l, entry);
	free(l);
}

void
notices_free(struct notices *n)
{
	struct listener_entry *l;

	if (n == NULL)
		return;
	while ((l = TAILQ_FIRST(&n->listeners)) != NULL)
		remove_entry(n, l);
	free(n);
}

void
notices_join(struct notices *n, void (*hear)(void *arg,
    const struct notice *), void *arg)
{
	struct listener_entry *l = mem_alloc(sizeof(*l));

	l->hear = hear;
	l->arg = arg;
	TAILQ_INSERT_TAIL(&n->listeners, l, entry);
}

void
notices_leave(struct notices *n, void (*hear)(void *arg,
    const struct notice *), void *arg)
{
	struct listener_entry *l;

	TAILQ_FOREACH(l, &n->listeners, entry)
		if (l->hear == hear && l->arg == arg)
			break;
	if (l != NULL)
		remove_entry(n, l);
}

void
notices_tell(struct notices *n, struct notice what)
{
	struct listener_entry *l;

	if (n == NULL)
		return;
	what.wall_ms = clock_wall_ms();
	what.now_ms = clock_now_ms();
	TAILQ_FOREACH(l, &n->listeners, entry)
		l->hear(l->arg, &what);
}
