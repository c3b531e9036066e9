/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SSH_TRANSPORT_IMPL_H
#define HAWSER_SSH_TRANSPORT_IMPL_H

#include <libssh2.h>
#include <sys/types.h>

#include "ssh/bytebuf.h"
#include "ssh/kexinit.h"
#include "ssh/session.h"
#include "ssh/tap.h"
#include "ssh/transport.h"

/*
 * transport_impl: what transport.c (straight line) and transport_loop.c share.
 * Nobody else includes this.
 */

#define TRANSPORT_TEXT_SIZE	256

struct transport {
	struct tap tap;			/* first: the session's abstract */
	LIBSSH2_SESSION *session;
	int fd;
	struct bytebuf in;		/* loop mode: not yet opened */
	struct bytebuf out;
	struct err cause;		/* why the link or the kex failed */
	char greeting[TRANSPORT_TEXT_SIZE];	/* its first line, so far */
	bool greeted;			/* which is complete */
	char disconnect[TRANSPORT_TEXT_SIZE];	/* the server's good-bye */
	unsigned disconnect_reason;
	bool disconnected;
	struct transport_failure failure;
	bool has_kexinit;
	uint8_t *host_key;		/* the first exchange's; NULL until a
					   rekey */
	size_t host_key_len;
	struct algorithms algorithms;	/* that were asked for */
	struct kexinit_offer offer;
	void (*kex_begun)(void *arg);
	void *kex_arg;
	int64_t deadline;		/* blocking mode */

	/* Loop mode. */
	const struct transport_ops *ops;
	void *arg;
	struct event *read_event;
	struct event *write_event;
	struct event *turn_event;
	bool looping;
	bool reading;			/* packets are being read: no sending */
	bool received;			/* the last read gave bytes */
	bool sated;			/* libssh2 gets no more in this turn */
	uint64_t bytes_in;		/* taken from the link */
	uint64_t bytes_out;		/* given to it */
	bool trimming;			/* at the end of the turn */
	bool dead;
	bool told;			/* on_dead was called */
};

/* The first cause counts; what follows from it is noise. */
void transport_set_cause(struct transport *, enum err_code,
    const char *what);

/* Hands the kernel what it takes. 0, or -1 with the cause set. */
int transport_flush(struct transport *);

/*
 * recv(2) from the link without waiting: the count, 0 at the end of the
 * stream, -EAGAIN, or -EPIPE. The last but EAGAIN set the cause.
 */
ssize_t transport_receive(struct transport *, void *bytes, size_t n);

/* Fills err: what a failed libssh2 call was about, best knowledge first. */
int transport_explain(struct transport *, const char *what, struct err *);

#endif
