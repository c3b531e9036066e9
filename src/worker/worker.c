/* SPDX-License-Identifier: ISC */
#include "worker/worker.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/str.h"
#include "ipc/message.h"
#include "ssh/connection.h"
#include "worker/dial_socket.h"
#include "worker/forward_remote.h"
#include "worker/forwards.h"
#include "worker/host_keys.h"
#include "worker/lookup.h"
#include "worker/loop.h"
#include "worker/onward.h"
#include "worker/ping.h"
#include "worker/takeover.h"
#include "worker/visit.h"

/* A connection that hears less between two pings needs no buffers. */
#define QUIET_BYTES	4096

/* Orders handled in one turn, so that the relays get theirs. */
#define ORDERS_MAX	16

struct worker {
	struct loop loop;
	struct session_order *order;
	int sock;
	struct ending *ending;
	struct connection *connection;
	struct forwards *forwards;
	struct ping *ping;
	struct onward *onward;	/* a hop's; else NULL */
	struct host_keys *host_keys;
	enum end_class over;	/* how that ended */
	char *over_text;
	struct event *over_turn;
	struct event *orders;
	struct event *cancel_limit;	/* both of a stop */
	struct event *drain_limit;
	struct report_gauge rtt;
	int64_t rtt_us;
	uint64_t heard;		/* when the last ping was answered */
	bool draining;		/* ends when the connections have */
	bool stopping;		/* ... or when they have had their time */
	bool overdue;		/* which they have */
	bool cancelled;		/* nothing listens for us any more */
	bool ended;		/* the ending is set */
	bool orphaned;
};

/* Endings */

static void
leave_loop(struct worker *w)
{
	w->ended = true;
	event_base_loopbreak(w->loop.base);
}

static void
finish_if_done(struct worker *w)
{
	if (w->ended || !w->cancelled)
		return;
	if (w->overdue)
		ending_set(w->ending, END_STOPPED, "stopped as ordered, "
		    "though connections were open");
	else if (w->loop.item_count > 0 ||
	    !connection_is_quiet(w->connection))
		return;
	else
		ending_set(w->ending, END_STOPPED, w->stopping ?
		    "stopped as ordered" : "the last connection has ended");
	leave_loop(w);
}

static void
on_idle(void *arg)
{
	finish_if_done(arg);
}

static void
on_cancelled(void *arg)
{
	struct worker *w = arg;

	w->cancelled = true;
	event_del(w->cancel_limit);
	finish_if_done(w);
}

static void
on_cancel_limit(evutil_socket_t fd, short what, void *arg)
{
	struct worker *w = arg;

	(void)fd;
	(void)what;
	log_warn("the server did not confirm that forwards are cancelled");
	w->cancelled = true;
	finish_if_done(w);
}

static void
on_drain_limit(evutil_socket_t fd, short what, void *arg)
{
	struct worker *w = arg;

	(void)fd;
	(void)what;
	w->overdue = true;
	finish_if_done(w);
}

static void
on_end(struct connection *c, void *arg, const struct err *why)
{
	struct worker *w = arg;
	const struct session_order *o = w->order;
	unsigned reason = 0;
	const char *text;

	w->loop.connection = NULL;	/* its channels are gone */
	if (w->ended)
		return;
	text = transport_disconnect_text(connection_transport(c), &reason);
	if (text != NULL)
		ending_set(w->ending, END_CLOSED,
		    "%s port %u said goodbye: %s (reason %u)", o->hostname,
		    o->port, text[0] != '\0' ? text : "no text", reason);
	else if (why->code == ERR_PROTOCOL)
		ending_set(w->ending, END_PROTOCOL,
		    "%s port %u broke the SSH protocol: %s", o->hostname,
		    o->port, why->text);
	else if (why->code == ERR_REFUSED)	/* by a rekey's offer */
		ending_set(w->ending, END_KEX,
		    "no common algorithm with %s port %u: %s", o->hostname,
		    o->port, why->text);
	else
		ending_set(w->ending, END_LOST,
		    "%s port %u: %s", o->hostname,
		    o->port, why->text);
	/* That it was closed was heard this moment. */
	if (text != NULL || why->code == ERR_CLOSED || why->sys == ECONNRESET)
		w->ending->silent_ms = 0;
	leave_loop(w);
}

static void
on_quiet(struct connection *c, void *arg)
{
	(void)c;
	finish_if_done(arg);
}

static void
on_forwarded(struct connection *c, void *arg, void *listener_arg,
    struct channel *channel, const struct forwarded_open *open)
{
	(void)c;
	(void)arg;
	forward_remote_client(listener_arg, channel, open);
}

static void
on_host_keys(struct connection *c, void *arg, const uint8_t *bytes, size_t n)
{
	struct worker *w = arg;

	(void)c;
	if (w->order->update_host_keys)
		host_keys_on_list(w->host_keys, bytes, n);
}

static const struct connection_ops connection_ops = {
	.on_forwarded = on_forwarded,
	.on_host_keys = on_host_keys,
	.on_end = on_end,
	.on_quiet = on_quiet,
};

