/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SSH_CONNECTION_H
#define HAWSER_SSH_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "ssh/transport.h"

/*
 * connection: the SSH connection protocol (RFC 4254) on a transport: global
 * requests in one FIFO, any number of channel opens in flight, windows both
 * ways. One outgoing packet queue goes before all data.
 */
struct connection;
struct channel;

/* RFC 4254 5.1 */
enum channel_open_failure {
	OPEN_PROHIBITED = 1,
	OPEN_CONNECT_FAILED = 2,
	OPEN_UNKNOWN_TYPE = 3,
	OPEN_RESOURCE_SHORTAGE = 4,
};

/*
 * What a channel tells its user. Calls come from the loop, and from
 * channel_pull, which does nothing inside on_data, on_eof and on_close of its
 * channel. Inside calls every channel and connection call is allowed,
 * channel_free of this very channel included.
 */
struct channel_ops {
	/* Our open was confirmed. */
	void (*on_open)(struct channel *, void *arg);
	/*
	 * Our open was refused; text is the server's (bounded, printable).
	 * The channel is gone when this returns: do not free it.
	 */
	void (*on_open_failed)(struct channel *, void *arg, unsigned reason,
	    const char *text);
	/*
	 * Data from the server. The user takes what it can now and returns
	 * how many bytes that was; the rest stays queued in the channel
	 * (bounded by the window) until channel_pull().
	 */
	size_t (*on_data)(struct channel *, void *arg, const uint8_t *data,
	    size_t len);
	/* No more data will come, and all of it has been taken. */
	void (*on_eof)(struct channel *, void *arg);
	/*
	 * The server closed the channel, all data and the EOF before it
	 * having been delivered; also when the connection ended. Afterwards
	 * only channel_free may be called.
	 */
	void (*on_close)(struct channel *, void *arg);
	/*
	 * There may be room for more: the window opened or the transport's
	 * buffer drained. Called only for channels that asked by
	 * channel_want_write().
	 */
	void (*on_writable)(struct channel *, void *arg);
};

/*
 * An open that the server asks for where it listens for us. Of a Unix socket
 * only the path is told: then the ports are 0 and the originator is "".
 */
struct forwarded_open {
	const char *connected_host;	/* borrowed, printable; or the path */
	uint32_t connected_port;
	const char *originator_host;
	uint32_t originator_port;
};

struct connection_ops {
	/*
	 * A forwarded open from where we asked to listen. The user answers,
	 * now or later, by channel_accept() or channel_reject(); also when
	 * the connection has ended meanwhile: then nothing is sent, an
	 * accepted channel gets no call, and channel_free is what remains.
	 */
	void (*on_forwarded)(struct connection *, void *arg, void *listener_arg,
	    struct channel *, const struct forwarded_open *);
	/*
	 * The connection ended. Every channel has had its on_close, except
	 * forwarded ones that the user has not yet answered.
	 */
	void (*on_end)(struct connection *, void *arg, const struct err *);
	/*
	 * The server says which host keys it has (hostkeys-00@openssh.com):
	 * what follows want_reply in its request. Must not send: queue
	 * instead. May be NULL.
	 */
	void (*on_host_keys)(struct connection *, void *arg,
	    const uint8_t *bytes, size_t n);
	/*
	 * connection_is_quiet() is true from now on. From the loop; not at
	 * the end of the connection. May be NULL.
	 */
	void (*on_quiet)(struct connection *, void *arg);
};

/*
 * New, and the transport goes to loop mode. Takes the transport, also on
 * failure. Borrows base and ops.
 */
struct connection *connection_new(struct transport *, struct event_base *base,
    const struct connection_ops *ops, void *arg, struct err *);

/*
 * Frees the connection, its channels (no callbacks) and the transport. Not
 * from inside a callback, except on_end.
 */
void connection_free(struct connection *);

struct transport *connection_transport(struct connection *);

/*
 * Is no channel left, on the server's side either? Until it has closed one, it
 * may still have bytes of it to pass on, which a good-bye would cut off.
 */
bool connection_is_quiet(const struct connection *);

/* The answer to a global request. port is for tcpip-forward with port 0. */
typedef void request_reply(void *arg, bool ok, uint32_t port);

/* The shortest round trip that a ping measured of late; 0: none yet. */
int64_t connection_rtt_us(const struct connection *);

