/* SPDX-License-Identifier: ISC */
#include "worker/proof.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "worker/nonce.h"

/* One connection of ours to an address of the server. */
struct probe {
	struct proof *proof;
	struct channel *channel;	/* NULL: over, or not begun */
	struct nonce nonce;
	bool arrived;			/* it came to us, as a guest */
	size_t echoed;			/* bytes of it that came back */
	struct probe_result result;
};

/* A forwarded connection: ours, or somebody's. */
struct guest {
	struct loop_item item;
	struct loop *loop;
	struct tunnel *tunnel;
	struct proof *proof;		/* NULL: it is over */
	const struct proof_ops *ops;
	struct channel *channel;
	struct forwarded_way way;
	struct event *timer;		/* then it is somebody's */
	bool ours;			/* it brought a nonce: no timer */
	bool foreign;			/* somebody's: goes with the timer */
	size_t have;
	uint8_t bytes[NONCE_SIZE];
	LIST_ENTRY(guest) link;
};

struct proof {
	struct loop *loop;
	struct tunnel *tunnel;
	const struct proof_ops *ops;
	void *arg;
	struct event *timer;
	int64_t began_us;
	int64_t open_us;		/* the first open took; 0: none is */
	int64_t took_us;		/* -1: nothing was proved yet */
	bool doubtful;			/* a guest left, perhaps ours */
	size_t count;
	struct probe probes[BIND_TRUTH_ADDRESSES];
	LIST_HEAD(, guest) guests;
};

/* Guests */

static void
free_guest(struct guest *g)
{
	if (g->proof != NULL)
		LIST_REMOVE(g, link);
	event_free(g->timer);
	tunnel_unref(g->tunnel);
	loop_bury(g->loop, g);
	loop_release(g->loop, &g->item);
}

static void
end_guest(void *arg)
{
	struct guest *g = arg;

	channel_free(g->channel);
	free_guest(g);
}

/* From the timer alone: no call of the channel is going on. */
static void
on_guest_timer(evutil_socket_t fd, short what, void *arg)
{
	struct guest *g = arg;

	(void)fd;
	(void)what;
	if (g->proof != NULL && !g->foreign)
		g->proof->doubtful = true;
	if (g->ours)
		channel_free(g->channel);
	else
		g->ops->on_stranger(g->tunnel, g->channel, &g->way, g->bytes,
		    g->have);
	free_guest(g);
}

static void
turn_away(struct guest *g)
{
	g->foreign = true;
	loop_timer_set(g->timer, 0);
}

/* Is it the beginning of a nonce, or one? */
static enum nonce_match
recognise(const struct guest *g)
{
	struct proof *p = g->proof;
	enum nonce_match best = NONCE_OTHER;

	for (size_t i = 0; p != NULL && i < p->count; i++) {
		enum nonce_match m = nonce_compare(&p->probes[i].nonce,
		    g->bytes, g->have);

		if (m == NONCE_FOUND) {
			p->probes[i].arrived = true;
			return m;
		}
		if (m == NONCE_MORE)
			best = m;
	}
	return best;
}

static void
on_guest_writable(struct channel *c, void *arg)
{
	struct guest *g = arg;

	if (channel_write(c, g->bytes, g->have) == 0)
		channel_want_write(c);
}

static size_t
on_guest_data(struct channel *c, void *arg, const uint8_t *data, size_t n)
{
	struct guest *g = arg;
	size_t before = g->have, room = sizeof(g->bytes) - before;

	if (g->foreign || g->ours)
		return g->foreign ? 0 : n;
	if (n > room)
		n = room;
	memcpy(g->bytes + before, data, n);
	g->have += n;
	switch (recognise(g)) {
	case NONCE_MORE:
		return n;
	case NONCE_OTHER:
		g->have = before;	/* these stay in the channel */
		turn_away(g);
		return 0;
	case NONCE_FOUND:
		break;
	}
	/* It may wait behind other bytes, and goes with the proof. */
	g->ours = true;
	event_del(g->timer);
	on_guest_writable(c, g);
	return n;
}

static void
on_guest_eof(struct channel *c, void *arg)
{
	struct guest *g = arg;

	(void)c;
	if (!g->ours)
		turn_away(g);
}

static void
on_guest_close(struct channel *c, void *arg)
{
	(void)c;
	end_guest(arg);
}

