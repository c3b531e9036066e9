/* SPDX-License-Identifier: ISC */
#include "fake_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/clock.h"
#include "ssh/connection_impl.h"

/* More turns than this without rest are a busy loop. */
#define TURNS_MAX	10000

struct peer peer;

/* The server */

static void
on_forwarded(struct connection *c, void *arg, void *listener_arg,
    struct channel *ch, const struct forwarded_open *open)
{
	(void)c;
	assert_ptr_equal(arg, &peer);
	peer.asks++;
	peer.asked = ch;
	peer.listener_arg = listener_arg;
	snprintf(peer.connected, sizeof(peer.connected), "%s",
	    open->connected_host);
	snprintf(peer.originator, sizeof(peer.originator), "%s",
	    open->originator_host);
	peer.connected_port = open->connected_port;
	peer.originator_port = open->originator_port;
	if (peer.accept != NULL) {
		peer.accept->ch = ch;
		channel_accept(ch, &user_ops, peer.accept);
	}
}

static void
on_end(struct connection *c, void *arg, const struct err *err)
{
	assert_ptr_equal(c, peer.c);
	assert_ptr_equal(arg, &peer);
	peer.ended++;
	peer.end = *err;
}

static void
on_quiet(struct connection *c, void *arg)
{
	assert_ptr_equal(arg, &peer);
	assert_true(connection_is_quiet(c));
	peer.quiet++;
}

static void
on_host_keys(struct connection *c, void *arg, const uint8_t *bytes, size_t n)
{
	assert_ptr_equal(c, peer.c);
	assert_ptr_equal(arg, &peer);
	if (peer.on_host_keys != NULL)
		peer.on_host_keys(bytes, n);
}

static const struct connection_ops ops = {
	.on_forwarded = on_forwarded,
	.on_host_keys = on_host_keys,
	.on_end = on_end,
	.on_quiet = on_quiet,
};

int
peer_setup(void **state)
{
	struct transport *t = fake_transport_new();

	(void)state;
	peer = (struct peer){ .t = t };
	peer.c = connection_new(t, NULL, &ops, &peer, NULL);
	/* So that no ping comes to tell it. */
	window_note_rtt(&peer.c->windows, 1, clock_now_us());
	return 0;
}

int
peer_teardown(void **state)
{
	(void)state;
	connection_free(peer.c);
	peer.c = NULL;
	return 0;
}

static void
build(struct packet *p, const char *format, va_list ap)
{
	for (; *format != '\0'; format++) {
		const void *bytes;

		switch (*format) {
		case 'u':
			packet_u32(p, va_arg(ap, uint32_t));
			break;
		case 'b':
			packet_u8(p, (uint8_t)va_arg(ap, int));
			break;
		case 's':
			packet_cstring(p, va_arg(ap, const char *));
			break;
		case 'x':
			bytes = va_arg(ap, const void *);
			packet_string(p, bytes, va_arg(ap, size_t));
			break;
		default:
			fail_msg("unknown letter %c", *format);
		}
	}
}

void
peer_says(uint8_t msg, const char *format, ...)
{
	struct packet *p = packet_new(msg);
	va_list ap;

	va_start(ap, format);
	build(p, format, ap);
	va_end(ap);
	fake_transport_say(peer.t, p->bytes, p->len);
	packet_free(p);
}

void
peer_says_data(uint32_t id, uint8_t first, size_t n)
{
	uint8_t *bytes = malloc(n + 1);

	assert_non_null(bytes);
	for (size_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)(first + i);
	peer_says(MSG_CHANNEL_DATA, "ux", id, bytes, n);
	free(bytes);
}

void
peer_hears(uint8_t msg, const char *format, ...)
{
	struct packet *heard = fake_transport_take(peer.t);
	struct packet *p = packet_new(msg);
	va_list ap;

	va_start(ap, format);
	build(p, format, ap);
	va_end(ap);
	assert_non_null(heard);
	assert_int_equal(heard->bytes[0], msg);
	assert_int_equal(heard->len, p->len);
	assert_memory_equal(heard->bytes, p->bytes, p->len);
	packet_free(heard);
	packet_free(p);
}

void
peer_hears_nothing(void)
{
	if (peer.t->sent != NULL)
		fail_msg("message %d was sent", peer.t->sent->bytes[0]);
}

void
peer_turn(void)
{
	struct transport *t = peer.t;

	for (int i = 0; t->awake; i++) {
		bool more = false;

		if (i == TURNS_MAX)
			fail_msg("the loop never rests");
		t->awake = false;
		if (!t->stuck)
			t->pending = 0;
		if (!t->failed)
			more = t->ops->on_ready(t->arg);
		if (t->failed && !t->told) {
			struct err err;

			t->told = true;
			err_set(&err, ERR_PROTOCOL, "%s", t->why);
			t->ops->on_dead(t->arg, &err);
			return;
		}
		if (t->failed)
			return;
		/* With a full buffer, the kernel's taking brings the turn. */
		if (more && (!t->stuck || t->pending < TRANSPORT_BULK_MAX))
			t->awake = true;
	}
}