/*
 * keepalive@openssh.com with want_reply. Either answer proves life. When the
 * connection ends first, no call is made.
 */
void connection_ping(struct connection *, request_reply *reply, void *arg);

/* The answer to a request that is answered by bytes (none if ok is false). */
typedef void request_proof(void *arg, bool ok, const uint8_t *bytes,
    size_t n);

/*
 * hostkeys-prove-00@openssh.com (OpenSSH's PROTOCOL 2.5) for these keys: see
 * key_list_request(). When the connection ends first, no call is made.
 */
void connection_prove(struct connection *, const void *keys, size_t n,
    request_proof *proof, void *arg);

/* Does the server listen for us there? bind is as it was asked for. */
bool connection_listens(struct connection *, const char *bind, uint16_t port);

/*
 * tcpip-forward (RFC 4254 7.1). bind is the address string of the request:
 * "" all, "localhost", or a literal. On success the listener stays until a
 * cancel is answered. listener_arg is handed to on_forwarded.
 */
void connection_listen(struct connection *, const char *bind, uint16_t port,
    void *listener_arg, request_reply *reply, void *arg);

/*
 * cancel-tcpip-forward for the same bind and port (the allocated one). After
 * either answer no more forwarded opens of that address reach the user.
 */
void connection_cancel(struct connection *, const char *bind, uint16_t port,
    request_reply *reply, void *arg);

/*
 * The same for a Unix socket on the server (OpenSSH's PROTOCOL 2.4):
 * streamlocal-forward@openssh.com and its cancel. path < 256 bytes.
 */
void connection_listen_unix(struct connection *, const char *path,
    void *listener_arg, request_reply *reply, void *arg);
void connection_cancel_unix(struct connection *, const char *path,
    request_reply *reply, void *arg);

/*
 * New channel: direct-tcpip (RFC 4254 7.2), in the opening state until
 * on_open or on_open_failed. NULL if there are too many channels (32,768) or
 * the connection has ended.
 */
struct channel *channel_open_tcp(struct connection *, const char *host,
    uint16_t port, const char *originator, uint16_t originator_port,
    const struct channel_ops *, void *arg);

/* The same for direct-streamlocal@openssh.com. path < 1024 bytes. */
struct channel *channel_open_unix(struct connection *, const char *path,
    const struct channel_ops *, void *arg);

/*
 * The same for a session (RFC 4254 6.1), on which channel_exec() has a command
 * run; its standard error is dropped. channel_exit_status() is -1 until the
 * server has told it.
 */
struct channel *channel_open_session(struct connection *,
    const struct channel_ops *, void *arg);
void channel_exec(struct channel *, const char *command);
int64_t channel_exit_status(const struct channel *);

/* Answers a forwarded open. After channel_reject the channel is gone. */
void channel_accept(struct channel *, const struct channel_ops *, void *arg);
void channel_reject(struct channel *, enum channel_open_failure,
    const char *text);

/*
 * Another user takes over an open channel and gets all that is still to come:
 * first the n bytes (borrowed, taken before, fewer than 64 KiB), which the old
 * one gives back unread, and the EOF also if it was told before. Not from
 * inside a call of the channel; channel_pull() delivers what is there.
 */
void channel_hand_over(struct channel *, const struct channel_ops *, void *arg,
    const uint8_t *unread, size_t n);

/*
 * Bytes that channel_write would take now: bounded by the peer's window, its
 * packet size and the transport's buffer. 0 while opening or after EOF.
 */
size_t channel_room(const struct channel *);

/* Sends up to n bytes; how many were taken (0: wait for on_writable). */
size_t channel_write(struct channel *, const uint8_t *data, size_t n);

/* Asks for one on_writable when channel_room() is more than 0. */
void channel_want_write(struct channel *);

/* Delivers queued data again: the user's sink has room. */
void channel_pull(struct channel *);

/* Bytes queued in the channel because on_data did not take them. */
size_t channel_queued(const struct channel *);

/* Half-close: we will send nothing more. */
void channel_send_eof(struct channel *);

/*
 * Closes (SSH_MSG_CHANNEL_CLOSE) and frees. Also while opening: a later
 * confirmation is then closed at once. The pointer is dead afterwards; ids
 * live on until the server has answered.
 */
void channel_free(struct channel *);

#endif
