/* SPDX-License-Identifier: ISC */
#include "ssh/connection_impl.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

/* Calls of on_writable in one turn, so that other events get theirs. */
#define SERVE_BUDGET	1024

/* Ids and memory */

static int
take_id(struct connection *c, struct channel *ch)
{
	uint32_t size = c->channel_size;

	if (c->channel_count == size) {
		if (size >= CHANNEL_COUNT_MAX)
			return -1;
		c->channel_size = size == 0 ? 16 : size * 2;
		c->channels = mem_grow(c->channels, c->channel_size,
		    sizeof(struct channel *));
		memset(c->channels + size, 0,
		    (c->channel_size - size) * sizeof(struct channel *));
		c->next_id = size;
	}
	while (c->channels[c->next_id] != NULL)
		c->next_id = (c->next_id + 1) % c->channel_size;
	ch->id = c->next_id;
	c->channels[ch->id] = ch;
	c->channel_count++;
	c->next_id = (c->next_id + 1) % c->channel_size;
	return 0;
}

struct channel *
channel_new(struct connection *c, enum channel_state state)
{
	struct channel *ch;

	if (c->dead)
		return NULL;
	ch = mem_alloc(sizeof(*ch));
	ch->connection = c;
	ch->state = state;
	ch->exit_status = -1;
	window_init(&ch->window);
	STAILQ_INIT(&ch->queue);
	if (take_id(c, ch) == -1) {
		free(ch);
		return NULL;
	}
	LIST_INSERT_HEAD(&c->every, ch, every);
	return ch;
}

static void
stop_waiting(struct channel *ch)
{
	if (ch->listed)
		TAILQ_REMOVE(&ch->connection->writers, ch, writer);
	ch->listed = false;
	ch->waiting = false;
}

/* No more packets for this channel: its id may name another one. */
void
channel_end(struct channel *ch)
{
	struct connection *c = ch->connection;

	if (ch->state == CHANNEL_ENDED)
		return;
	ch->state = CHANNEL_ENDED;
	c->channels[ch->id] = NULL;
	c->channel_count--;
	window_fini(&ch->window, &c->windows);
	stop_waiting(ch);
}

/* Ended and not wanted: callers up the stack may still look at it. */
void
channel_bury(struct channel *ch)
{
	if (ch->buried)
		return;
	ch->buried = true;
	SLIST_INSERT_HEAD(&ch->connection->graveyard, ch, grave);
	transport_wake(ch->connection->transport);
}

static void
destroy(struct channel *ch)
{
	LIST_REMOVE(ch, every);
	channel_drop_queue(ch);
	free(ch);
}

void
channel_empty_graveyard(struct connection *c)
{
	struct channel *ch;

	while ((ch = SLIST_FIRST(&c->graveyard)) != NULL) {
		SLIST_REMOVE_HEAD(&c->graveyard, grave);
		destroy(ch);
	}
}

void
channel_free_all(struct connection *c)
{
	struct channel *ch;

	while ((ch = LIST_FIRST(&c->every)) != NULL)
		destroy(ch);
	free(c->channels);
	c->channels = NULL;
}

/* Small packets */

void
channel_queue_id(struct channel *ch, uint8_t msg)
{
	struct packet *p = packet_new(msg);

	packet_u32(p, ch->peer_id);
	connection_queue(ch->connection, p);
}

void
channel_send_close(struct channel *ch)
{
	if (ch->close_sent)
		return;
	ch->close_sent = true;
	channel_queue_id(ch, MSG_CHANNEL_CLOSE);
}

void
channel_queue_failure(struct connection *c, uint32_t peer_id,
    enum channel_open_failure why, const char *text)
{
	struct packet *p = packet_new(MSG_CHANNEL_OPEN_FAILURE);

	packet_u32(p, peer_id);
	packet_u32(p, why);
	packet_cstring(p, text);
	packet_cstring(p, "");
	connection_queue(c, p);
}

void
channel_accept(struct channel *ch, const struct channel_ops *ops, void *arg)
{
	struct packet *p;

	ch->ops = ops;
	ch->arg = arg;
	if (ch->state != CHANNEL_ASKED)
		return;		/* the connection ended meanwhile */
	ch->state = CHANNEL_OPEN;
	p = packet_new(MSG_CHANNEL_OPEN_CONFIRMATION);
	packet_u32(p, ch->peer_id);
	packet_u32(p, ch->id);
	packet_u32(p, ch->window.left);
	packet_u32(p, CHANNEL_PACKET_MAX);
	connection_queue(ch->connection, p);
}

void
channel_reject(struct channel *ch, enum channel_open_failure why,
    const char *text)
{
	if (ch->state == CHANNEL_ASKED)
		channel_queue_failure(ch->connection, ch->peer_id, why, text);
	channel_end(ch);
	channel_bury(ch);
}

static struct channel *
open_channel(struct connection *c, const char *type,
    const struct channel_ops *ops, void *arg, struct packet **out)
{
	struct channel *ch = channel_new(c, CHANNEL_OPENING);

	if (ch == NULL)
		return NULL;
	ch->ops = ops;
	ch->arg = arg;
	*out = packet_new(MSG_CHANNEL_OPEN);
	packet_cstring(*out, type);
	packet_u32(*out, ch->id);
	packet_u32(*out, ch->window.left);
	packet_u32(*out, CHANNEL_PACKET_MAX);
	return ch;
}

