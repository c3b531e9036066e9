/* SPDX-License-Identifier: ISC */
#include "ssh/connection_impl.h"

#include <string.h>

/*
 * channel_in: the server's channel packets (RFC 4254 5), by a table of what
 * each does and in which state it may come.
 */

#define FAILURE_TEXT	200

static void
on_data(struct channel *ch, struct reader *r)
{
	struct connection *c = ch->connection;
	size_t n, taken = 0;
	const uint8_t *data = reader_string(r, &n);

	if (r->broken || n > CHANNEL_PACKET_MAX || ch->eof_received)
		return connection_break(c, "a malformed data packet");
	if (!window_receive(&ch->window, n))
		return connection_break(c, "more data than the window allows");
	if (ch->ops == NULL || n == 0)
		return;
	if (ch->queued == 0)
		taken = channel_offer(ch, data, n);
	if (ch->ops != NULL && taken < n)
		channel_enqueue(ch, data + taken, n - taken);
}

/* Forwarded connections have no second stream: counted and dropped. */
static void
on_extended_data(struct channel *ch, struct reader *r)
{
	size_t n;

	reader_u32(r);
	reader_string(r, &n);
	if (r->broken || n > CHANNEL_PACKET_MAX || ch->eof_received)
		return connection_break(ch->connection,
		    "a malformed extended data packet");
	if (!window_receive(&ch->window, n))
		return connection_break(ch->connection,
		    "more data than the window allows");
	channel_consume(ch, (uint32_t)n);
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
	channel_progress(ch);
}

static void
on_close(struct channel *ch, struct reader *r)
{
	(void)r;
	ch->close_received = true;
	channel_send_close(ch);
	channel_end(ch);
	if (ch->ops == NULL)
		channel_bury(ch);
	else
		channel_progress(ch);
}

static void
on_request(struct channel *ch, struct reader *r)
{
	char name[16];

	reader_text(r, name, sizeof(name));
	/* sshd's ClientAliveInterval asks and is content with a failure. */
	if (reader_bool(r) && !ch->close_sent)
		channel_queue_id(ch, MSG_CHANNEL_FAILURE);
	if (strcmp(name, "exit-status") == 0)
		ch->exit_status = reader_u32(r);
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
		channel_send_close(ch);		/* nobody waits */
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
	channel_end(ch);
	channel_bury(ch);
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
	const struct handler *h =
	    &handlers[msg - MSG_CHANNEL_OPEN_CONFIRMATION];

	if (r->broken || id >= c->channel_size || c->channels[id] == NULL)
		return connection_break(c, "a packet for no channel of ours");
	if (c->channels[id]->state != h->state)
		return connection_break(c,
		    "a packet that the channel's state forbids");
	h->handle(c->channels[id], r);
}

static struct listener *
read_tcp(struct connection *c, struct reader *r, struct forwarded_open *open,
    char (*text)[256])
{
	reader_text(r, text[0], sizeof(text[0]));
	open->connected_port = reader_u32(r);
	reader_text(r, text[1], sizeof(text[1]));
	open->originator_port = reader_u32(r);
	return request_find_listener(c, text[0], open->connected_port);
}

/* OpenSSH's PROTOCOL 2.4: the path, and a string that is reserved. */
static struct listener *
read_unix(struct connection *c, struct reader *r, struct forwarded_open *open,
    char (*text)[256])
{
	struct reader again = *r;
	size_t len, reserved;
	const uint8_t *path = reader_string(&again, &len);

	reader_text(r, text[0], sizeof(text[0]));
	reader_string(r, &reserved);
	text[1][0] = '\0';
	open->connected_port = open->originator_port = 0;
	return r->broken ? NULL : request_find_unix(c, path, len);
}

/* The opens that a server may ask for, after the fields common to all. */
static const struct forwarded_type {
	const char *name;
	struct listener *(*read)(struct connection *, struct reader *,
	    struct forwarded_open *, char (*text)[256]);
	const char *malformed;
} forwarded_types[] = {
	{ "forwarded-tcpip", read_tcp, "a malformed forwarded-tcpip open" },
	{ "forwarded-streamlocal@openssh.com", read_unix,
	    "a malformed forwarded-streamlocal open" },
};

static const struct forwarded_type *
find_type(const uint8_t *name, size_t n)
{
	for (size_t i = 0; i < sizeof(forwarded_types) /
	    sizeof(forwarded_types[0]); i++)
		if (strlen(forwarded_types[i].name) == n &&
		    memcmp(forwarded_types[i].name, name, n) == 0)
			return &forwarded_types[i];
	return NULL;
}

/* Is it a forwarded open that we asked for? NULL after a refusal. */
static struct channel *
admit(struct connection *c, struct reader *r, uint32_t peer_id,
    const struct forwarded_type *type, struct listener **listener,
    struct forwarded_open *open, char (*text)[256])
{
	struct channel *ch;

	if (type == NULL) {
		channel_queue_failure(c, peer_id, OPEN_UNKNOWN_TYPE,
		    "hawser opens no such channel");
		return NULL;
	}
	*listener = type->read(c, r, open, text);
	open->connected_host = text[0];
	open->originator_host = text[1];
	if (r->broken) {
		connection_break(c, type->malformed);
		return NULL;
	}
	if (*listener == NULL) {
		channel_queue_failure(c, peer_id, OPEN_PROHIBITED,
		    "nothing was forwarded from there");
		return NULL;
	}
	if ((ch = channel_new(c, CHANNEL_ASKED)) == NULL)
		channel_queue_failure(c, peer_id, OPEN_RESOURCE_SHORTAGE,
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
	ch = admit(c, r, peer_id, find_type(type, type_len), &listener, &open,
	    text);
	if (ch == NULL)
		return;
	ch->peer_id = peer_id;
	ch->send_window = window;
	ch->send_packet = max < CHANNEL_PACKET_MAX ? max : CHANNEL_PACKET_MAX;
	c->ops->on_forwarded(c, c->arg, listener->arg, ch, &open);
}
