/* SPDX-License-Identifier: ISC */
#include "worker/loop.h"

#include <event2/event.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/str.h"

static void
free_graves(struct loop *l)
{
	while (l->grave_count > 0)
		free(l->graves[--l->grave_count]);
}

static void
on_turn(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	free_graves(arg);
}

int
loop_init(struct loop *l, struct err *err)
{
	struct event_config *config = event_config_new();

	*l = (struct loop){ 0 };
	LIST_INIT(&l->items);
	if (config == NULL)
		return err_set(err, ERR_NOMEM, "no memory for the event loop");
	/* Relays wait edge-triggered. */
	event_config_require_features(config, EV_FEATURE_ET);
	event_config_set_flag(config,
	    EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV);
	l->base = event_base_new_with_config(config);
	event_config_free(config);
	if (l->base == NULL)
		return err_set(err, ERR_NOMEM, "the event loop did not start");
	if ((l->gravedigger = evtimer_new(l->base, on_turn, l)) == NULL)
		abort();
	return 0;
}

uint8_t *
loop_buffer(struct loop *l)
{
	if (l->buffer == NULL)
		l->buffer = mem_alloc(LOOP_BUFFER_SIZE);
	return l->buffer;
}

void
loop_trim(struct loop *l)
{
	free(l->buffer);
	l->buffer = NULL;
}

void
loop_end_items(struct loop *l)
{
	struct loop_item *item;

	while ((item = LIST_FIRST(&l->items)) != NULL)
		item->end(item->arg);
}

void
loop_fini(struct loop *l)
{
	if (l->base == NULL)
		return;
	l->on_idle = NULL;
	loop_end_items(l);
	free_graves(l);
	free(l->graves);
	event_free(l->gravedigger);
	event_base_free(l->base);
	loop_trim(l);
	*l = (struct loop){ 0 };
}

void
loop_hold(struct loop *l, struct loop_item *item, void (*end)(void *),
    void *arg)
{
	item->end = end;
	item->arg = arg;
	LIST_INSERT_HEAD(&l->items, item, link);
	l->item_count++;
}

void
loop_release(struct loop *l, struct loop_item *item)
{
	LIST_REMOVE(item, link);
	if (--l->item_count == 0 && l->on_idle != NULL)
		l->on_idle(l->idle_arg);
}

void
loop_bury(struct loop *l, void *memory)
{
	if (l->grave_count == l->grave_size) {
		l->grave_size = l->grave_size * 2 + 16;
		l->graves = mem_grow(l->graves, l->grave_size,
		    sizeof(*l->graves));
	}
	if (l->grave_count++ == 0)
		loop_timer_set(l->gravedigger, 0);
	l->graves[l->grave_count - 1] = memory;
}

void
loop_timer_set(struct event *timer, int64_t ms)
{
	struct timeval tv = { .tv_sec = ms / 1000,
	    .tv_usec = ms % 1000 * 1000 };

	evtimer_add(timer, &tv);
}
