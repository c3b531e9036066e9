/* SPDX-License-Identifier: ISC */
/*
 * connection: any server, after authentication. The transport is a fake that
 * counts; the input is a list of steps, each a packet from the server (any
 * bytes, or one that is well-formed) or something that the worker does.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/fake_transport.h"
#include "fuzz.h"
#include "ssh/connection.h"
#include "ssh/packet.h"

#define CHANNELS	8
/* By so much may a write go over the buffer's limit. */
#define CHANNEL_PACKET	32768

/* The worker's side: the channels it holds, and the input's next bytes. */
struct user {
	const struct transport *transport;
	struct channel *channels[CHANNELS];
	bool asked[CHANNELS];	/* a forwarded open that has no answer yet */
	const uint8_t *p;
	size_t left;
	enum { NONE, OUTER, INNER } in_call[CHANNELS];
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

static void
forget(const struct channel *channel)
{
	for (size_t i = 0; i < CHANNELS; i++)
		if (user.channels[i] == channel)
			user.channels[i] = NULL;
}

/* False if there is no place for another one. */
static bool
hold(struct channel *channel, bool asked)
{
	for (size_t i = 0; i < CHANNELS; i++)
		if (user.channels[i] == NULL && !user.in_call[i]) {
			user.channels[i] = channel;
			user.asked[i] = asked;
			return true;
		}
	return false;
}

static void
let_go(struct channel *channel)
{
	forget(channel);
	channel_free(channel);
}

/* A call of one channel: where it is in user, and inside which other call. */
struct call {
	size_t i;
	int inside;
};

/*
 * What was freed gets no call. A channel_pull inside on_open or on_writable
 * may make calls (INNER), and those make no other.
 */
static struct call
enter(const struct channel *channel, int how)
{
	struct call call = { 0 };

	while (call.i < CHANNELS && user.channels[call.i] != channel)
		call.i++;
	FUZZ_CHECK(call.i < CHANNELS && !user.asked[call.i]);
	call.inside = user.in_call[call.i];
	FUZZ_CHECK(call.inside < how);
	user.in_call[call.i] = how;
	return call;
}

static void act_on(size_t i, uint8_t what);

/* Does one thing of the input inside a call, to this or another channel. */
static void
leave(struct call call)
{
	uint8_t what = next_byte();

	if (what >= 128)
		act_on(what % CHANNELS, what / 8);
	user.in_call[call.i] = call.inside;
}

static void
on_open(struct channel *channel, void *arg)
{
	struct call call = enter(channel, OUTER);

	(void)arg;
	channel_want_write(channel);
	leave(call);
}

static void
on_open_failed(struct channel *channel, void *arg, unsigned reason,
    const char *text)
{
	struct call call = enter(channel, INNER);

	(void)arg;
	(void)reason;
	FUZZ_CHECK(text != NULL && strlen(text) < 256);
	forget(channel);
	leave(call);
}

static size_t
on_data(struct channel *channel, void *arg, const uint8_t *data, size_t len)
{
	struct call call = enter(channel, INNER);
	uint8_t appetite = next_byte(), sum = 0;

	(void)arg;
	FUZZ_CHECK(len > 0);
	for (size_t i = 0; i < len; i++)
		sum ^= data[i];		/* readable to the end */
	leave(call);
	if (appetite == 255 && sum != 1)
		return 0;
	return appetite % 2 == 0 ? len : len / 2;
}

static void
on_eof(struct channel *channel, void *arg)
{
	struct call call = enter(channel, INNER);

	(void)arg;
	FUZZ_CHECK(channel_queued(channel) == 0);
	leave(call);
}

static void
on_close(struct channel *channel, void *arg)
{
	struct call call = enter(channel, INNER);

	(void)arg;
	let_go(channel);
	leave(call);
}

static void
on_writable(struct channel *channel, void *arg)
{
	struct call call = enter(channel, OUTER);

	(void)arg;
	channel_write(channel, (const uint8_t *)"x", 1);
	leave(call);
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
	uint8_t what = next_byte();

	(void)connection;
	(void)arg;
	FUZZ_CHECK(listener_arg == &user);
	FUZZ_CHECK(open->connected_host != NULL);
	FUZZ_CHECK(open->originator_host != NULL);
	if (what % 4 == 0 || !hold(channel, what % 4 == 1))
		channel_reject(channel, OPEN_CONNECT_FAILED, "refused");
	else if (what % 4 > 1)
		channel_accept(channel, &channel_ops, NULL);
}

static void
on_end(struct connection *connection, void *arg, const struct err *err)
{
	(void)connection;
	(void)arg;
	FUZZ_CHECK(err->code != ERR_NONE && !user.ended);
	/* Only forwarded opens that wait for an answer have had no end. */
	for (size_t i = 0; i < CHANNELS; i++)
		FUZZ_CHECK(user.channels[i] == NULL || user.asked[i]);
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
	const uint8_t *packet;

	len |= next_byte();
	if (len > user.left)
		len = user.left;
	if (len == 0)
		return;
	packet = user.p;
	user.p += len;
	user.left -= len;
	fake_transport_say(t, packet, len);
}

/* A packet that is well-formed, about a small channel number. */
static void
say(struct transport *t)
{
	static const uint32_t numbers[] = { 0, 1, 100, 32768, 2097152,
	    0x7fffffff, 0xffffff00, 0xffffffff };
	static const uint8_t zeros[32769];
	uint8_t msg = 80 + next_byte() % 21, what = next_byte();
	uint32_t id = what % CHANNELS, n = numbers[what / CHANNELS % 8];
	struct packet *p = packet_new(msg);

	if (msg == MSG_GLOBAL_REQUEST)
		packet_cstring(p, "keepalive@openssh.com");
	else if (msg == MSG_CHANNEL_OPEN)
		packet_cstring(p, what >= 224 ?
		    "forwarded-streamlocal@openssh.com" :
		    "forwarded-tcpip");
	else if (msg == MSG_REQUEST_SUCCESS)
		packet_u32(p, n);
	if (msg != MSG_GLOBAL_REQUEST && msg != MSG_REQUEST_SUCCESS)
		packet_u32(p, id);
	if (msg == MSG_CHANNEL_REQUEST)
		packet_cstring(p, "exit-status");
	if (msg == MSG_CHANNEL_EXTENDED_DATA)
		packet_u32(p, 1);
	if (msg == MSG_CHANNEL_DATA || msg == MSG_CHANNEL_EXTENDED_DATA) {
		packet_string(p, zeros, n < sizeof(zeros) ? n : next_byte());
	} else if (msg == MSG_GLOBAL_REQUEST || msg == MSG_CHANNEL_REQUEST) {
		packet_u8(p, what / 64);
	} else if (msg == MSG_CHANNEL_OPEN) {
		packet_u32(p, n);
		packet_u32(p, 32768);
		packet_cstring(p, what >= 224 ? "/run/x" : "");
		if (what < 224)
			packet_u32(p, 80);
		packet_cstring(p, what < 224 ? "192.0.2.1" : "");
		if (what < 224)
			packet_u32(p, 1234);
	} else if (msg == MSG_CHANNEL_OPEN_FAILURE) {
		packet_u32(p, n);
		packet_cstring(p, "no");
		packet_cstring(p, "");
	} else if (msg > MSG_CHANNEL_OPEN) {
		packet_u32(p, n);
		packet_u32(p, n);
		packet_u32(p, n);
	}
	fake_transport_say(t, p->bytes, p->len);
	packet_free(p);
}

static void
answer(size_t i, bool yes)
{
	struct channel *channel = user.channels[i];

	user.asked[i] = false;
	if (yes) {
		channel_accept(channel, &channel_ops, NULL);
		if (user.transport->failed)
			let_go(channel);	/* it may get no call */
	} else {
		forget(channel);
		channel_reject(channel, OPEN_PROHIBITED, "no");
	}
}

static void
act_on(size_t i, uint8_t what)
{
	static const uint8_t data[40000];
	struct channel *channel = user.channels[i];
	size_t room, n;

	if (channel == NULL)
		return;
	if (user.asked[i] && what % 4 < 2) {
		answer(i, what % 4 == 0);
		return;
	}
	switch (what % 6) {
	case 0:
	case 1:
		if (user.asked[i])
			break;
		n = what % 6 == 0 ? 10 : sizeof(data);
		room = channel_room(channel);
		FUZZ_CHECK(channel_write(channel, data, n) <= room +
		    CHANNEL_PACKET);
		break;
	case 2:
		channel_send_eof(channel);
		FUZZ_CHECK(channel_room(channel) == 0);
		break;
	case 3:
		channel_pull(channel);
		break;
	case 4:
		channel_want_write(channel);
		break;
	default:
		let_go(channel);
	}
}

static void
act(struct connection *connection, struct transport *t)
{
	uint8_t what = next_byte();
	struct channel *channel = NULL;

	switch (what % 8) {
	case 0:
		if (what < 200)
			channel = channel_open_tcp(connection, "localhost", 80,
			    "127.0.0.1", 1234, &channel_ops, NULL);
		else
			channel = channel_open_unix(connection, "/run/x",
			    &channel_ops, NULL);
		if (channel != NULL && !hold(channel, false))
			channel_free(channel);
		break;
	case 1:
		connection_ping(connection, on_reply, NULL);
		break;
	case 2:
		if (what >= 224)
			connection_listen_unix(connection, "/run/x", &user,
			    on_reply, NULL);
		else
			connection_listen(connection, "", what < 128 ? 80 : 0,
			    &user, on_reply, NULL);
		break;
	case 3:
		if (what >= 224)
			connection_cancel_unix(connection, "/run/x", on_reply,
			    NULL);
		else
			connection_cancel(connection, "", 80, on_reply, NULL);
		break;
	case 4:
		t->rekeying = what >= 128;
		t->rekey_after = what / 8 % 8;
		break;
	case 5:
		t->stuck = what >= 128;
		break;
	default:
		act_on(what / 8 % CHANNELS, next_byte());
	}
}

static void
turn(struct transport *t)
{
	/* As long as the worker does not ask again by itself. */
	for (int i = 0; t->awake && !t->failed && i < 3; i++) {
		t->awake = false;
		if (!t->stuck)
			t->pending = 0;
		t->ops->on_ready(t->arg);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct transport *t = fake_transport_new();
	struct connection *connection;
	struct err err;

	user = (struct user){ .transport = t, .p = data, .left = len };
	connection = connection_new(t, NULL, &connection_ops, NULL, &err);
	FUZZ_CHECK(connection != NULL);
	while (user.left > 0 && !t->failed) {
		uint8_t step = next_byte();

		if (step % 4 == 0)
			serve(t);
		else if (step % 4 == 1)
			say(t);
		else
			act(connection, t);
		turn(t);
	}
	if (t->failed) {
		err_set(&err, ERR_PROTOCOL, "failed");
		t->ops->on_dead(t->arg, &err);
		FUZZ_CHECK(user.ended);
		for (size_t i = 0; i < CHANNELS; i++)
			if (user.channels[i] != NULL && user.asked[i])
				answer(i, i % 2 == 0);
	}
	connection_free(connection);
	return 0;
}
