/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SSH_TRANSPORT_H
#define HAWSER_SSH_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/algorithms.h"
#include "base/err.h"

/*
 * transport: one SSH transport (RFC 4253) on a link, by libssh2. First
 * straight-line blocking calls up to authentication, then a loop in which
 * packets that the transport needs stay libssh2's, and all others go to the
 * tap's receiver: the connection layer's (RFC 4254) and those of no use.
 */
struct transport;

struct event_base;

#define TRANSPORT_PACKET_MAX	35000	/* bytes of payload, RFC 4253 6.1 */

/* Prepares OpenSSL and libssh2. Once per process, before any sandbox. */
int transport_library_init(struct err *);

/*
 * Do libssh2's packets and ciphers pass through us? False in a build whose
 * linker flags are wrong; meaningful after a handshake.
 */
bool transport_is_tapped(void);

/*
 * New, in blocking mode. link_fd (taken, also on failure) is any connected
 * stream socket or pipe pair's socket; a copy of what goes over it is never
 * kept or logged. Deadlines are clock_now_ms() times.
 */
struct transport *transport_new(int link_fd, struct err *);

/* Closes the link at once, without good-bye. NULL is fine. */
void transport_free(struct transport *);

/* Calls once when the server's banner and first offer are there. */
void transport_on_kex(struct transport *, void (*begun)(void *arg),
    void *arg);

/*
 * Banner and key exchange. The lists (borrowed) are what to ask for; of those
 * that are empty hawser's own. Ciphers whose order nobody chose are put in the
 * order that suits this CPU. Compression is asked for, not insisted on. 0; -1
 * with ERR_CLOSED (peer hung up before its banner), ERR_TIMEOUT, ERR_REFUSED
 * (no common algorithm: the text names both sides'), ERR_PROTOCOL.
 */
int transport_handshake(struct transport *, const struct algorithms *,
    bool compression, int64_t deadline_ms, struct err *);

/* The server's banner line, "" before there is one. Borrowed. */
const char *transport_banner(const struct transport *);

/* Did the server's banner arrive? Tells closed-early from the rest. */
bool transport_has_banner(const struct transport *);

/*
 * The first line that came, printable, or "": the banner, or what a server says
 * that hangs up instead ("Exceeded MaxStartups"). Borrowed.
 */
const char *transport_greeting(const struct transport *);

/* The server's host key as on the wire (RFC 4253 6.6). Borrowed. */
const uint8_t *transport_host_key(const struct transport *, size_t *len);

/* The session id (RFC 4253 7.2), after the handshake. Borrowed. */
const uint8_t *transport_session_id(const struct transport *, size_t *len);

/*
 * What ended the transport, if the server said so with SSH_MSG_DISCONNECT:
 * its text, or NULL. Borrowed. The reason code goes to *reason.
 */
const char *transport_disconnect_text(const struct transport *,
    unsigned *reason);

/* Loop mode. */
struct transport_ops {
	/*
	 * A packet (borrowed) that is not the transport's own, its first byte
	 * the message number; seq is the packet's number (RFC 4253 6.4). Must
	 * not send: queue instead.
	 */
	void (*on_packet)(void *arg, uint32_t seq, const uint8_t *data,
	    size_t len);
	/*
	 * The loop came by: packets that had to wait may be sent now. Called
	 * after input was handled and after the link took bytes. True asks
	 * for another call as soon as the out-buffer has room.
	 */
	bool (*on_ready)(void *arg);
	/*
	 * The link is dead; why is in err (ERR_CLOSED: end of stream,
	 * ERR_SYS: reset and the like, ERR_PROTOCOL). Called once, from the
	 * loop, never from inside a transport call.
	 */
	void (*on_dead)(void *arg, const struct err *);
};

/* Leaves blocking mode. Borrows ops and base, which must outlive it. */
int transport_start_loop(struct transport *, struct event_base *base,
    const struct transport_ops *ops, void *arg, struct err *);

/*
 * Encrypts one packet of two parts into the out-buffer. 0; -1 with ERR_AGAIN
 * (a rekey is going on: keep it and wait for on_ready) or ERR_CLOSED.
 * head_len + body_len <= TRANSPORT_PACKET_MAX.
 */
int transport_send(struct transport *, const uint8_t *head, size_t head_len,
    const uint8_t *body, size_t body_len, struct err *);

/*
 * Bulk data waits while this many bytes are on their way to the kernel: more
 * is not faster, and pings, window adjusts and rekeys would queue behind it.
 */
#define TRANSPORT_BULK_MAX	(64 * 1024)

/* Bytes that the kernel has not taken yet. */
size_t transport_pending(const struct transport *);

/* The link, for its socket options. Borrowed. */
int transport_fd(const struct transport *);

/* Bytes taken from the link so far: tells a slow link from a silent one. */
uint64_t transport_received(const struct transport *);

/* Gives memory back that only traffic needs; for when there is none. */
void transport_trim(struct transport *);

/* Would transport_send take a packet now (no rekey, not inside on_packet)? */
bool transport_can_send(const struct transport *);

/*
 * The peer broke RFC 4254: ends the transport with ERR_PROTOCOL and this
 * sentence. on_dead follows from the loop.
 */
void transport_fail(struct transport *, const char *what);

/* Makes on_ready be called soon. Cheap; may be called many times. */
void transport_wake(struct transport *);

/*
 * Sends SSH_MSG_DISCONNECT (by application) and what is pending, waiting at
 * most ms for the kernel to take it. The transport is dead afterwards.
 */
void transport_bye(struct transport *, int ms);

#endif
