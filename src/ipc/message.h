/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_IPC_MESSAGE_H
#define HAWSER_IPC_MESSAGE_H

#include <jansson.h>
#include <stddef.h>

#include "base/err.h"

/*
 * message: one JSON object, and sometimes file descriptors, per
 * SOCK_SEQPACKET datagram between the supervisor and its children. Orders go
 * down, facts go up. The table in message.c says for each name who may send
 * it, which fields it must and may have, and how many descriptors it brings;
 * what is not in the table is refused on both sides.
 */

#define MESSAGE_SIZE_MAX	(200 * 1024)	/* bytes: one datagram */
#define MESSAGE_FDS_MAX		200

/* ORDER_STOP: open connections may go on for so long, in ms. */
#define MESSAGE_STOP_MS		5000

/* The descriptor on which a child finds its end of the socket. */
#define MESSAGE_FD		3

enum message_sender {
	FROM_SUPERVISOR, FROM_WORKER, FROM_RESOLVER, FROM_LEDGER
};

enum message_name {
	/* orders: supervisor -> worker */
	ORDER_START,		/* the record of ipc/order.h; always first */
	ORDER_LISTEN,		/* a local or dynamic forward + listening fds */
	ORDER_FORWARD,		/* ask the server for a remote forward, once */
	ORDER_PROVE,		/* prove a remote forward, once */
	ORDER_TAKEOVER,		/* run HawserTakeover's command there, once */
	ORDER_CANCEL,		/* end one forward; open connections stay */
	ORDER_DRAIN,		/* cancel all; exit when connections ended */
	ORDER_STOP,		/* the same; exit after MESSAGE_STOP_MS */
	ORDER_RECORDED,		/* the key of FACT_HOSTKEY is in known_hosts */
	ORDER_ADDRESSES,	/* the answer to FACT_RESOLVE */
	ORDER_LINK,		/* be a hop: the next server + the next
				   worker's link */
	ORDER_SECRET,		/* the answer to FACT_SECRET: ipc/secret.h */
	ORDER_SET,		/* the settings of ipc/order.h that may change
				   while the connection lasts */
	ORDER_WATCH,		/* 1: tell of each connection; 0: of none */
	ORDER_BEAT,		/* do you live? FACT_BEAT, please */
	ORDER_PING,		/* ping now: no sign of life within so many
				   milliseconds is the end */
	/* facts: worker -> supervisor */
	FACT_PHASE,		/* the attempt entered this phase; of connect,
				   the addresses that it tries */
	FACT_UP,		/* authenticated: lend listeners now; says how
				   it is sandboxed, what it still reaches */
	FACT_HOSTKEY,		/* a new key: waits until it is recorded */
	FACT_HOSTKEYS,		/* the host keys that the server has */
	FACT_FORWARD,		/* a forward's state */
	FACT_TAKEOVER,		/* how the command ended */
	FACT_RTT,		/* the last ping's round trip */
	FACT_COUNTERS,		/* one forward's totals */
	FACT_CONNECTION,	/* one client's: "open", "closed", "failed" */
	FACT_LOST,		/* how many of those were left out, in all */
	FACT_RESOLVE,		/* please look up a target's name */
	FACT_LINK,		/* a hop: the next server is reached */
	FACT_SECRET,		/* please get a passphrase or password */
	FACT_BEAT,		/* the answer to ORDER_BEAT */
	FACT_END,		/* last words: class and sentence */
	/* supervisor <-> resolver child */
	QUERY_RESOLVE,
	ANSWER_RESOLVE,
	/* supervisor <-> ledger child */
	QUERY_STORE,		/* records: supervisor/ledger_watch.h */
	ANSWER_STORE,		/* all are in the file, or why none is */
	QUERY_HISTORY,
	ANSWER_HISTORY,		/* a part of it: more follow, or none */
	MESSAGE_COUNT
};

/*
 * A received message. name says which; body has the fields of its row, with
 * their types checked. Descriptors that the receiver wants to keep are taken
 * by setting their slot to -1; message_fini closes the rest.
 */
struct message {
	enum message_name name;
	json_t *body;
	int fds[MESSAGE_FDS_MAX];
	size_t fd_count;
};

/*
 * Sends. body (taken, also on failure) is an object without "m", which is
 * added. fds are borrowed and stay open here. 0; -1 with ERR_AGAIN if the
 * socket is full (nothing was sent), ERR_CLOSED if the other side is gone.
 */
int message_send(int sock, enum message_name, json_t *body, const int *fds,
    size_t fd_count, struct err *);

/*
 * Receives one message that sender may send. 1; 0 at the end of the stream;
 * -1 with ERR_AGAIN if there is none, ERR_PROTOCOL if it breaks its row
 * (descriptors are closed), ERR_SYS. Waits if the socket is blocking. With
 * ERR_SYS and EMFILE its descriptors found no place here: name and body are
 * there all the same, for message_fini.
 * Descriptors arrive close-on-exec.
 */
int message_recv(int sock, enum message_sender, struct message *out,
    struct err *);

/* Frees body and closes descriptors that were not taken. */
void message_fini(struct message *);

/*
 * Fields of a checked body: body must have them by its row; optional ones
 * give the default. Strings are borrowed from body.
 */
const char *message_string(const struct message *, const char *field);
long long message_int(const struct message *, const char *field,
    long long otherwise);

/* The pure half, for tests and fuzzing: bytes in, verdict out. */
int message_parse(const char *bytes, size_t n, size_t fd_count,
    enum message_sender, struct message *out, struct err *);

#endif