/* Ping */

static json_t *
encode_rtt(void *arg)
{
	struct worker *w = arg;

	return json_pack("{s:I}", "us", (json_int_t)w->rtt_us);
}

static uint64_t
count_heard(void *arg)
{
	struct worker *w = arg;

	return transport_received(connection_transport(w->connection));
}

static void
on_rtt(void *arg, int64_t us)
{
	struct worker *w = arg;

	uint64_t heard = count_heard(w);

	w->rtt_us = us;
	report_touch(w->loop.report, &w->rtt);
	/* The last interval brought nothing but the ping's answer. */
	if (heard - w->heard < QUIET_BYTES) {
		loop_trim(&w->loop);
		transport_trim(connection_transport(w->connection));
	}
	w->heard = heard;
}

static void
on_silent(void *arg)
{
	struct worker *w = arg;

	log_warn("the server is silent; new clients wait");
	forwards_pause(w->forwards);
}

static void
on_back(void *arg)
{
	struct worker *w = arg;

	log_info("the server answers again");
	forwards_resume(w->forwards);
}

static void
on_lost(void *arg, int64_t silence_ms)
{
	struct worker *w = arg;

	ending_set(w->ending, END_LOST,
	    "%s port %u has not answered for %lld s", w->order->hostname,
	    w->order->port, (long long)(silence_ms + 500) / 1000);
	w->ending->silent_ms = silence_ms;
	leave_loop(w);
}

static const struct ping_ops ping_ops = {
	.on_rtt = on_rtt,
	.on_silent = on_silent,
	.on_back = on_back,
	.on_lost = on_lost,
};

/* A hop's way on */

/*
 * Should the whole connection have ended, connection_ops.on_end is about to
 * say so, and that counts.
 */
static void
on_over(void *arg, enum end_class class, const char *text)
{
	struct worker *w = arg;

	w->over = class;
	w->over_text = str_dup(text);
	loop_timer_set(w->over_turn, 0);
}

static void
on_over_turn(evutil_socket_t fd, short what, void *arg)
{
	struct worker *w = arg;

	(void)fd;
	(void)what;
	if (w->ended)
		return;
	ending_set(w->ending, w->over, "%s", w->over_text);
	leave_loop(w);
}

static void
on_link(struct worker *w, struct message *m)
{
	if (w->onward != NULL)
		log_error("a second order to be a hop came");
	else
		w->onward = onward_new(&w->loop, m, on_over, w);
}

/* Orders */

static void
on_drain(struct worker *w)
{
	if (w->draining || w->stopping)
		return;
	w->draining = true;
	forwards_cancel_all(w->forwards, on_cancelled, w);
}

static void
on_stop(struct worker *w)
{
	if (w->stopping)
		return;
	w->stopping = true;
	loop_timer_set(w->drain_limit, MESSAGE_STOP_MS);
	if (!w->cancelled)
		loop_timer_set(w->cancel_limit, WORKER_CANCEL_MS);
	if (!w->draining)
		forwards_cancel_all(w->forwards, on_cancelled, w);
}

/* The next ping, and what the kernel and the log do, follow at once. */
static void
on_set(struct worker *w, const struct message *m)
{
	struct session_order *o = w->order;
	struct err err;

	if (session_order_decode_set(m->body, o, &err) == -1) {
		log_error("an order was not understood: %s", err.text);
		return;
	}
	log_set_level((enum log_level)o->log_level);
	log_set_format(o->log_json ? LOG_JSON : LOG_TEXT);
	if (w->loop.connection != NULL)
		dial_socket_patience(transport_fd(connection_transport(
		    w->connection)), o);
	ping_set(w->ping, o->alive_interval_s, o->alive_count_max);
}

static void
obey(struct worker *w, struct message *m)
{
	switch (m->name) {
	case ORDER_LISTEN:
		forwards_listen(w->forwards, m);
		break;
	case ORDER_FORWARD:
		forwards_forward(w->forwards, m);
		break;
	case ORDER_PROVE:
		forwards_prove(w->forwards, m);
		break;
	case ORDER_TAKEOVER:
		takeover_start(&w->loop, m);
		break;
	case ORDER_CANCEL:
		forwards_cancel(w->forwards, m);
		break;
	case ORDER_DRAIN:
		on_drain(w);
		break;
	case ORDER_STOP:
		on_stop(w);
		break;
	case ORDER_ADDRESSES:
		lookup_deliver(w->loop.lookup, m);
		break;
	case ORDER_LINK:
		on_link(w, m);
		break;
	case ORDER_SET:
		on_set(w, m);
		break;
	case ORDER_WATCH:
		visits_watch(w->loop.visits, message_int(m, "on", 0) == 1);
		break;
	case ORDER_BEAT:
		report_fact(w->loop.report, FACT_BEAT, json_object());
		break;
	case ORDER_PING:
		ping_now(w->ping, (int)message_int(m, "ms", 0));
		break;
	case ORDER_START:
	case ORDER_RECORDED:
	case ORDER_SECRET:
	case FACT_PHASE:
	case FACT_UP:
	case FACT_HOSTKEY:
	case FACT_HOSTKEYS:
	case FACT_FORWARD:
	case FACT_TAKEOVER:
	case FACT_RTT:
	case FACT_COUNTERS:
	case FACT_CONNECTION:
	case FACT_LOST:
	case FACT_RESOLVE:
	case FACT_LINK:
	case FACT_SECRET:
	case FACT_BEAT:
	case FACT_END:
	case QUERY_RESOLVE:
	case ANSWER_RESOLVE:
	case QUERY_STORE:
	case ANSWER_STORE:
	case QUERY_HISTORY:
	case ANSWER_HISTORY:
	case MESSAGE_COUNT:
		log_error("an order came that makes no sense here");
		break;
	}
}

