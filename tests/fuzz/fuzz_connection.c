/* SPDX-License-Identifier: ISC */
/*
 * connection: any server, after authentication. The transport is a fake that
 * counts; the input is a list of steps, each a packet from the server or
 * something that the worker does.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "ssh/connection.h"
#include "ssh/packet.h"
#include "ssh/transport.h"

#define CHANNELS	8

struct transport {
	const struct transport_ops *ops;
	void *arg;
	bool awake;
	bool failed;
	bool busy;		/* a rekey is going on */
	bool in_packet;
	size_t pending;
};

/* The worker's side: the channels it holds, and the input's next bytes. */
struct user {
	struct channel *channels[CHANNELS];
	const uint8_t *p;
	size_t left;
	bool ended;
};

static struct user user;

static uint8_t
next_byte(void)
{
	if (user.left == 0)
		return 0;
	user.left--;
	return *user.p++;
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
	FUZZ_CHECK(!t->in_packet);
	FUZZ_CHECK(head_len > 0 && head_len + body_len <= TRANSPORT_PACKET_MAX);
	FUZZ_CHECK(head[0] >= 80 && head[0] <= 100);
	FUZZ_CHECK(body_len == 0 || body != NULL);
	if (t->failed)
		return err_set(err, ERR_CLOSED, "closed");
	if (t->busy)
		return err_set(err, ERR_AGAIN, "busy");
	t->pending += head_len + body_len;
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
	return !t->failed && !t->busy && !t->in_packet;
}

void
transport_fail(struct transport *t, const char *what)
{
	FUZZ_CHECK(what[0] != '\0');
	t->failed = true;
}

void
transport_wake(struct transport *t)
{
	t->awake = true;
}

void
transport_free(struct transport *t)
{
	free(t);
}

static void
forget(const struct channel *channel)
{
	for (size_t i = 0; i < CHANNELS; i++)
		if (user.channels[i] == channel)
			user.channels[i] = NULL;
}

/* False if there is no place for another one. */
static bool
hold(struct channel *channel)
{
	for (size_t i = 0; i < CHANNELS; i++)
		if (user.channels[i] == NULL) {
			user.channels[i] = channel;
			return true;
		}
	return false;
}

static void
on_open(struct channel *channel, void *arg)
{
	(void)arg;
	channel_want_write(channel);
}

static void
on_open_failed(struct channel *channel, void *arg, unsigned reason,
    const char *text)
{
	(void)arg;
	(void)reason;
	FUZZ_CHECK(text != NULL);
	forget(channel);
}

static size_t
on_data(struct channel *channel, void *arg, const uint8_t *data, size_t len)
{
	uint8_t appetite = next_byte();

	(void)arg;
	FUZZ_CHECK(len > 0 && data != NULL);
	if (appetite == 255) {
		forget(channel);
		channel_free(channel);
		return len;
	}
	return appetite % 2 == 0 ? len : len / 2;
}

static void
on_eof(struct channel *channel, void *arg)
{
	(void)arg;
	FUZZ_CHECK(channel_queued(channel) == 0);
}

static void
on_close(struct channel *channel, void *arg)
{
	(void)arg;
	forget(channel);
	channel_free(channel);
}

static void
on_writable(struct channel *channel, void *arg)
{
	(void)arg;
	channel_write(channel, (const uint8_t *)"x", 1);
}

static const struct channel_ops channel_ops = {
	.on_open = on_open,
	.on_open_failed = on_open_failed,
	.on_data = on_data,
	.on_eof = on_eof,
	.on_close = on_close,
	.on_writable = on_writable,
};

static void
on_forwarded(struct connection *connection, void *arg, void *listener_arg,
    struct channel *channel, const struct forwarded_open *open)
{
	(void)connection;
	(void)arg;
	FUZZ_CHECK(listener_arg == &user);
	FUZZ_CHECK(open->connected_host != NULL);
	FUZZ_CHECK(open->originator_host != NULL);
	if (next_byte() % 4 == 0 || !hold(channel))
		channel_reject(channel, OPEN_CONNECT_FAILED, "refused");
	else
		channel_accept(channel, &channel_ops, NULL);
}

static void
on_end(struct connection *connection, void *arg, const struct err *err)
{
	(void)connection;
	(void)arg;
	FUZZ_CHECK(err->code != ERR_NONE && !user.ended);
	for (size_t i = 0; i < CHANNELS; i++)
		FUZZ_CHECK(user.channels[i] == NULL);
	user.ended = true;
}

static const struct connection_ops connection_ops = {
	.on_forwarded = on_forwarded,
	.on_end = on_end,
};

static void
on_reply(void *arg, bool ok, uint32_t port)
{
	(void)arg;
	(void)ok;
	(void)port;
}

/* One packet from the server: its length in two bytes, its bytes. */
static void
serve(struct transport *t)
{
	size_t len = (size_t)next_byte() % 4 << 8;
	uint8_t *packet;

	len |= next_byte();
	if (len > user.left)
		len = user.left;
	/* The tap hands on what begins with these numbers, and no less. */
	if (len == 0 || user.p[0] < 80)
		return;
	if ((packet = malloc(len)) == NULL)
		abort();
	memcpy(packet, user.p, len);
	user.p += len;
	user.left -= len;
	t->in_packet = true;
	t->ops->on_packet(t->arg, packet, len);
	t->in_packet = false;
	free(packet);
}

static void
act_on(struct channel *channel, uint8_t what)
{
	static const uint8_t data[4096];
	size_t room;

	switch (what % 5) {
	case 0:
		room = channel_room(channel);
		FUZZ_CHECK(channel_write(channel, data, sizeof(data)) <= room);
		break;
	case 1:
		channel_send_eof(channel);
		FUZZ_CHECK(channel_room(channel) == 0);
		break;
	case 2:
		channel_pull(channel);
		break;
	case 3:
		channel_want_write(channel);
		break;
	default:
		forget(channel);
		channel_free(channel);
	}
}

static void
act(struct connection *connection, struct transport *t)
{
	uint8_t what = next_byte();
	struct channel *channel;

	switch (what % 8) {
	case 0:
		channel = channel_open_tcp(connection, "localhost", 80,
		    "127.0.0.1", 1234, &channel_ops, NULL);
		if (channel != NULL && !hold(channel))
			channel_free(channel);
		break;
	case 1:
		connection_ping(connection, on_reply, NULL);
		break;
	case 2:
		connection_listen(connection, "", what < 128 ? 80 : 0, &user,
		    on_reply, NULL);
		break;
	case 3:
		connection_cancel(connection, "", 80, on_reply, NULL);
		break;
	case 4:
		t->busy = !t->busy;
		break;
	default:
		channel = user.channels[what / 8 % CHANNELS];
		if (channel != NULL)
			act_on(channel, next_byte());
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct transport *t = calloc(1, sizeof(*t));
	struct connection *connection;
	struct err err;

	if (t == NULL)
		abort();
	user = (struct user){ .p = data, .left = len };
	connection = connection_new(t, NULL, &connection_ops, NULL, &err);
	FUZZ_CHECK(connection != NULL);
	while (user.left > 0 && !t->failed) {
		if (next_byte() % 2 == 0)
			serve(t);
		else
			act(connection, t);
		if (t->awake && !t->failed) {
			t->awake = false;
			t->pending = 0;
			t->ops->on_ready(t->arg);
		}
	}
	if (t->failed) {
		err_set(&err, ERR_PROTOCOL, "failed");
		t->ops->on_dead(t->arg, &err);
		FUZZ_CHECK(user.ended);
	}
	connection_free(connection);
	return 0;
}