struct channel *
channel_open_tcp(struct connection *c, const char *host, uint16_t port,
    const char *originator, uint16_t originator_port,
    const struct channel_ops *ops, void *arg)
{
	struct packet *p;
	struct channel *ch = open_channel(c, "direct-tcpip", ops, arg, &p);

	if (ch == NULL)
		return NULL;
	packet_cstring(p, host);
	packet_u32(p, port);
	packet_cstring(p, originator);
	packet_u32(p, originator_port);
	connection_queue(c, p);
	return ch;
}

struct channel *
channel_open_unix(struct connection *c, const char *path,
    const struct channel_ops *ops, void *arg)
{
	struct packet *p;
	struct channel *ch = open_channel(c,
	    "direct-streamlocal@openssh.com", ops, arg, &p);

	if (ch == NULL)
		return NULL;
	packet_cstring(p, path);
	packet_cstring(p, "");	/* reserved (OpenSSH's PROTOCOL, 2.4) */
	packet_u32(p, 0);
	connection_queue(c, p);
	return ch;
}

struct channel *
channel_open_session(struct connection *c, const struct channel_ops *ops,
    void *arg)
{
	struct packet *p;
	struct channel *ch = open_channel(c, "session", ops, arg, &p);

	if (ch != NULL)
		connection_queue(c, p);
	return ch;
}

void
channel_exec(struct channel *ch, const char *command)
{
	struct packet *p;

	if (ch->state != CHANNEL_OPEN || ch->close_sent)
		return;		/* the server has closed it */
	p = packet_new(MSG_CHANNEL_REQUEST);
	packet_u32(p, ch->peer_id);
	packet_cstring(p, "exec");
	packet_u8(p, 0);	/* what comes of it is told by the close */
	packet_cstring(p, command);
	connection_queue(ch->connection, p);
}

int64_t
channel_exit_status(const struct channel *ch)
{
	return ch->exit_status;
}

/* Sending */

size_t
channel_room(const struct channel *ch)
{
	struct transport *t = ch->connection->transport;
	size_t pending = transport_pending(t);

	if (ch->state != CHANNEL_OPEN || ch->eof_sent || ch->close_sent ||
	    pending >= TRANSPORT_BULK_MAX || !transport_can_send(t))
		return 0;
	return ch->send_window < TRANSPORT_BULK_MAX - pending ?
	    ch->send_window : TRANSPORT_BULK_MAX - pending;
}

size_t
channel_write(struct channel *ch, const uint8_t *data, size_t n)
{
	struct connection *c = ch->connection;
	uint8_t head[9] = { MSG_CHANNEL_DATA };
	size_t done = 0;

	if (channel_room(ch) == 0 || !connection_flush(c))
		return 0;
	packet_store_u32(head + 1, ch->peer_id);
	while (done < n && ch->send_window > 0 &&
	    transport_pending(c->transport) < TRANSPORT_BULK_MAX) {
		size_t part = n - done;

		if (part > ch->send_packet)
			part = ch->send_packet;
		if (part > ch->send_window)
			part = ch->send_window;
		packet_store_u32(head + 5, (uint32_t)part);
		if (transport_send(c->transport, head, sizeof(head),
		    data + done, part, NULL) == -1)
			break;
		ch->send_window -= (uint32_t)part;
		done += part;
	}
	if (done > 0)
		transport_wake(c->transport);
	return done;
}

void
channel_want_write(struct channel *ch)
{
	if (ch->state != CHANNEL_OPEN || ch->eof_sent || ch->close_sent)
		return;		/* there will never be room */
	ch->waiting = true;
	if (ch->listed || ch->send_window == 0)
		return;
	ch->listed = true;
	TAILQ_INSERT_TAIL(&ch->connection->writers, ch, writer);
	if (transport_pending(ch->connection->transport) <
	    TRANSPORT_BULK_MAX)
		transport_wake(ch->connection->transport);
}

bool
channel_serve_writers(struct connection *c)
{
	struct channel *ch;

	for (int i = 0; i < SERVE_BUDGET; i++) {
		if ((ch = TAILQ_FIRST(&c->writers)) == NULL)
			return false;
		if (!transport_can_send(c->transport))
			return false;	/* the rekey's end brings a turn */
		if (transport_pending(c->transport) >= TRANSPORT_BULK_MAX)
			return true;
		stop_waiting(ch);
		if (ch->ops != NULL)
			ch->ops->on_writable(ch, ch->arg);
	}
	return true;
}

void
channel_send_eof(struct channel *ch)
{
	if (ch->state != CHANNEL_OPEN || ch->eof_sent || ch->close_sent)
		return;
	ch->eof_sent = true;
	stop_waiting(ch);
	channel_queue_id(ch, MSG_CHANNEL_EOF);
}

void
channel_free(struct channel *ch)
{
	ch->ops = NULL;
	stop_waiting(ch);
	if (!ch->calling)
		channel_drop_queue(ch);	/* else on_data still looks at it */
	if (ch->state == CHANNEL_OPEN)
		channel_send_close(ch);		/* its answer ends it */
	else if (ch->state == CHANNEL_ENDED)
		channel_bury(ch);
	else if (ch->state == CHANNEL_ASKED)
		channel_reject(ch, OPEN_PROHIBITED, "not accepted");
}

/* The link is gone: everybody is told once. */
void
channel_end_all(struct connection *c)
{
	struct channel *ch;

	LIST_FOREACH(ch, &c->every, every) {
		bool asked = ch->state == CHANNEL_ASKED;

		channel_end(ch);
		if (asked)
			continue;	/* the user's, until it answers */
		if (ch->ops == NULL) {
			channel_bury(ch);
			continue;
		}
		channel_progress(ch);
		if (ch->ops == NULL || ch->close_told)
			continue;
		ch->close_told = true;
		ch->ops->on_close(ch, ch->arg);
	}
}