static const struct channel_ops guest_ops = {
	.on_data = on_guest_data,
	.on_eof = on_guest_eof,
	.on_close = on_guest_close,
	.on_writable = on_guest_writable,
};

/* Is a connection of ours still under way? */
static bool
expects_guests(const struct proof *p)
{
	for (size_t i = 0; i < p->count; i++)
		if (p->probes[i].result.verdict == PROBE_PENDING &&
		    !p->probes[i].arrived)
			return true;
	return false;
}

bool
proof_concerns(const struct proof *p, const struct forwarded_open *open)
{
	return expects_guests(p) && bind_truth_is_near(
	    &tunnel_forward(p->tunnel)->listen, open->originator_host);
}

/*
 * As long as the nonce may be on its way: it stands behind the same data as
 * the open did, whose answer says how long that takes now.
 */
static int64_t
get_patience_ms(const struct proof *p)
{
	int64_t rtt_us = connection_rtt_us(p->loop->connection);
	int64_t open_us = p->open_us != 0 ? p->open_us :
	    clock_now_us() - p->began_us;

	if (open_us > rtt_us)
		rtt_us = open_us;
	return PROOF_PATIENCE_MS + 2 * rtt_us / 1000;
}

void
proof_hold(struct proof *p, struct channel *c,
    const struct forwarded_way *way)
{
	struct guest *g = mem_alloc(sizeof(*g));

	g->loop = p->loop;
	g->tunnel = tunnel_ref(p->tunnel);
	g->proof = p;
	g->ops = p->ops;
	g->channel = c;
	g->way = *way;
	if ((g->timer = evtimer_new(p->loop->base, on_guest_timer, g)) == NULL)
		abort();
	loop_timer_set(g->timer, get_patience_ms(p));
	loop_hold(p->loop, &g->item, end_guest, g);
	LIST_INSERT_HEAD(&p->guests, g, link);
	channel_accept(c, &guest_ops, g);
}

/* Probes */

static bool
is_judged(const struct proof *p)
{
	for (size_t i = 0; i < p->count; i++)
		if (p->probes[i].result.verdict == PROBE_PENDING)
			return false;
	return true;
}

/* From the timer: the user may free the proof inside. */
static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct probe_result results[BIND_TRUTH_ADDRESSES];
	struct proof *p = arg;

	(void)fd;
	(void)what;
	for (size_t i = 0; i < p->count; i++) {
		results[i] = p->probes[i].result;
		if (results[i].verdict == PROBE_PENDING)
			results[i].verdict = PROBE_SILENT;
	}
	p->ops->on_done(p->arg, results, p->count, p->took_us);
}

static void
judge(struct probe *b, enum probe_verdict verdict)
{
	struct proof *p = b->proof;

	if (b->result.verdict != PROBE_PENDING)
		return;
	b->result.verdict = verdict;
	log_debug("a probe ended forward=%s address=%s verdict=%d",
	    tunnel_forward(p->tunnel)->id, b->result.address, (int)verdict);
	if (is_judged(p))
		loop_timer_set(p->timer, 0);
}

/*
 * Somebody else answered, unless it came to us, or what left us unrecognised
 * may have been this one.
 */
static void
judge_answer(struct probe *b)
{
	judge(b, b->arrived || b->proof->doubtful ? PROBE_SILENT :
	    PROBE_STRANGER);
}

static void
send_nonce(struct channel *c, void *arg)
{
	struct probe *b = arg;

	/* All or nothing, with the window of any server that means well. */
	if (channel_write(c, b->nonce.bytes, NONCE_SIZE) == 0)
		channel_want_write(c);
}

static void
on_probe_open(struct channel *c, void *arg)
{
	struct proof *p = ((struct probe *)arg)->proof;

	if (p->open_us == 0)
		p->open_us = clock_now_us() - p->began_us;
	send_nonce(c, arg);
}

static void
on_probe_failed(struct channel *c, void *arg, unsigned reason,
    const char *text)
{
	struct probe *b = arg;

	(void)c;
	(void)text;
	b->channel = NULL;
	judge(b, reason == OPEN_CONNECT_FAILED ? PROBE_REFUSED :
	    PROBE_PROHIBITED);
}

