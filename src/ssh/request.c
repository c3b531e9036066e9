/* SPDX-License-Identifier: ISC */
#include "ssh/connection_impl.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"

/*
 * request: global requests (RFC 4254 4). Answers carry no id and come in
 * order, so all requests that want one wait in one FIFO.
 */

static const struct {
	const char *name;
	const char *unix_name;		/* for a Unix socket */
} names[] = {
	[REQUEST_PING] = { "keepalive@openssh.com", NULL },
	[REQUEST_LISTEN] = { "tcpip-forward",
	    "streamlocal-forward@openssh.com" },
	[REQUEST_CANCEL] = { "cancel-tcpip-forward",
	    "cancel-streamlocal-forward@openssh.com" },
	[REQUEST_PROVE] = { "hostkeys-prove-00@openssh.com", NULL },
};
static_assert(sizeof(names) / sizeof(names[0]) == REQUEST_KIND_COUNT,
    "one row per kind");

/* New: the answer to a request of this kind is waited for from now on. */
static struct request *
expect(struct connection *c, enum request_kind kind, void *arg)
{
	struct request *r = mem_alloc(sizeof(*r));

	r->kind = kind;
	r->arg = arg;
	STAILQ_INSERT_TAIL(&c->requests, r, next);
	return r;
}

static struct packet *
new_request(const char *name)
{
	struct packet *p = packet_new(MSG_GLOBAL_REQUEST);

	packet_cstring(p, name);
	packet_u8(p, 1);	/* want_reply */
	return p;
}

/* Sends a request; listener's bind is copied if there is one. */
static void
send_request(struct connection *c, enum request_kind kind,
    const struct listener *listener, request_reply *reply, void *arg)
{
	struct request *r;
	struct packet *p;

	if (c->dead)
		return;
	r = expect(c, kind, arg);
	r->reply = reply;
	r->sent_us = clock_now_us();
	p = new_request(listener != NULL && listener->is_unix ?
	    names[kind].unix_name : names[kind].name);
	if (listener != NULL) {
		r->listener = *listener;
		r->listener.bind = str_dup(listener->bind);
		packet_cstring(p, listener->bind);
		if (!listener->is_unix)
			packet_u32(p, listener->port);
	}
	connection_queue(c, p);
}

void
connection_prove(struct connection *c, const void *keys, size_t n,
    request_proof *proof, void *arg)
{
	struct packet *p;

	if (c->dead)
		return;
	expect(c, REQUEST_PROVE, arg)->proof = proof;
	p = new_request(names[REQUEST_PROVE].name);
	packet_bytes(p, keys, n);
	connection_queue(c, p);
}

void
connection_ping(struct connection *c, request_reply *reply, void *arg)
{
	send_request(c, REQUEST_PING, NULL, reply, arg);
}

static void
on_measured(void *arg, bool ok, uint32_t port)
{
	struct connection *c = arg;

	(void)ok;
	(void)port;
	c->measuring = false;
}

void
request_measure(struct connection *c)
{
	if (c->measuring || !window_needs_rtt(&c->windows, clock_now_us()))
		return;
	c->measuring = true;
	connection_ping(c, on_measured, c);
}

void
connection_listen(struct connection *c, const char *bind, uint16_t port,
    void *listener_arg, request_reply *reply, void *arg)
{
	struct listener l = { .bind = (char *)bind, .port = port,
	    .arg = listener_arg };

	send_request(c, REQUEST_LISTEN, &l, reply, arg);
}

void
connection_cancel(struct connection *c, const char *bind, uint16_t port,
    request_reply *reply, void *arg)
{
	struct listener l = { .bind = (char *)bind, .port = port };

	send_request(c, REQUEST_CANCEL, &l, reply, arg);
}

void
connection_listen_unix(struct connection *c, const char *path,
    void *listener_arg, request_reply *reply, void *arg)
{
	struct listener l = { .bind = (char *)path, .is_unix = true,
	    .arg = listener_arg };

	send_request(c, REQUEST_LISTEN, &l, reply, arg);
}

void
connection_cancel_unix(struct connection *c, const char *path,
    request_reply *reply, void *arg)
{
	struct listener l = { .bind = (char *)path, .is_unix = true };

	send_request(c, REQUEST_CANCEL, &l, reply, arg);
}

struct listener *
request_find_unix(struct connection *c, const uint8_t *path, size_t len)
{
	struct listener *l;

	SLIST_FOREACH(l, &c->listeners, next)
		if (l->is_unix && strlen(l->bind) == len &&
		    memcmp(l->bind, path, len) == 0)
			return l;
	return NULL;
}