static void
on_orders(evutil_socket_t fd, short what, void *arg)
{
	struct worker *w = arg;
	struct message m;
	struct err err;

	(void)what;
	for (int i = 0; i < ORDERS_MAX && !w->ended; i++) {
		int rc = message_recv(fd, FROM_SUPERVISOR, &m, &err);

		if (rc == 1) {
			obey(w, &m);
			message_fini(&m);
			continue;
		}
		if (rc == -1 && err.code == ERR_AGAIN)
			return;
		if (rc == -1 && err.sys == EMFILE) {
			log_error("an order was not obeyed: %s", err.text);
			if (m.name == ORDER_LISTEN)
				forwards_miss(w->forwards, &m, err.text);
			message_fini(&m);
			continue;
		}
		if (rc == -1 && err.code == ERR_PROTOCOL) {
			log_error("an order was not understood: %s",
			    err.text);
			continue;
		}
		w->orphaned = true;
		leave_loop(w);
	}
}

/* Beginning and end */

static int
start(struct worker *w, struct transport *t, struct known_hosts *known,
    struct report *report, struct err *err)
{
	w->host_keys = host_keys_new(&w->loop, w->order, known);
	if (loop_init(&w->loop, err) == -1) {
		transport_free(t);
		return -1;
	}
	w->loop.order = w->order;
	w->loop.report = report;
	w->loop.on_idle = on_idle;
	w->loop.idle_arg = w;
	report_start(report, w->loop.base);
	w->loop.lookup = lookup_new(&w->loop);
	w->loop.visits = visits_new(&w->loop);
	w->forwards = forwards_new(&w->loop);
	w->rtt = (struct report_gauge){ .name = FACT_RTT,
	    .encode = encode_rtt, .arg = w };
	w->connection = connection_new(t, w->loop.base, &connection_ops, w,
	    err);
	if (w->connection == NULL)
		return -1;
	w->loop.connection = w->connection;
	w->orders = event_new(w->loop.base, w->sock, EV_READ | EV_PERSIST,
	    on_orders, w);
	w->cancel_limit = evtimer_new(w->loop.base, on_cancel_limit, w);
	w->drain_limit = evtimer_new(w->loop.base, on_drain_limit, w);
	w->over_turn = evtimer_new(w->loop.base, on_over_turn, w);
	if (w->orders == NULL || w->cancel_limit == NULL ||
	    w->drain_limit == NULL || w->over_turn == NULL ||
	    event_add(w->orders, NULL) == -1)
		return err_set(err, ERR_NOMEM, "no memory for the event loop");
	w->ping = ping_new(&w->loop, w->order->alive_interval_s,
	    w->order->alive_count_max, count_heard, &ping_ops, w);
	return 0;
}

static void
free_event(struct event *e)
{
	if (e != NULL)
		event_free(e);
}

static void
stop(struct worker *w)
{
	if (w->loop.base == NULL)
		return;
	w->ended = true;
	ping_free(w->ping);
	onward_free(w->onward);
	loop_end_items(&w->loop);
	if (w->loop.connection != NULL)
		transport_bye(connection_transport(w->connection),
		    w->orphaned ? 0 : WORKER_BYE_MS);
	w->loop.connection = NULL;
	/* Proofs have channels: the good-bye handles no more packets. */
	forwards_free(w->forwards);
	connection_free(w->connection);
	lookup_free(w->loop.lookup);
	visits_free(w->loop.visits);
	free_event(w->orders);
	free_event(w->over_turn);
	free(w->over_text);
	free_event(w->cancel_limit);
	free_event(w->drain_limit);
	report_forget(w->loop.report, &w->rtt);
	report_stop(w->loop.report);
	loop_fini(&w->loop);
}

bool
worker_run(struct transport *t, struct known_hosts *known,
    struct session_order *o, int sock, struct report *report,
    struct ending *e)
{
	struct worker w = { .order = o, .sock = sock, .ending = e };
	struct err err;

	if (start(&w, t, known, report, &err) == -1)
		ending_set(e, END_CRASH, "%s", err.text);
	else
		event_base_dispatch(w.loop.base);
	stop(&w);
	host_keys_free(w.host_keys);
	return !w.orphaned;
}
