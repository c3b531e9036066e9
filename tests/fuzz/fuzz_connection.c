/* SPDX-License-Identifier: ISC */
/*
 * connection: any server, after authentication. The transport is a fake; the
 * input is a list of steps, each a packet from the server (any bytes, or one
 * that is well-formed), something that the worker does, or a scene in which
 * both do what leads deeper. A referee hears both.
 */
#include <stddef.h>
#include <stdint.h>

#include "../unit/fake_transport.h"
#include "base/clock.h"
#include "fuzz.h"
#include "player.h"
#include "referee.h"
#include "ssh/connection.h"
#include "ssh/packet.h"

#define PACKET		32768
/* Floods of data in one input: each may cost two megabytes. */
#define FLOODS		3

static const uint8_t zeros[PACKET + 1];

static struct {
	uint32_t last_id;	/* of the last channel that we asked for */
	int floods;
	int64_t now_ms;
} game;
static struct referee referee;

static int64_t
now_ms(void)
{
	return game.now_ms;
}

/* The referee hears what was sent. */
static void
listen_to_us(struct transport *t)
{
	struct packet *p;
	struct reader r;
	size_t n;

	/* Only we are held up by a rekey. */
	referee.is_lenient = referee.is_lenient || t->rekeying ||
	    t->rekey_after > 0;
	while ((p = fake_transport_take(t)) != NULL) {
		referee_hear_us(&referee, p->bytes, p->len);
		reader_init(&r, p->bytes + 1, p->len - 1);
		if (p->bytes[0] == MSG_CHANNEL_OPEN) {
			reader_string(&r, &n);
			game.last_id = reader_u32(&r);
		}
		packet_free(p);
	}
}

/* A packet from the server, once all that we have sent was heard. */
static void
hand_in(struct transport *t, const uint8_t *bytes, size_t n)
{
	listen_to_us(t);
	if (!t->failed)
		referee_hear_server(&referee, bytes, n);
	fake_transport_say(t, bytes, n);
}

/* One packet from the server: its length in two bytes, its bytes. */
static void
serve(struct transport *t)
{
	size_t len = (size_t)player_next() % 4 << 8;
	const uint8_t *packet;

	len |= player_next();
	if (len > player.left)
		len = player.left;
	if (len == 0)
		return;
	packet = player.p;
	player.p += len;
	player.left -= len;
	hand_in(t, packet, len);
}

/* What follows the channel's number in a packet that is well-formed. */
static void
fill(struct packet *p, uint8_t msg, uint8_t what, uint32_t n)
{
	bool is_unix = what >= 224;

	switch (msg) {
	case MSG_CHANNEL_DATA:
	case MSG_CHANNEL_EXTENDED_DATA:
		if (msg == MSG_CHANNEL_EXTENDED_DATA)
			packet_u32(p, 1);
		packet_string(p, zeros, n < sizeof(zeros) ? n : player_next());
		break;
	case MSG_CHANNEL_REQUEST:
		packet_cstring(p, "exit-status");
		packet_u8(p, what / 64);
		packet_u32(p, n);
		break;
	case MSG_CHANNEL_OPEN:
		packet_u32(p, n);
		packet_u32(p, 32768);
		packet_cstring(p, is_unix ? "/run/x" : "");
		if (!is_unix)
			packet_u32(p, 80);
		packet_cstring(p, is_unix ? "" : "192.0.2.1");
		if (!is_unix)
			packet_u32(p, 1234);
		break;
	case MSG_CHANNEL_OPEN_FAILURE:
		packet_u32(p, n);
		packet_cstring(p, "no");
		packet_cstring(p, "");
		break;
	default:
		for (int i = 0; i < 3; i++)
			packet_u32(p, n);
	}
}

