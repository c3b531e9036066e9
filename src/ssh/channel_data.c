/* SPDX-License-Identifier: ISC */
#include "ssh/connection_impl.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"

/*
 * channel_data: what the server sends on a channel, on its way to the user:
 * straight through, or by a queue that the window bounds.
 */

/* Small packets share a chunk, so that a byte does not cost a hundred. */
#define CHUNK_SIZE	8192

void
channel_drop_queue(struct channel *ch)
{
	struct chunk *k;

	while ((k = STAILQ_FIRST(&ch->queue)) != NULL) {
		STAILQ_REMOVE_HEAD(&ch->queue, next);
		free(k);
	}
	ch->last = NULL;
	ch->queued = 0;
}

void
channel_consume(struct channel *ch, uint32_t n)
{
	struct connection *c = ch->connection;
	struct packet *p;

	if (!window_take(&ch->window, n) || ch->state != CHANNEL_OPEN ||
	    ch->close_sent || ch->eof_received)
		return;
	request_measure(c);
	if ((n = window_give(&ch->window, &c->windows, clock_now_us())) == 0)
		return;
	p = packet_new(MSG_CHANNEL_WINDOW_ADJUST);
	packet_u32(p, ch->peer_id);
	packet_u32(p, n);
	connection_queue(c, p);
}

/* What the user took, or all of it if the user has left. */
size_t
channel_offer(struct channel *ch, const uint8_t *data, size_t n)
{
	size_t taken;

	ch->calling = true;
	taken = ch->ops->on_data(ch, ch->arg, data, n);
	ch->calling = false;
	if (ch->ops == NULL)
		return n;
	channel_consume(ch, (uint32_t)taken);
	return taken;
}

static void
deliver_queue(struct channel *ch)
{
	struct chunk *k;

	while ((k = STAILQ_FIRST(&ch->queue)) != NULL) {
		size_t n = channel_offer(ch, k->p, k->len);

		if (ch->ops == NULL) {
			channel_drop_queue(ch);
			return;
		}
		k->p += n;
		k->len -= n;
		ch->queued -= n;
		if (k->len > 0)
			return;
		STAILQ_REMOVE_HEAD(&ch->queue, next);
		if (k == ch->last)
			ch->last = NULL;
		free(k);
	}
}

/* Tells the user what its queue no longer holds back, in order. */
void
channel_progress(struct channel *ch)
{
	if (ch->ops == NULL || ch->calling || ch->close_told ||
	    ch->state == CHANNEL_OPENING)
		return;
	deliver_queue(ch);
	if (ch->ops == NULL || ch->queued > 0)
		return;
	if (ch->eof_received && !ch->eof_told) {
		ch->eof_told = true;
		ch->calling = true;
		ch->ops->on_eof(ch, ch->arg);
		ch->calling = false;
	}
	if (ch->ops != NULL && ch->close_received && !ch->close_told) {
		ch->close_told = true;
		ch->ops->on_close(ch, ch->arg);
	}
}

void
channel_enqueue(struct channel *ch, const uint8_t *data, size_t n)
{
	struct chunk *k = ch->last;

	ch->queued += n;
	if (k == NULL || k->room < n) {
		size_t size = n < CHUNK_SIZE ? CHUNK_SIZE : n;

		k = mem_alloc(sizeof(*k) + size);
		k->p = k->bytes;
		k->room = size;
		STAILQ_INSERT_TAIL(&ch->queue, k, next);
		ch->last = k;
	}
	memcpy(k->p + k->len, data, n);
	k->len += n;
	k->room -= n;
}

void
channel_hand_over(struct channel *ch, const struct channel_ops *ops,
    void *arg, const uint8_t *unread, size_t n)
{
	struct chunk *k;

	ch->ops = ops;
	ch->arg = arg;
	ch->eof_told = false;
	if (n == 0)
		return;
	k = mem_alloc(sizeof(*k) + n);
	k->p = k->bytes;
	k->len = n;
	memcpy(k->bytes, unread, n);
	STAILQ_INSERT_HEAD(&ch->queue, k, next);
	ch->queued += n;
	window_untake(&ch->window, (uint32_t)n);
}

void
channel_pull(struct channel *ch)
{
	channel_progress(ch);
}

size_t
channel_queued(const struct channel *ch)
{
	return ch->queued;
}