void
peer_dies(void)
{
	transport_fail(peer.t, "the link died");
	peer_turn();
}

void
peer_is_cut(const char *why)
{
	peer_turn();
	assert_true(peer.t->failed);
	assert_string_equal(peer.t->why, why);
	assert_int_equal(peer.ended, 1);
	assert_int_equal(peer.end.code, ERR_PROTOCOL);
}

void
peer_is_fine(void)
{
	peer_turn();
	if (peer.t->failed)
		fail_msg("the connection ended: %s", peer.t->why);
	assert_int_equal(peer.ended, 0);
}

/* The user of a channel */

static void
called(struct user *u, char call)
{
	size_t n = strlen(u->log);

	assert_true(n < sizeof(u->log) - 1);
	u->log[n] = call;
	if (u->act != NULL)
		u->act(u, call);
}

static void
on_open(struct channel *ch, void *arg)
{
	struct user *u = arg;

	assert_ptr_equal(ch, u->ch);
	called(u, 'O');
}

static void
on_open_failed(struct channel *ch, void *arg, unsigned reason,
    const char *text)
{
	struct user *u = arg;

	assert_ptr_equal(ch, u->ch);
	u->ch = NULL;
	u->reason = reason;
	snprintf(u->text, sizeof(u->text), "%s", text);
	called(u, 'F');
}

static size_t
on_data(struct channel *ch, void *arg, const uint8_t *data, size_t n)
{
	struct user *u = arg;
	size_t taken = n < u->appetite ? n : u->appetite;

	assert_ptr_equal(ch, u->ch);
	assert_true(n > 0);
	str_append_n(&u->got, data, taken);
	if (u->log[0] == '\0' || u->log[strlen(u->log) - 1] != 'D')
		called(u, 'D');
	return taken;
}

static void
on_eof(struct channel *ch, void *arg)
{
	struct user *u = arg;

	assert_ptr_equal(ch, u->ch);
	assert_int_equal(channel_queued(ch), 0);
	called(u, 'E');
}

static void
on_close(struct channel *ch, void *arg)
{
	struct user *u = arg;

	assert_ptr_equal(ch, u->ch);
	called(u, 'C');
}

static void
on_writable(struct channel *ch, void *arg)
{
	static const uint8_t bytes[1 << 16];
	struct user *u = arg;
	size_t n = u->portion > 0 && u->portion < u->to_write ? u->portion :
	    u->to_write;

	assert_ptr_equal(ch, u->ch);
	n = channel_write(ch, bytes, n < sizeof(bytes) ? n : sizeof(bytes));
	u->to_write -= n;
	if (u->to_write > 0)
		channel_want_write(ch);
	if (u->log[0] == '\0' || u->log[strlen(u->log) - 1] != 'W')
		called(u, 'W');
}

const struct channel_ops user_ops = { on_open, on_open_failed, on_data,
	on_eof, on_close, on_writable };

void
user_open(struct user *u, const char *host)
{
	struct packet *p;
	struct reader r;
	char text[64];

	u->ch = channel_open_tcp(peer.c, host, 80, "127.0.0.1", 4321,
	    &user_ops, u);
	assert_non_null(u->ch);
	peer_turn();
	p = fake_transport_take(peer.t);
	assert_non_null(p);
	assert_int_equal(p->bytes[0], MSG_CHANNEL_OPEN);
	reader_init(&r, p->bytes + 1, p->len - 1);
	reader_text(&r, text, sizeof(text));
	assert_string_equal(text, "direct-tcpip");
	u->id = reader_u32(&r);
	assert_int_equal(reader_u32(&r), 2 * 1024 * 1024);
	assert_int_equal(reader_u32(&r), 32768);
	reader_text(&r, text, sizeof(text));
	assert_string_equal(text, host);
	assert_int_equal(reader_u32(&r), 80);
	reader_text(&r, text, sizeof(text));
	assert_string_equal(text, "127.0.0.1");
	assert_int_equal(reader_u32(&r), 4321);
	assert_false(r.broken);
	assert_int_equal(r.left, 0);
	packet_free(p);
}

void
user_connect(struct user *u, const char *host, uint32_t peer_id,
    uint32_t window, uint32_t packet)
{
	user_open(u, host);
	peer_says(MSG_CHANNEL_OPEN_CONFIRMATION, "uuuu", u->id, peer_id,
	    window, packet);
	peer_turn();
	user_saw(u, "O");
}

void
user_leave(struct user *u)
{
	struct channel *ch = u->ch;

	u->ch = NULL;
	if (ch != NULL)
		channel_free(ch);
}

void
user_saw(struct user *u, const char *log)
{
	assert_string_equal(u->log, log);
	memset(u->log, 0, sizeof(u->log));
}

void
user_fini(struct user *u)
{
	str_fini(&u->got);
}
