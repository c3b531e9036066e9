/* SPDX-License-Identifier: ISC */
#include "ssh/connection_impl.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

/* Calls of on_writable in one turn, so that other events get theirs. */
#define SERVE_BUDGET	1024
/* Small packets share a chunk, so that a byte does not cost a hundred. */
#define CHUNK_SIZE	8192
#define FAILURE_TEXT	200

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

static struct channel *
new_channel(struct connection *c, enum channel_state state)
{
	struct channel *ch;

	if (c->dead)
		return NULL;
	ch = mem_alloc(sizeof(*ch));
	ch->connection = c;
	ch->state = state;
	ch->recv_window = CHANNEL_WINDOW;
	STAILQ_INIT(&ch->queue);
	if (take_id(c, ch) == -1) {
		free(ch);
		return NULL;
	}
	LIST_INSERT_HEAD(&c->every, ch, every);
	return ch;
}

static void
drop_queue(struct channel *ch)
{
	struct chunk *k;

	while ((k = STAILQ_FIRST(&ch->queue)) != NULL) {
		STAILQ_REMOVE_HEAD(&ch->queue, next);
		free(k);
	}
	ch->last = NULL;
	ch->queued = 0;
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
static void
end(struct channel *ch)
{
	struct connection *c = ch->connection;

	if (ch->state == CHANNEL_ENDED)
		return;
	ch->state = CHANNEL_ENDED;
	c->channels[ch->id] = NULL;
	c->channel_count--;
	stop_waiting(ch);
}

/* Ended and not wanted: callers up the stack may still look at it. */
static void
bury(struct channel *ch)
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
	drop_queue(ch);
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

static void
queue_id(struct channel *ch, uint8_t msg)
{
	struct packet *p = packet_new(msg);

	packet_u32(p, ch->peer_id);
	connection_queue(ch->connection, p);
}

static void
send_close(struct channel *ch)
{
	if (ch->close_sent)
		return;
	ch->close_sent = true;
	queue_id(ch, MSG_CHANNEL_CLOSE);
}

static void
queue_failure(struct connection *c, uint32_t peer_id,
    enum channel_open_failure why, const char *text)
{
	struct packet *p = packet_new(MSG_CHANNEL_OPEN_FAILURE);

	packet_u32(p, peer_id);
	packet_u32(p, why);
	packet_cstring(p, text);
	packet_cstring(p, "");
	connection_queue(c, p);
}

/* Gives the peer its window back once a quarter of it was taken. */
static void
consume(struct channel *ch, uint32_t n)
{
	struct packet *p;

	ch->consumed += n;
	if (ch->consumed < CHANNEL_WINDOW / 4 || ch->state != CHANNEL_OPEN ||
	    ch->close_sent || ch->eof_received)
		return;
	p = packet_new(MSG_CHANNEL_WINDOW_ADJUST);
	packet_u32(p, ch->peer_id);
	packet_u32(p, ch->consumed);
	connection_queue(ch->connection, p);
	ch->recv_window += ch->consumed;
	ch->consumed = 0;
}

/* Data from the server */

/* What the user took, or all of it if the user has left. */
static size_t
offer(struct channel *ch, const uint8_t *data, size_t n)
{
	size_t taken;

	ch->calling = true;
	taken = ch->ops->on_data(ch, ch->arg, data, n);
	ch->calling = false;
	if (ch->ops == NULL)
		return n;
	consume(ch, (uint32_t)taken);
	return taken;
}

static void
deliver_queue(struct channel *ch)
{
	struct chunk *k;

	while ((k = STAILQ_FIRST(&ch->queue)) != NULL) {
		size_t n = offer(ch, k->p, k->len);

		if (ch->ops == NULL) {
			drop_queue(ch);
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
static void
progress(struct channel *ch)
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

static void
enqueue(struct channel *ch, const uint8_t *data, size_t n)
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

static void
on_data(struct channel *ch, struct reader *r)
{
	struct connection *c = ch->connection;
	size_t n, taken = 0;
	const uint8_t *data = reader_string(r, &n);

	if (r->broken || n > CHANNEL_PACKET_MAX || ch->eof_received)
		return connection_break(c, "a malformed data packet");
	if (n > ch->recv_window)
		return connection_break(c, "more data than the window allows");
	ch->recv_window -= (uint32_t)n;
	if (ch->ops == NULL || n == 0)
		return;
	if (ch->queued == 0)
		taken = offer(ch, data, n);
	if (ch->ops != NULL && taken < n)
		enqueue(ch, data + taken, n - taken);
}

/* Forwarded connections have no second stream: counted and dropped. */
static void
on_extended_data(struct channel *ch, struct reader *r)
{
	size_t n;

	reader_u32(r);
	reader_string(r, &n);
	if (r->broken || n > ch->recv_window || ch->eof_received)
		return connection_break(ch->connection,
		    "a malformed extended data packet");
	ch->recv_window -= (uint32_t)n;
	consume(ch, (uint32_t)n);
}

static void
on_window_adjust(struct channel *ch, struct reader *r)
{
	uint32_t n = reader_u32(r);

	if (r->broken || n > UINT32_MAX - ch->send_window)
		return connection_break(ch->connection,
		    "a window beyond 2^32 - 1");
	ch->send_window += n;
	if (ch->waiting)
		channel_want_write(ch);
}

static void
on_eof(struct channel *ch, struct reader *r)
{
	(void)r;
	ch->eof_received = true;
	progress(ch);
}

static void
on_close(struct channel *ch, struct reader *r)
{
	(void)r;
	ch->close_received = true;
	send_close(ch);
	end(ch);
	if (ch->ops == NULL)
		bury(ch);
	else
		progress(ch);
}

static void
on_request(struct channel *ch, struct reader *r)
{
	size_t n;

	reader_string(r, &n);
	/* sshd's ClientAliveInterval asks and is content with a failure. */
	if (reader_bool(r) && !ch->close_sent)
		queue_id(ch, MSG_CHANNEL_FAILURE);
	if (r->broken)
		connection_break(ch->connection,
		    "a malformed channel request");
}

/* Answers to channel requests: we never make any. */
static void
on_request_answer(struct channel *ch, struct reader *r)
{
	(void)r;
	connection_break(ch->connection,
	    "an answer to a channel request that was never made");
}

/* Opening */

static void
on_open_confirmation(struct channel *ch, struct reader *r)
{
	uint32_t max;

	ch->peer_id = reader_u32(r);
	ch->send_window = reader_u32(r);
	max = reader_u32(r);
	if (r->broken || max == 0)
		return connection_break(ch->connection,
		    "a malformed channel confirmation");
	ch->send_packet = max < CHANNEL_PACKET_MAX ? max : CHANNEL_PACKET_MAX;
	ch->state = CHANNEL_OPEN;
	if (ch->ops == NULL)
		send_close(ch);		/* nobody waits for it any more */
	else
		ch->ops->on_open(ch, ch->arg);
}

static void
on_open_failure(struct channel *ch, struct reader *r)
{
	const struct channel_ops *ops = ch->ops;
	char text[FAILURE_TEXT];
	uint32_t reason = reader_u32(r);

	reader_text(r, text, sizeof(text));
	if (r->broken)
		return connection_break(ch->connection,
		    "a malformed channel failure");
	ch->ops = NULL;
	end(ch);
	bury(ch);
	if (ops != NULL)
		ops->on_open_failed(ch, ch->arg, reason, text);
}

static const struct handler {
	enum channel_state state;	/* in which the packet makes sense */
	void (*handle)(struct channel *, struct reader *);
} handlers[] = {
#define ROW(msg)	[(msg) - MSG_CHANNEL_OPEN_CONFIRMATION]
	ROW(MSG_CHANNEL_OPEN_CONFIRMATION) = { CHANNEL_OPENING,
	    on_open_confirmation },
	ROW(MSG_CHANNEL_OPEN_FAILURE) = { CHANNEL_OPENING, on_open_failure },
	ROW(MSG_CHANNEL_WINDOW_ADJUST) = { CHANNEL_OPEN, on_window_adjust },
	ROW(MSG_CHANNEL_DATA) = { CHANNEL_OPEN, on_data },
	ROW(MSG_CHANNEL_EXTENDED_DATA) = { CHANNEL_OPEN, on_extended_data },
	ROW(MSG_CHANNEL_EOF) = { CHANNEL_OPEN, on_eof },
	ROW(MSG_CHANNEL_CLOSE) = { CHANNEL_OPEN, on_close },
	ROW(MSG_CHANNEL_REQUEST) = { CHANNEL_OPEN, on_request },
	ROW(MSG_CHANNEL_SUCCESS) = { CHANNEL_OPEN, on_request_answer },
	ROW(MSG_CHANNEL_FAILURE) = { CHANNEL_OPEN, on_request_answer },
#undef ROW
};

void
channel_on_packet(struct connection *c, uint8_t msg, struct reader *r)
{
	uint32_t id = reader_u32(r);
	const struct handler *h;

	if (msg < MSG_CHANNEL_OPEN_CONFIRMATION ||
	    msg > MSG_CHANNEL_FAILURE)
		return connection_break(c, "an unknown message number");
	h = &handlers[msg - MSG_CHANNEL_OPEN_CONFIRMATION];
	if (r->broken || id >= c->channel_size || c->channels[id] == NULL)
		return connection_break(c, "a packet for no channel of ours");
	if (c->channels[id]->state != h->state)
		return connection_break(c,
		    "a packet that the channel's state forbids");
	h->handle(c->channels[id], r);
}

/* Is it a forwarded-tcpip open that we asked for? NULL after a refusal. */
static struct channel *
admit(struct connection *c, struct reader *r, uint32_t peer_id,
    const uint8_t *type, size_t type_len, struct listener **listener,
    struct forwarded_open *open, char (*text)[256])
{
	static const char forwarded[] = "forwarded-tcpip";
	struct channel *ch;

	if (type_len != sizeof(forwarded) - 1 ||
	    memcmp(type, forwarded, type_len) != 0) {
		queue_failure(c, peer_id, OPEN_UNKNOWN_TYPE,
		    "hawser opens no such channel");
		return NULL;
	}
	reader_text(r, text[0], sizeof(text[0]));
	open->connected_port = reader_u32(r);
	reader_text(r, text[1], sizeof(text[1]));
	open->originator_port = reader_u32(r);
	open->connected_host = text[0];
	open->originator_host = text[1];
	if (r->broken) {
		connection_break(c, "a malformed forwarded-tcpip open");
		return NULL;
	}
	*listener = request_find_listener(c, text[0], open->connected_port);
	if (*listener == NULL) {
		queue_failure(c, peer_id, OPEN_PROHIBITED,
		    "nothing was forwarded from there");
		return NULL;
	}
	if ((ch = new_channel(c, CHANNEL_ASKED)) == NULL)
		queue_failure(c, peer_id, OPEN_RESOURCE_SHORTAGE,
		    "too many channels");
	return ch;
}

void
channel_on_open(struct connection *c, struct reader *r)
{
	size_t type_len;
	const uint8_t *type = reader_string(r, &type_len);
	uint32_t peer_id = reader_u32(r), window = reader_u32(r);
	uint32_t max = reader_u32(r);
	struct forwarded_open open;
	struct listener *listener;
	struct channel *ch;
	char text[2][256];

	if (r->broken || max == 0)
		return connection_break(c, "a malformed channel open");
	ch = admit(c, r, peer_id, type, type_len, &listener, &open, text);
	if (ch == NULL)
		return;
	ch->peer_id = peer_id;
	ch->send_window = window;
	ch->send_packet = max < CHANNEL_PACKET_MAX ? max : CHANNEL_PACKET_MAX;
	c->ops->on_forwarded(c, c->arg, listener->arg, ch, &open);
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
	packet_u32(p, ch->recv_window);
	packet_u32(p, CHANNEL_PACKET_MAX);
	connection_queue(ch->connection, p);
}

void
channel_reject(struct channel *ch, enum channel_open_failure why,
    const char *text)
{
	if (ch->state == CHANNEL_ASKED)
		queue_failure(ch->connection, ch->peer_id, why, text);
	end(ch);
	bury(ch);
}

static struct channel *
open_channel(struct connection *c, const char *type,
    const struct channel_ops *ops, void *arg, struct packet **out)
{
	struct channel *ch = new_channel(c, CHANNEL_OPENING);

	if (ch == NULL)
		return NULL;
	ch->ops = ops;
	ch->arg = arg;
	*out = packet_new(MSG_CHANNEL_OPEN);
	packet_cstring(*out, type);
	packet_u32(*out, ch->id);
	packet_u32(*out, ch->recv_window);
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
channel_pull(struct channel *ch)
{
	progress(ch);
}

size_t
channel_queued(const struct channel *ch)
{
	return ch->queued;
}

void
channel_send_eof(struct channel *ch)
{
	if (ch->state != CHANNEL_OPEN || ch->eof_sent || ch->close_sent)
		return;
	ch->eof_sent = true;
	stop_waiting(ch);
	queue_id(ch, MSG_CHANNEL_EOF);
}

void
channel_free(struct channel *ch)
{
	ch->ops = NULL;
	stop_waiting(ch);
	if (!ch->calling)
		drop_queue(ch);	/* else on_data still looks at it */
	if (ch->state == CHANNEL_OPEN)
		send_close(ch);		/* the server's answer ends it */
	else if (ch->state == CHANNEL_ENDED)
		bury(ch);
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

		end(ch);
		if (asked)
			continue;	/* the user's, until it answers */
		if (ch->ops == NULL) {
			bury(ch);
			continue;
		}
		progress(ch);
		if (ch->ops == NULL || ch->close_told)
			continue;
		ch->close_told = true;
		ch->ops->on_close(ch, ch->arg);
	}
}
