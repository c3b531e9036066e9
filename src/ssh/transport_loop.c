/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "ssh/transport_impl.h"

#include <libssh2_priv.h>
#include <packet.h>
#include <transport.h>

#include <errno.h>
#include <event2/event.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/str.h"
#include "ssh/packet.h"
#include "ssh/record.h"

/* Bytes taken from the link before other events get their turn. */
#define READ_BUDGET	(256 * 1024)
/* What one recv(2) may bring. */
#define READ_SIZE	(128 * 1024)
/* A peer that sends but does not read is not read from above this. */
#define PENDING_MAX	(4 * 1024 * 1024)
/* RFC 4253 11.1 */
#define DISCONNECT_BY_APPLICATION	11

static void
die(struct transport *t)
{
	if (t->dead)
		return;
	t->dead = true;
	event_del(t->read_event);
	event_del(t->write_event);
	transport_wake(t);
}

/* The link or the protocol broke: libssh2's verdict is rc. */
static void
fail_read(struct transport *t)
{
	struct err err;

	transport_explain(t, "the transport failed", &err);
	transport_set_cause(t, err.code, err.text);
	die(t);
}

/*
 * Gives a packet to its owner. libssh2's own are few: a rekey's first packet,
 * a good-bye, keepalives of the transport.
 */
static void
dispatch(struct transport *t, const uint8_t *payload, size_t n)
{
	uint32_t seq = t->session->remote.seqno - 1;
	uint8_t *copy;
	int rc;

	if (payload[0] >= MSG_GLOBAL_REQUEST) {
		t->ops->on_packet(t->arg, seq, payload, n);
		return;
	}
	copy = mem_alloc(n);
	memcpy(copy, payload, n);
	rc = _libssh2_packet_add(t->session, copy, n, LIBSSH2_MAC_CONFIRMED,
	    seq);
	if (rc != 0 && rc != LIBSSH2_ERROR_EAGAIN)
		fail_read(t);
}

/*
 * Takes from the link what it has, and from the budget as much; a short read
 * leaves the link dry, and epoll tells when it is not. True if there was
 * something.
 */
static bool
fill(struct transport *t, size_t need, size_t *budget)
{
	struct bytebuf *in = &t->in;
	size_t len = bytebuf_len(in), room;
	ssize_t n;

	if (len == 0)
		in->head = in->tail = 0;
	room = len < READ_SIZE ? READ_SIZE - len : 0;
	if (need > len && room < need - len)
		room = need - len;
	n = transport_receive(t, bytebuf_reserve(in, room), room);
	if (n <= 0) {
		if (n != -EAGAIN)
			fail_read(t);
		return false;
	}
	in->tail += (size_t)n;
	if ((size_t)n < room || (size_t)n > *budget)
		*budget = 0;
	else
		*budget -= (size_t)n;
	return true;
}

/* One packet by record.c. False if there is none. */
static bool
read_record(struct transport *t, size_t *budget)
{
	const uint8_t *payload;
	size_t n, need;

	switch (record_open(t->session, &t->in, &payload, &n, &need)) {
	case 1:
		dispatch(t, payload, n);
		return true;
	case 0:
		return *budget > 0 && fill(t, need, budget);
	case -1:
		transport_set_cause(t, ERR_CORRUPT, TAP_ALTERED);
		break;
	default:
		transport_set_cause(t, ERR_PROTOCOL,
		    "a packet without a message");
		break;
	}
	fail_read(t);
	return false;
}

/*
 * One step of libssh2's reader. Its EAGAIN does not mean that the link is
 * dry: it stands for "half a packet", too. False if nothing moved.
 */
static bool
read_libssh2(struct transport *t, size_t *budget)
{
	struct transportpacket *p = &t->session->packet;
	size_t at = (size_t)p->readidx;
	uint64_t before = t->bytes_in;
	int rc;

	/*
	 * Also without a budget: what our buffer and libssh2's hold, epoll
	 * does not tell again.
	 */
	t->sated = *budget == 0;
	t->received = false;
	rc = _libssh2_transport_read(t->session);
	if (rc < 0 && rc != LIBSSH2_ERROR_EAGAIN) {
		fail_read(t);
		return false;
	}
	before = t->bytes_in - before;
	*budget -= before < *budget ? before : *budget;
	return rc > 0 || t->received || (size_t)p->readidx != at;
}