/* A packet that is well-formed, about a small channel number. */
static void
say(struct transport *t, uint8_t msg, uint8_t what)
{
	static const uint32_t numbers[] = { 0, 1, 100, 32768, 2097152,
	    0x7fffffff, 0xffffff00, 0xffffffff };
	uint32_t n = numbers[what / PLAYER_CHANNELS % 8];
	struct packet *p = packet_new(msg);

	if (msg == MSG_GLOBAL_REQUEST) {
		packet_cstring(p, what % 2 == 0 ? "keepalive@openssh.com" :
		    "hostkeys-00@openssh.com");
		packet_u8(p, what / 64);
		packet_cstring(p, "key");
	} else if (msg == MSG_REQUEST_SUCCESS) {
		packet_u32(p, n);
	} else {
		if (msg == MSG_CHANNEL_OPEN)
			packet_cstring(p, what >= 224 ?
			    "forwarded-streamlocal@openssh.com" :
			    "forwarded-tcpip");
		packet_u32(p, what % PLAYER_CHANNELS);
		fill(p, msg, what, n);
	}
	hand_in(t, p->bytes, p->len);
	packet_free(p);
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
	listen_to_us(t);
}

/* The server confirms the channel that we asked for last. */
static void
confirm(struct transport *t, uint8_t what)
{
	struct packet *p = packet_new(MSG_CHANNEL_OPEN_CONFIRMATION);

	listen_to_us(t);
	packet_u32(p, game.last_id);
	packet_u32(p, what % REFEREE_PEERS);
	packet_u32(p, what >= 128 ? 1000 : 1u << what / 8);
	packet_u32(p, PACKET);
	hand_in(t, p->bytes, p->len);
	packet_free(p);
}

/*
 * Full packets, as far as the window goes and perhaps beyond, ms apart; and
 * an answer to the ping by which we may measure how far that is.
 */
static void
flood(struct transport *t, uint8_t msg, uint32_t id, size_t count, int ms)
{
	struct packet *p = packet_new(msg);

	packet_u32(p, id);
	if (msg == MSG_CHANNEL_EXTENDED_DATA)
		packet_u32(p, 1);
	packet_string(p, zeros, PACKET);
	for (size_t i = 0; i < count && !t->failed; i++) {
		hand_in(t, p->bytes, p->len);
		turn(t);
		if (i == count / 2)
			say(t, MSG_REQUEST_FAILURE, 0);
		game.now_ms += ms;
	}
	packet_free(p);
}

/* What a fuzzer would not often find: both sides in step. */
static void
play(struct connection *connection, struct transport *t)
{
	uint8_t scene = player_next(), what = player_next();

	switch (scene % 6) {
	case 0:
		player_open(connection, scene);
		turn(t);
		confirm(t, what);
		break;
	case 1:
		player_listen(connection);
		turn(t);
		say(t, MSG_REQUEST_SUCCESS, 0);
		say(t, MSG_CHANNEL_OPEN, what % 224);
		break;
	case 2:
	case 3:
		if (game.floods++ < FLOODS)
			flood(t, scene < 224 ? MSG_CHANNEL_DATA :
			    MSG_CHANNEL_EXTENDED_DATA,
			    scene / 6 % PLAYER_CHANNELS, what % 80, what / 80);
		break;
	case 4:
		game.now_ms += 1 << what % 16;
		break;
	default:
		player.fasts = !player.fasts;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct transport *t = fake_transport_new();
	struct connection *connection = player_begin(t, data, len);
	struct err err;

	game.last_id = 0;
	game.floods = 0;
	game.now_ms = 1000;
	referee = (struct referee){ 0 };
	clock_inject(now_ms);
	while (player.left > 0 && !t->failed) {
		uint8_t step = player_next();

		if (step % 8 == 0)
			serve(t);
		else if (step % 4 == 1)
			say(t, 80 + player_next() % 21, player_next());
		else if (step % 8 == 4)
			play(connection, t);
		else
			player_act(connection, t);
		turn(t);
	}
	if (t->failed) {
		err_set(&err, ERR_PROTOCOL, "failed");
		t->ops->on_dead(t->arg, &err);
		player_end();
	}
	connection_free(connection);
	return 0;
}
