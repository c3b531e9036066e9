/* SPDX-License-Identifier: ISC */
/* Whose answer is it, when the server is slow or somebody else is there? */
#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "fake_peer.h"
#include "ssh/connection_impl.h"
#include "worker/nonce.h"
#include "worker/proof.h"
#include "worker/report.h"

#define BIG	0xfffffff0u
#define PORT	8u
#define THEIRS	5u		/* the server's ids of both ends */
#define GUEST	6u

static struct loop loop;
static struct tunnel *tunnel;
static struct proof *proof;
static int ends[2];
static enum probe_verdict told;	/* pending: nothing */
static size_t given;		/* bytes to the stranger; SIZE_MAX: none */
static uint8_t nonce[NONCE_SIZE];

static void
on_done(void *arg, const struct probe_result *results, size_t count,
    int64_t us)
{
	(void)arg;
	assert_int_equal(count, 1);
	told = results[0].verdict;
	assert_true((us >= 0) == (told == PROBE_PROVED));
	proof_free(proof);
	proof = NULL;
	event_base_loopbreak(loop.base);
}

static void
on_stranger(struct tunnel *t, struct channel *c,
    const struct forwarded_way *way, const uint8_t *unread, size_t n)
{
	(void)unread;
	assert_ptr_equal(t, tunnel);
	assert_string_equal(way->originator, "::1");
	given = n;
	channel_free(c);
	event_base_loopbreak(loop.base);
}

static const struct proof_ops proof_ops = { on_done, on_stranger };

static void
on_listen(void *arg, bool ok, uint32_t port)
{
	(void)arg;
	assert_true(ok);
	assert_int_equal(port, PORT);
}

/* The server's end of our connection; nonce is what we said there. */
static void
begin_proof(void)
{
	struct packet *p;

	proof = proof_new(tunnel, PORT, (bool[BIND_TRUTH_ADDRESSES]){ 0 },
	    &proof_ops, NULL);
	assert_non_null(proof);
	peer_turn();
	peer_hears(MSG_CHANNEL_OPEN, "suuususu", "direct-tcpip", 0u,
	    WINDOW_MIN, CHANNEL_PACKET_MAX, "::1", PORT, "127.0.0.1", 0u);
	peer_says(MSG_CHANNEL_OPEN_CONFIRMATION, "uuuu", 0u, THEIRS, BIG,
	    BIG);
	peer_turn();
	p = fake_transport_take(peer.t);
	assert_non_null(p);
	assert_int_equal(p->len, 9 + NONCE_SIZE);
	memcpy(nonce, p->bytes + 9, NONCE_SIZE);
	packet_free(p);
}

