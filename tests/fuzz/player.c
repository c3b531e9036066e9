/* SPDX-License-Identifier: ISC */
#include "player.h"

#include <string.h>

#include "fuzz.h"

/* By so much may a write go over the buffer's limit. */
#define PACKET		32768

struct player player;

uint8_t
player_next(void)
{
	if (player.left == 0)
		return 0;
	player.left--;
	return *player.p++;
}

static void
forget(const struct channel *channel)
{
	for (size_t i = 0; i < PLAYER_CHANNELS; i++)
		if (player.channels[i] == channel)
			player.channels[i] = NULL;
}

/* False if there is no place for another one. */
static bool
hold(struct channel *channel, bool asked)
{
	for (size_t i = 0; i < PLAYER_CHANNELS; i++)
		if (player.channels[i] == NULL && !player.in_call[i]) {
			player.channels[i] = channel;
			player.asked[i] = asked;
			player.open[i] = false;
			player.taken[i] = 0;
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

static size_t
index_of(const struct channel *channel)
{
	size_t i = 0;

	while (i < PLAYER_CHANNELS && player.channels[i] != channel)
		i++;
	return i;
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
	struct call call = { .i = index_of(channel) };

	FUZZ_CHECK(call.i < PLAYER_CHANNELS && !player.asked[call.i]);
	call.inside = player.in_call[call.i];
	FUZZ_CHECK(call.inside < how);
	player.in_call[call.i] = how;
	return call;
}

static void act_on(size_t i, uint8_t what);

/* Does one thing of the input inside a call, to this or another channel. */
static void
leave(struct call call)
{
	uint8_t what = player_next();

	if (what >= 128)
		act_on(what % PLAYER_CHANNELS, what / 8);
	player.in_call[call.i] = call.inside;
}

static void
on_open(struct channel *channel, void *arg)
{
	struct call call = enter(channel, OUTER);

	(void)arg;
	player.open[call.i] = true;
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
	uint8_t appetite = player_next(), sum = 0;

	(void)arg;
	FUZZ_CHECK(len > 0);
	for (size_t i = 0; i < len; i++)
		sum ^= data[i];		/* readable to the end */
	leave(call);
	if (player.fasts || (appetite == 255 && sum != 1))
		return 0;
	if (appetite % 2 == 1)
		len /= 2;
	player.taken[call.i] += len;
	return len;
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
answer(size_t i, bool yes)
{
	struct channel *channel = player.channels[i];

	player.asked[i] = false;
	if (yes) {
		player.open[i] = true;
		channel_accept(channel, &channel_ops, NULL);
		if (player.transport->failed)
			let_go(channel);	/* it may get no call */
	} else {
		forget(channel);
		channel_reject(channel, OPEN_PROHIBITED, "no");
	}
}

static void
on_forwarded(struct connection *connection, void *arg, void *listener_arg,
    struct channel *channel, const struct forwarded_open *open)
{
	uint8_t what = player_next();

	(void)connection;
	(void)arg;
	FUZZ_CHECK(listener_arg == &player);
	FUZZ_CHECK(open->connected_host != NULL);
	FUZZ_CHECK(open->originator_host != NULL);
	if (what % 4 == 0 || !hold(channel, what % 4 == 1))
		channel_reject(channel, OPEN_CONNECT_FAILED, "refused");
	else if (what % 4 > 1)
		answer(index_of(channel), true);
}

static void
on_host_keys(struct connection *connection, void *arg, const uint8_t *bytes,
    size_t n)
{
	(void)connection;
	(void)arg;
	FUZZ_CHECK(n == 0 || bytes[0] + bytes[n - 1] >= 0);
}

static void
on_quiet(struct connection *connection, void *arg)
{
	(void)arg;
	FUZZ_CHECK(connection_is_quiet(connection));
}

static void
on_end(struct connection *connection, void *arg, const struct err *err)
{
	(void)connection;
	(void)arg;
	FUZZ_CHECK(err->code != ERR_NONE && !player.ended);
	/* Only forwarded opens that wait for an answer have had no end. */
	for (size_t i = 0; i < PLAYER_CHANNELS; i++)
		FUZZ_CHECK(player.channels[i] == NULL || player.asked[i]);
	player.ended = true;
}

static const struct connection_ops connection_ops = {
	.on_forwarded = on_forwarded,
	.on_end = on_end,
	.on_host_keys = on_host_keys,
	.on_quiet = on_quiet,
};

static void
on_reply(void *arg, bool ok, uint32_t port)
{
	(void)arg;
	(void)ok;
	(void)port;
}

static void
on_proof(void *arg, bool ok, const uint8_t *bytes, size_t n)
{
	(void)arg;
	FUZZ_CHECK(ok || n == 0);
	FUZZ_CHECK(n == 0 || bytes[0] + bytes[n - 1] >= 0);
}

/* Another user, who has the same functions, gets back what was taken. */
static void
hand_over(size_t i, uint8_t most)
{
	static const uint8_t bytes[UINT8_MAX];
	size_t n = player.taken[i] < most ? player.taken[i] : most;

	player.taken[i] -= n;
	channel_hand_over(player.channels[i], &channel_ops, NULL, bytes, n);
	channel_pull(player.channels[i]);
}

static void
act_on(size_t i, uint8_t what)
{
	static const uint8_t data[40000];
	struct channel *channel = player.channels[i];
	size_t room, n;

	if (channel == NULL)
		return;
	if (player.asked[i] && what % 4 < 2) {
		answer(i, what % 4 == 0);
		return;
	}
	switch (what % 8) {
	case 0:
	case 1:
		if (player.asked[i])
			break;
		n = what % 8 == 0 ? 10 : sizeof(data);
		room = channel_room(channel);
		FUZZ_CHECK(channel_write(channel, data, n) <= room +
		    PACKET);
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
	case 5:
		if (player.open[i])
			channel_exec(channel, "true");
		FUZZ_CHECK(channel_exit_status(channel) >= -1);
		break;
	case 6:
		if (player.open[i] && player.in_call[i] == NONE)
			hand_over(i, what);
		break;
	default:
		let_go(channel);
	}
}

void
player_open(struct connection *connection, uint8_t what)
{
	struct channel *channel;

	if (what < 150)
		channel = channel_open_tcp(connection, "localhost", 80,
		    "127.0.0.1", 1234, &channel_ops, NULL);
	else if (what < 200)
		channel = channel_open_session(connection, &channel_ops,
		    NULL);
	else
		channel = channel_open_unix(connection, "/run/x",
		    &channel_ops, NULL);
	if (channel != NULL && !hold(channel, false))
		channel_free(channel);
}

void
player_act(struct connection *connection, struct transport *t)
{
	uint8_t what = player_next();

	switch (what % 8) {
	case 0:
		player_open(connection, what);
		break;
	case 1:
		if (what < 200)
			connection_ping(connection, on_reply, NULL);
		else
			connection_prove(connection, "keys", 4, on_proof,
			    NULL);
		break;
	case 2:
		if (what >= 224)
			connection_listen_unix(connection, "/run/x", &player,
			    on_reply, NULL);
		else
			connection_listen(connection, "", what < 128 ? 80 : 0,
			    &player, on_reply, NULL);
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
		act_on(what / 8 % PLAYER_CHANNELS, player_next());
	}
}

void
player_listen(struct connection *connection)
{
	connection_listen(connection, "", 80, &player, on_reply, NULL);
}

struct connection *
player_begin(struct transport *t, const uint8_t *data, size_t len)
{
	struct connection *connection;

	player = (struct player){ .transport = t, .p = data, .left = len };
	connection = connection_new(t, NULL, &connection_ops, NULL, NULL);
	FUZZ_CHECK(connection != NULL);
	return connection;
}

void
player_end(void)
{
	FUZZ_CHECK(player.ended);
	for (size_t i = 0; i < PLAYER_CHANNELS; i++)
		if (player.channels[i] != NULL && player.asked[i])
			answer(i, i % 2 == 0);
}
