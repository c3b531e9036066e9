/* SPDX-License-Identifier: ISC */
#include "ssh/connection_impl.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/str.h"

void
connection_break(struct connection *c, const char *what)
{
	transport_fail(c->transport, what);
}

void
connection_queue(struct connection *c, struct packet *p)
{
	if (c->dead) {
		packet_free(p);
		return;
	}
	p->next = NULL;
	*c->queue_tail = p;
	c->queue_tail = &p->next;
	if (++c->queue_len > QUEUE_MAX)
		connection_break(c, "the server asks faster than it reads");
	transport_wake(c->transport);
}

bool
connection_flush(struct connection *c)
{
	struct packet *p;

	while ((p = c->queue_head) != NULL) {
		if (transport_send(c->transport, p->bytes, p->len, NULL, 0,
		    NULL) == -1)
			return false;
		c->queue_head = p->next;
		if (c->queue_head == NULL)
			c->queue_tail = &c->queue_head;
		c->queue_len--;
		packet_free(p);
	}
	return true;
}

/* RFC 4253 11.4: a message that we don't know, or not here. */
static void
refuse_message(struct connection *c, uint32_t seq)
{
	struct packet *p = packet_new(MSG_UNIMPLEMENTED);

	packet_u32(p, seq);
	connection_queue(c, p);
}

static void
on_packet(void *arg, uint32_t seq, const uint8_t *data, size_t n)
{
	struct connection *c = arg;
	struct reader r;
	uint8_t msg = data[0];

	reader_init(&r, data + 1, n - 1);
	if (msg == MSG_GLOBAL_REQUEST)
		request_on_global(c, &r);
	else if (msg == MSG_REQUEST_SUCCESS || msg == MSG_REQUEST_FAILURE)
		request_on_answer(c, &r, msg == MSG_REQUEST_SUCCESS);
	else if (msg == MSG_CHANNEL_OPEN)
		channel_on_open(c, &r);
	else if (msg >= MSG_CHANNEL_OPEN_CONFIRMATION &&
	    msg <= MSG_CHANNEL_FAILURE)
		channel_on_packet(c, msg, &r);
	else if (msg != MSG_UNIMPLEMENTED)	/* of what we said */
		refuse_message(c, seq);
}

static bool
on_ready(void *arg)
{
	struct connection *c = arg;
	bool more = false;

	if (connection_flush(c))
		more = channel_serve_writers(c);
	channel_empty_graveyard(c);
	if (connection_is_quiet(c) && !c->was_quiet &&
	    c->ops->on_quiet != NULL)
		c->ops->on_quiet(c, c->arg);
	c->was_quiet = connection_is_quiet(c);
	return more;
}

static void
on_dead(void *arg, const struct err *why)
{
	struct connection *c = arg;
	struct err copy = *why;

	c->dead = true;
	channel_end_all(c);
	channel_empty_graveyard(c);
	c->ops->on_end(c, c->arg, &copy);
}

static const struct transport_ops ops = { on_packet, on_ready, on_dead };

struct connection *
connection_new(struct transport *t, struct event_base *base,
    const struct connection_ops *user_ops, void *arg, struct err *err)
{
	struct connection *c = mem_alloc(sizeof(*c));

	c->transport = t;
	c->ops = user_ops;
	c->arg = arg;
	c->was_quiet = true;
	c->queue_tail = &c->queue_head;
	STAILQ_INIT(&c->requests);
	SLIST_INIT(&c->listeners);
	LIST_INIT(&c->every);
	TAILQ_INIT(&c->writers);
	SLIST_INIT(&c->graveyard);
	if (transport_start_loop(t, base, &ops, c, err) == -1) {
		connection_free(c);
		return NULL;
	}
	return c;
}

void
connection_free(struct connection *c)
{
	struct packet *p;

	if (c == NULL)
		return;
	c->dead = true;
	channel_free_all(c);
	request_free_all(c);
	while ((p = c->queue_head) != NULL) {
		c->queue_head = p->next;
		packet_free(p);
	}
	transport_free(c->transport);
	free(c);
}

struct transport *
connection_transport(struct connection *c)
{
	return c->transport;
}

int64_t
connection_rtt_us(const struct connection *c)
{
	return c->windows.rtt_us;
}

bool
connection_is_quiet(const struct connection *c)
{
	return c->channel_count == 0;
}