struct listener *
request_find_listener(struct connection *c, const char *bind, uint32_t port)
{
	struct listener *l, *only = NULL;
	int same_port = 0;

	SLIST_FOREACH(l, &c->listeners, next) {
		if (l->is_unix || l->port != port)
			continue;
		if (strcmp(l->bind, bind) == 0)
			return l;
		only = l;
		same_port++;
	}
	/* Some servers name the address they bound, not the one we asked. */
	return same_port == 1 ? only : NULL;
}

bool
connection_listens(struct connection *c, const char *bind, uint16_t port)
{
	struct listener *l;

	SLIST_FOREACH(l, &c->listeners, next)
		if (!l->is_unix && l->port == port &&
		    strcmp(l->bind, bind) == 0)
			return true;
	return false;
}

static void
free_request(struct request *r)
{
	free(r->listener.bind);
	free(r);
}

static void
add_listener(struct connection *c, struct request *r)
{
	struct listener *l = mem_alloc(sizeof(*l));

	*l = r->listener;
	r->listener.bind = NULL;
	SLIST_INSERT_HEAD(&c->listeners, l, next);
}

/*
 * Whatever the server answers: who asked for the cancel may be gone after it.
 * A server may have said yes to the same address twice.
 */
static void
remove_listeners(struct connection *c, const struct request *r)
{
	struct listener *l, *after;

	for (l = SLIST_FIRST(&c->listeners); l != NULL; l = after) {
		after = SLIST_NEXT(l, next);
		if (l->is_unix != r->listener.is_unix ||
		    l->port != r->listener.port ||
		    strcmp(l->bind, r->listener.bind) != 0)
			continue;
		SLIST_REMOVE(&c->listeners, l, listener, next);
		free(l->bind);
		free(l);
	}
}

void
request_on_answer(struct connection *c, struct reader *reader, bool ok)
{
	struct request *r = STAILQ_FIRST(&c->requests);
	uint32_t port = 0;

	/* An answer that nothing asked for disturbs no order. */
	if (r == NULL)
		return;
	STAILQ_REMOVE_HEAD(&c->requests, next);
	if (r->kind == REQUEST_PING) {
		int64_t now_us = clock_now_us();

		window_note_rtt(&c->windows, now_us - r->sent_us, now_us);
	}
	if (r->kind == REQUEST_PROVE) {
		r->proof(r->arg, ok, reader->p, ok ? reader->left : 0);
		free_request(r);
		return;
	}
	if (ok && r->kind == REQUEST_LISTEN && !r->listener.is_unix &&
	    r->listener.port == 0) {
		port = reader_u32(reader);
		if (reader->broken || port == 0 || port > 65535) {
			free_request(r);
			connection_break(c,
			    "the server allocated a port that is none");
			return;
		}
		r->listener.port = (uint16_t)port;
	}
	port = r->listener.port;
	if (ok && r->kind == REQUEST_LISTEN)
		add_listener(c, r);
	if (r->kind == REQUEST_CANCEL)
		remove_listeners(c, r);
	r->reply(r->arg, ok, port);
	free_request(r);
}

void
request_on_global(struct connection *c, struct reader *r)
{
	static const char host_keys[] = "hostkeys-00@openssh.com";
	size_t len;
	const uint8_t *name = reader_string(r, &len);

	/*
	 * hostkeys-00@openssh.com asks for no answer, and sshd's
	 * keepalive@openssh.com is content with a failure.
	 */
	if (reader_bool(r))
		connection_queue(c, packet_new(MSG_REQUEST_FAILURE));
	if (r->broken)
		connection_break(c, "a malformed global request");
	else if (c->ops->on_host_keys != NULL &&
	    len == sizeof(host_keys) - 1 && memcmp(name, host_keys, len) == 0)
		c->ops->on_host_keys(c, c->arg, r->p, r->left);
}

void
request_free_all(struct connection *c)
{
	struct request *r;
	struct listener *l;

	while ((r = STAILQ_FIRST(&c->requests)) != NULL) {
		STAILQ_REMOVE_HEAD(&c->requests, next);
		free_request(r);
	}
	while ((l = SLIST_FIRST(&c->listeners)) != NULL) {
		SLIST_REMOVE_HEAD(&c->listeners, next);
		free(l->bind);
		free(l);
	}
}
