/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SSH_CONNECTION_IMPL_H
#define HAWSER_SSH_CONNECTION_IMPL_H

#include <sys/queue.h>

#include "ssh/connection.h"
#include "ssh/packet.h"
#include "ssh/window.h"

/*
 * connection_impl: what connection.c, channel.c and request.c share. Nobody
 * else includes this.
 */

#define CHANNEL_PACKET_MAX	32768			/* bytes of data */
#define CHANNEL_COUNT_MAX	32768
/* Replies that a peer may make us owe before that is an attack. */
#define QUEUE_MAX		65536

enum channel_state {
	CHANNEL_OPENING,	/* we asked; no answer yet */
	CHANNEL_ASKED,		/* the server asked; no answer yet */
	CHANNEL_OPEN,
	CHANNEL_ENDED,		/* both sides have closed, or the link died */
};

/* Data that the user's sink did not take. */
struct chunk {
	STAILQ_ENTRY(chunk) next;
	uint8_t *p;		/* what is left of it */
	size_t len;
	size_t room;		/* bytes behind p + len that are free */
	uint8_t bytes[];
};

struct channel {
	LIST_ENTRY(channel) every;	/* in connection->every */
	struct connection *connection;
	enum channel_state state;
	uint32_t id;		/* ours */
	uint32_t peer_id;
	const struct channel_ops *ops;	/* NULL: the user has freed it */
	void *arg;
	uint32_t send_window;	/* bytes we may send */
	uint32_t send_packet;	/* bytes of data in one packet */
	struct window window;	/* bytes the peer may send */
	STAILQ_HEAD(, chunk) queue;
	struct chunk *last;	/* of queue */
	size_t queued;
	int64_t exit_status;	/* of a session's command; -1: not told */
	bool eof_sent;
	bool eof_received;
	bool eof_told;
	bool close_sent;
	bool close_received;
	bool close_told;
	bool calling;		/* inside on_data or on_eof: no other */
	bool waiting;		/* wants on_writable */
	bool listed;		/* in connection->writers: it has a window */
	bool buried;		/* in connection->graveyard */
	TAILQ_ENTRY(channel) writer;
	SLIST_ENTRY(channel) grave;
};

struct listener {
	SLIST_ENTRY(listener) next;
	char *bind;		/* an address, or the path of a Unix socket */
	uint16_t port;
	bool is_unix;
	void *arg;
};

enum request_kind {
	REQUEST_PING,
	REQUEST_LISTEN,
	REQUEST_CANCEL,
	REQUEST_PROVE,
	REQUEST_KIND_COUNT
};

/* A global request that waits for its answer. */
struct request {
	STAILQ_ENTRY(request) next;
	request_reply *reply;
	request_proof *proof;		/* instead, of REQUEST_PROVE */
	void *arg;
	enum request_kind kind;
	int64_t sent_us;
	struct listener listener;	/* what the answer adds or removes */
};

TAILQ_HEAD(channel_list, channel);

struct connection {
	struct transport *transport;
	const struct connection_ops *ops;
	void *arg;
	struct packet *queue_head;	/* small packets, before all data */
	struct packet **queue_tail;
	size_t queue_len;
	STAILQ_HEAD(, request) requests;
	SLIST_HEAD(, listener) listeners;
	LIST_HEAD(, channel) every;
	struct channel **channels;	/* by our id; NULL: free */
	uint32_t channel_size;
	uint32_t channel_count;
	struct window_pool windows;
	bool measuring;			/* a ping is to tell a round trip */
	bool was_quiet;			/* when on_ready came last */
	uint32_t next_id;		/* where to look for a free id */
	struct channel_list writers;	/* asked for on_writable */
	SLIST_HEAD(, channel) graveyard;	/* freed when the turn ends */
	bool dead;
};

/* Queues a packet (taken) and has it sent soon. */
void connection_queue(struct connection *, struct packet *);

/* Sends what is queued. True if nothing is left. */
bool connection_flush(struct connection *);

/* The peer broke the protocol: this sentence ends the connection. */
void connection_break(struct connection *, const char *what);

/* request.c: one packet each, message number not included. */
/* Has a round trip measured, if none was of late. */
void request_measure(struct connection *);
void request_on_global(struct connection *, struct reader *);
void request_on_answer(struct connection *, struct reader *, bool ok);
void request_free_all(struct connection *);
struct listener *request_find_listener(struct connection *, const char *bind,
    uint32_t port);
struct listener *request_find_unix(struct connection *, const uint8_t *path,
    size_t len);

/* channel.c: ids, memory, life and sending. NULL: too many, or the end. */
struct channel *channel_new(struct connection *, enum channel_state);
/* No more packets for this channel: its id may name another one. */
void channel_end(struct channel *);
/* Ended and not wanted: freed when nobody up the stack can look at it. */
void channel_bury(struct channel *);
void channel_queue_id(struct channel *, uint8_t msg);
void channel_send_close(struct channel *);
void channel_queue_failure(struct connection *, uint32_t peer_id,
    enum channel_open_failure, const char *text);

/* True if some could not be served for want of room. */
bool channel_serve_writers(struct connection *);
void channel_end_all(struct connection *);
void channel_free_all(struct connection *);
void channel_empty_graveyard(struct connection *);

/* channel_data.c */
/* What the user took, or all of it if the user has left. */
size_t channel_offer(struct channel *, const uint8_t *data, size_t n);
void channel_enqueue(struct channel *, const uint8_t *data, size_t n);
/* Gives the peer its window back when enough of it was taken. */
void channel_consume(struct channel *, uint32_t n);
/* Tells the user what its queue no longer holds back, in order. */
void channel_progress(struct channel *);
void channel_drop_queue(struct channel *);

/* channel_in.c: msg is from MSG_CHANNEL_OPEN_CONFIRMATION to _FAILURE. */
void channel_on_packet(struct connection *, uint8_t msg, struct reader *);
void channel_on_open(struct connection *, struct reader *);

#endif