static size_t
on_probe_data(struct channel *c, void *arg, const uint8_t *data, size_t n)
{
	struct probe *b = arg;
	size_t left = NONCE_SIZE - b->echoed;

	(void)c;
	if (b->result.verdict != PROBE_PENDING)
		return n;
	if (n > left || memcmp(b->nonce.bytes + b->echoed, data, n) != 0) {
		judge_answer(b);
		return n;
	}
	b->echoed += n;
	if (b->echoed < NONCE_SIZE)
		return n;
	if (!b->arrived) {
		judge_answer(b);	/* an echo, and not ours */
		return n;
	}
	if (b->proof->took_us == -1)
		b->proof->took_us = clock_now_us() - b->proof->began_us;
	judge(b, PROBE_PROVED);
	return n;
}

static void
on_probe_eof(struct channel *c, void *arg)
{
	(void)c;
	judge_answer(arg);
}

static void
on_probe_close(struct channel *c, void *arg)
{
	struct probe *b = arg;

	channel_free(c);
	b->channel = NULL;
	judge_answer(b);
}

static const struct channel_ops probe_ops = {
	.on_open = on_probe_open,
	.on_open_failed = on_probe_failed,
	.on_data = on_probe_data,
	.on_eof = on_probe_eof,
	.on_close = on_probe_close,
	.on_writable = send_nonce,
};

/* Another forward of ours answers there, and would pass our bytes on. */
static bool
is_anothers(const struct proof *p, const char *address, uint16_t port)
{
	struct connection *c = p->loop->connection;

	if (bind_truth_wants(&tunnel_forward(p->tunnel)->listen, address))
		return false;
	return connection_listens(c, address, port) ||
	    ((strcmp(address, "127.0.0.1") == 0 ||
	    strcmp(address, "::1") == 0) &&
	    connection_listens(c, "localhost", port));
}

static void
start_probe(struct proof *p, const char *address, uint16_t port,
    bool refused)
{
	bool skipped = is_anothers(p, address, port);
	struct connection *c = p->loop->connection;
	struct probe *b = &p->probes[p->count];
	struct err err;

	b->proof = p;
	b->result.address = address;
	if (nonce_make(&b->nonce, &err) == -1) {
		log_error("%s", err.text);
		return;
	}
	if (skipped)
		b->result.verdict = PROBE_SKIPPED;
	else if (refused)
		b->result.verdict = PROBE_REFUSED;
	else if (tunnel_forward(p->tunnel)->listen.kind == ENDPOINT_UNIX)
		b->channel = channel_open_unix(c, address, &probe_ops, b);
	else
		b->channel = channel_open_tcp(c, address, port, "127.0.0.1",
		    0, &probe_ops, b);
	if (skipped || refused || b->channel != NULL)
		p->count++;
}

struct proof *
proof_new(struct tunnel *t, uint16_t port,
    const bool refused[BIND_TRUTH_ADDRESSES], const struct proof_ops *ops,
    void *arg)
{
	const char *addresses[BIND_TRUTH_ADDRESSES];
	struct proof *p = mem_alloc(sizeof(*p));
	size_t count;

	p->loop = tunnel_loop(t);
	p->tunnel = tunnel_ref(t);
	p->ops = ops;
	p->arg = arg;
	p->began_us = clock_now_us();
	p->took_us = -1;
	LIST_INIT(&p->guests);
	if ((p->timer = evtimer_new(p->loop->base, on_timer, p)) == NULL)
		abort();
	count = bind_truth_addresses(&tunnel_forward(t)->listen, addresses);
	for (size_t i = 0; i < count; i++)
		start_probe(p, addresses[i], port, refused[i]);
	if (is_judged(p)) {
		proof_free(p);
		return NULL;
	}
	loop_timer_set(p->timer, PROOF_DEADLINE_MS +
	    4 * connection_rtt_us(p->loop->connection) / 1000);
	return p;
}

void
proof_free(struct proof *p)
{
	struct guest *g;

	if (p == NULL)
		return;
	while ((g = LIST_FIRST(&p->guests)) != NULL) {
		LIST_REMOVE(g, link);
		g->proof = NULL;
		loop_timer_set(g->timer, 0);
	}
	for (size_t i = 0; i < p->count; i++)
		if (p->probes[i].channel != NULL)
			channel_free(p->probes[i].channel);
	event_free(p->timer);
	tunnel_unref(p->tunnel);
	loop_bury(p->loop, p);
}