/* Between packets, what libssh2 has read ahead goes back to our buffer. */
static void
take_back(struct transport *t)
{
	struct transportpacket *p = &t->session->packet;

	if (p->total_num != 0 || p->readidx == p->writeidx ||
	    (t->session->state & LIBSSH2_STATE_EXCHANGING_KEYS))
		return;
	bytebuf_prepend(&t->in, p->buf + p->readidx,
	    (size_t)(p->writeidx - p->readidx));
	p->readidx = p->writeidx = 0;
}

/* Reads until the link is dry or the budget is spent. */
static void
read_packets(struct transport *t)
{
	size_t budget = READ_BUDGET;
	bool more = true;

	t->reading = true;
	while (more && !t->dead) {
		if (record_fits(t->session))
			take_back(t);
		more = record_can_open(t->session) ?
		    read_record(t, &budget) : read_libssh2(t, &budget);
	}
	t->reading = false;
}

/* Whole pages of what nobody needs read as zeroes from now on. */
static void
give_pages(void *bytes, size_t n)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t from = ((uintptr_t)bytes + page - 1) / page * page;
	uintptr_t to = ((uintptr_t)bytes + n) / page * page;

	if (from < to)
		madvise((void *)from, to - from, MADV_DONTNEED);
}

/* libssh2 has two buffers of a packet each, which record.c does without. */
static void
trim_libssh2(struct transport *t)
{
	struct transportpacket *p = &t->session->packet;

	if (!record_can_open(t->session) || p->ototal_num != 0)
		return;
	give_pages(p->buf, sizeof(p->buf));
	give_pages(p->outbuf, sizeof(p->outbuf));
}

/* Between packets: nobody borrows from the buffers now. */
static void
trim(struct transport *t)
{
	t->trimming = false;
	trim_libssh2(t);
	if (bytebuf_len(&t->in) == 0)
		bytebuf_fini(&t->in);
	if (bytebuf_len(&t->out) == 0)
		bytebuf_fini(&t->out);
	malloc_trim(0);
}

/* One turn: what came in is done; let packets out, ask for more, send. */
static void
turn(struct transport *t)
{
	bool more = false;

	if (!t->dead && transport_flush(t) == -1)
		die(t);
	if (!t->dead)
		more = t->ops->on_ready(t->arg);
	if (!t->dead && transport_flush(t) == -1)
		die(t);
	if (t->dead) {
		if (!t->told) {
			t->told = true;
			t->ops->on_dead(t->arg, &t->cause);
		}
		return;
	}
	if (bytebuf_len(&t->out) > 0)
		event_add(t->write_event, NULL);
	else
		event_del(t->write_event);
	if (bytebuf_len(&t->out) > PENDING_MAX)
		event_del(t->read_event);
	else
		event_add(t->read_event, NULL);
	if (t->trimming)
		trim(t);
	/*
	 * With a full buffer the write event brings the next turn. By timer:
	 * an event that activates itself would keep all others waiting.
	 */
	if (more && bytebuf_len(&t->out) < TRANSPORT_BULK_MAX)
		event_add(t->turn_event, &(struct timeval){ 0 });
}

/*
 * sshd leaves Nagle's algorithm on where there is no session: while a small
 * packet of its is not acknowledged it keeps the next one back, for the 40 ms
 * by which our kernel delays that; so a greeting waits for the reply that a
 * channel is open, and the second half of an answer for the first. What we
 * send takes the acknowledgement along; if there is nothing, it goes alone.
 * Fails if the link isn't TCP, which then delays nothing.
 */
