/* SPDX-License-Identifier: ISC */
#include "fake_transport.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define MUST(x)		do { if (!(x)) abort(); } while (0)

struct transport *
fake_transport_new(void)
{
	struct transport *t = mem_alloc(sizeof(*t));

	t->sent_tail = &t->sent;
	return t;
}

void
fake_transport_say(struct transport *t, const void *bytes, size_t n)
{
	uint8_t *copy;

	if (t->failed)
		return;
	/* Of just that size, so that a sanitizer sees what reads beyond. */
	MUST((copy = malloc(n)) != NULL);
	memcpy(copy, bytes, n);
	t->in_packet = true;
	t->ops->on_packet(t->arg, t->seq++, copy, n);
	t->in_packet = false;
	free(copy);
}

struct packet *
fake_transport_take(struct transport *t)
{
	struct packet *p = t->sent;

	if (p == NULL)
		return NULL;
	t->sent = p->next;
	if (t->sent == NULL)
		t->sent_tail = &t->sent;
	return p;
}

int
transport_start_loop(struct transport *t, struct event_base *base,
    const struct transport_ops *ops, void *arg, struct err *err)
{
	(void)base;
	(void)err;
	t->ops = ops;
	t->arg = arg;
	return 0;
}

int
transport_send(struct transport *t, const uint8_t *head, size_t head_len,
    const uint8_t *body, size_t body_len, struct err *err)
{
	struct packet *p;

	MUST(!t->in_packet);
	MUST(head_len > 0 && head_len + body_len <= TRANSPORT_PACKET_MAX);
	MUST(body_len == 0 || body != NULL);
	if (t->failed)
		return err_set(err, ERR_CLOSED, "closed");
	if (t->rekeying)
		return err_set(err, ERR_AGAIN, "rekey");
	p = mem_alloc(sizeof(*p));
	p->len = p->size = head_len + body_len;
	p->bytes = mem_alloc(p->size);
	memcpy(p->bytes, head, head_len);
	if (body_len > 0)
		memcpy(p->bytes + head_len, body, body_len);
	*t->sent_tail = p;
	t->sent_tail = &p->next;
	t->pending += p->len;
	if (t->rekey_after > 0)
		t->rekeying = --t->rekey_after == 0;
	return 0;
}

size_t
transport_pending(const struct transport *t)
{
	return t->pending;
}

bool
transport_can_send(const struct transport *t)
{
	return !t->failed && !t->rekeying && !t->in_packet;
}

void
transport_fail(struct transport *t, const char *what)
{
	MUST(what[0] != '\0');
	if (!t->failed)
		snprintf(t->why, sizeof(t->why), "%s", what);
	t->failed = true;
	t->awake = true;
}

void
transport_wake(struct transport *t)
{
	t->awake = true;
}

const uint8_t *
transport_session_id(const struct transport *t, size_t *len)
{
	(void)t;
	*len = 6;
	return (const uint8_t *)"the id";
}

void
transport_free(struct transport *t)
{
	struct packet *p;

	while ((p = fake_transport_take(t)) != NULL)
		packet_free(p);
	free(t);
}