static int
setup(void **state)
{
	struct forward forward = { .id = (char *)"R:[::1]:8",
	    .kind = FORWARD_REMOTE,
	    .listen = { ENDPOINT_TCP, (char *)"::1", PORT },
	    .target = { ENDPOINT_TCP, (char *)"localhost", 80 } };
	struct err err;

	log_setup(LOG_ERROR, "test");
	peer_setup(state);
	assert_int_equal(loop_init(&loop, &err), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	loop.connection = peer.c;
	loop.report = report_new(ends[0]);
	tunnel = tunnel_new(&loop, &forward);
	told = PROBE_PENDING;
	given = SIZE_MAX;
	connection_listen(peer.c, "::1", PORT, NULL, on_listen, NULL);
	peer_turn();
	peer_hears(MSG_GLOBAL_REQUEST, "sbsu", "tcpip-forward", 1, "::1",
	    PORT);
	peer_says(MSG_REQUEST_SUCCESS, "");
	begin_proof();
	return 0;
}

static int
teardown(void **state)
{
	proof_free(proof);
	proof = NULL;
	loop_end_items(&loop);
	tunnel_unref(tunnel);
	peer_teardown(state);
	report_free(loop.report);
	loop_fini(&loop);
	close(ends[0]);
	close(ends[1]);
	return 0;
}

/* Somebody connects from the server itself. */
static void
let_a_guest_in(void)
{
	struct forwarded_open open = { "::1", PORT, "::1", 999 };
	struct forwarded_way way;

	peer_says(MSG_CHANNEL_OPEN, "suuususu", "forwarded-tcpip", GUEST, BIG,
	    BIG, "::1", PORT, "::1", 999u);
	assert_int_equal(peer.asks, 1);
	assert_true(proof_concerns(proof, &open));
	forwarded_note_way(&way, &open);
	proof_hold(proof, peer.asked, &way);
	peer_turn();
	peer_hears(MSG_CHANNEL_OPEN_CONFIRMATION, "uuuu", GUEST, 1u,
	    WINDOW_MIN, CHANNEL_PACKET_MAX);
}

static void
probe_gets(const void *bytes, size_t n)
{
	peer_says(MSG_CHANNEL_DATA, "ux", 0u, bytes, n);
	peer_turn();
}

/* Until the proof is over, or a guest is somebody's. */
static void
run(void)
{
	event_base_dispatch(loop.base);
}

static void
test_proved(void **state)
{
	(void)state;
	let_a_guest_in();
	peer_says(MSG_CHANNEL_DATA, "ux", 1u, nonce, sizeof(nonce));
	peer_turn();
	peer_hears(MSG_CHANNEL_DATA, "ux", GUEST, nonce, sizeof(nonce));
	probe_gets(nonce, sizeof(nonce));
	run();
	assert_int_equal(told, PROBE_PROVED);
}

/* Its client would get our bytes, and its answer tell nothing. */
static void
test_another_forward_is_left_alone(void **state)
{
	struct forward forward = { .id = (char *)"R:[fd00::1]:8",
	    .kind = FORWARD_REMOTE,
	    .listen = { ENDPOINT_TCP, (char *)"fd00::1", PORT },
	    .target = { ENDPOINT_TCP, (char *)"localhost", 80 } };
	struct tunnel *t = tunnel_new(&loop, &forward);
	struct proof *p;

	(void)state;
	p = proof_new(t, PORT, (bool[BIND_TRUTH_ADDRESSES]){ 0 }, &proof_ops,
	    NULL);
	assert_non_null(p);
	peer_turn();
	peer_hears(MSG_CHANNEL_OPEN, "suuususu", "direct-tcpip", 1u,
	    WINDOW_MIN, CHANNEL_PACKET_MAX, "fd00::1", PORT, "127.0.0.1", 0u);
	/* Not the ::1 that tells whether all addresses answer. */
	assert_null(fake_transport_take(peer.t));
	proof_free(p);
	tunnel_unref(t);
}

static void
test_stranger(void **state)
{
	(void)state;
	probe_gets("220", 3);
	run();
	assert_int_equal(told, PROBE_STRANGER);
}

/* Nothing came to us. */
static void
test_stranger_that_echoes(void **state)
{
	(void)state;
	probe_gets(nonce, sizeof(nonce));
	run();
	assert_int_equal(told, PROBE_STRANGER);
}

/* Our own connection went to the service: that is nobody else's answer. */
static void
test_nonce_comes_too_late(void **state)
{
	(void)state;
	let_a_guest_in();
	run();
	assert_int_equal(given, 0);
	probe_gets("220", 3);
	run();
	assert_int_equal(told, PROBE_SILENT);
}

/* A client of its own kind gives no doubt. */
static void
test_stranger_beside_a_client(void **state)
{
	(void)state;
	let_a_guest_in();
	peer_says(MSG_CHANNEL_DATA, "us", 1u, "EHLO");
	run();
	assert_int_equal(given, 0);
	probe_gets("220", 3);
	run();
	assert_int_equal(told, PROBE_STRANGER);
}

/* The way out is full for longer than a stranger would have been held. */
static void
test_echo_waits(void **state)
{
	struct timeval tv = { .tv_usec = 2 * PROOF_PATIENCE_MS * 1000 };

	(void)state;
	let_a_guest_in();
	peer.t->pending = TRANSPORT_BULK_MAX;
	peer_says(MSG_CHANNEL_DATA, "ux", 1u, nonce, sizeof(nonce));
	event_base_loopexit(loop.base, &tv);
	run();
	peer.t->pending = 0;
	transport_wake(peer.t);
	peer_turn();
	peer_hears(MSG_CHANNEL_DATA, "ux", GUEST, nonce, sizeof(nonce));
	probe_gets(nonce, sizeof(nonce));
	run();
	assert_int_equal(told, PROBE_PROVED);
}

int
main(void)
{
#define ROW(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		ROW(test_proved),
		ROW(test_another_forward_is_left_alone),
		ROW(test_stranger),
		ROW(test_stranger_that_echoes),
		ROW(test_nonce_comes_too_late),
		ROW(test_stranger_beside_a_client),
		ROW(test_echo_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