static void
acknowledge(struct transport *t)
{
	int one = 1;

	setsockopt(t->fd, IPPROTO_TCP, TCP_QUICKACK, &one, sizeof(one));
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct transport *t = arg;
	uint64_t before = t->bytes_out;

	(void)fd;
	(void)what;
	read_packets(t);
	turn(t);
	if (t->bytes_out == before && !t->dead)
		acknowledge(t);
}

static void
on_turn(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	turn(arg);
}

int
transport_start_loop(struct transport *t, struct event_base *base,
    const struct transport_ops *ops, void *arg, struct err *err)
{
	t->ops = ops;
	t->arg = arg;
	t->read_event = event_new(base, t->fd, EV_READ | EV_PERSIST,
	    on_readable, t);
	t->write_event = event_new(base, t->fd, EV_WRITE | EV_PERSIST,
	    on_turn, t);
	t->turn_event = event_new(base, -1, 0, on_turn, t);
	if (t->read_event == NULL || t->write_event == NULL ||
	    t->turn_event == NULL || event_add(t->read_event, NULL) == -1)
		return err_set(err, ERR_NOMEM, "cannot watch the link");
	libssh2_session_set_blocking(t->session, 0);
	t->looping = true;
	/* libssh2 may hold bytes that it read while authenticating. */
	event_active(t->read_event, EV_READ, 0);
	return 0;
}

int
transport_send(struct transport *t, const uint8_t *head, size_t head_len,
    const uint8_t *body, size_t body_len, struct err *err)
{
	int rc;

	if (t->dead)
		return err_set(err, ERR_CLOSED, "the connection is dead");
	/* During a rekey libssh2 would read packets from inside a send. */
	if (t->reading || (t->session->state & LIBSSH2_STATE_EXCHANGING_KEYS))
		return err_set(err, ERR_AGAIN, "a rekey is going on");
	if (record_can_seal(t->session))
		rc = record_seal(t->session, &t->out, head, head_len, body,
		    body_len);
	else
		rc = _libssh2_transport_send(t->session, head, head_len, body,
		    body_len);
	if (rc == LIBSSH2_ERROR_EAGAIN)
		return err_set(err, ERR_AGAIN, "a rekey is going on");
	if (rc != 0) {
		transport_set_cause(t, ERR_PROTOCOL,
		    "a packet could not be encrypted");
		die(t);
		return err_set(err, ERR_CLOSED, "the connection is dead");
	}
	return 0;
}

size_t
transport_pending(const struct transport *t)
{
	return bytebuf_len(&t->out);
}

int
transport_fd(const struct transport *t)
{
	return t->fd;
}

uint64_t
transport_received(const struct transport *t)
{
	return t->bytes_in;
}

bool
transport_can_send(const struct transport *t)
{
	return !t->dead && !t->reading &&
	    !(t->session->state & LIBSSH2_STATE_EXCHANGING_KEYS);
}

void
transport_wake(struct transport *t)
{
	event_active(t->turn_event, EV_TIMEOUT, 0);
}

void
transport_fail(struct transport *t, const char *what)
{
	transport_set_cause(t, ERR_PROTOCOL, what);
	die(t);
}

void
transport_trim(struct transport *t)
{
	t->trimming = true;
	transport_wake(t);
}

void
transport_bye(struct transport *t, int ms)
{
	int64_t deadline = clock_now_ms() + ms;
	struct packet *p = packet_new(MSG_DISCONNECT);
	int64_t left;

	packet_u32(p, DISCONNECT_BY_APPLICATION);
	packet_cstring(p, "hawser is done");
	packet_cstring(p, "");
	if (transport_can_send(t))
		transport_send(t, p->bytes, p->len, NULL, 0, NULL);
	packet_free(p);
	while (!t->dead && transport_flush(t) == 0 &&
	    bytebuf_len(&t->out) > 0 &&
	    (left = deadline - clock_now_ms()) > 0) {
		struct pollfd w = { .fd = t->fd, .events = POLLOUT };

		poll(&w, 1, (int)left);
	}
	t->told = true;		/* the caller knows */
	if (t->looping)
		die(t);
	t->dead = true;
}
