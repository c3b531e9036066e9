/* SPDX-License-Identifier: ISC */
#include "worker/forward_local.h"

#include <stdlib.h>

#include "base/fdio.h"
#include "base/str.h"
#include "ssh/connection.h"
#include "worker/listener.h"
#include "worker/relay.h"
#include "worker/socks_local.h"
#include "worker/tunnel.h"

struct forward_local {
	struct tunnel *tunnel;
	struct listener *listener;
	struct socks_door *door;	/* dynamic forwards only */
};

/* The relays' arg is their tunnel: they may outlive the forward. */

static void
on_open(struct relay *r, void *arg)
{
	(void)r;
	tunnel_reached(arg);
}

static void
on_open_failed(struct relay *r, void *arg, unsigned reason, const char *text)
{
	struct tunnel *t = arg;
	char *detail;

	(void)r;
	if (reason == OPEN_PROHIBITED) {
		detail = str_dupf("the server does not permit connections to "
		    "%s (AllowTcpForwarding or PermitOpen in its sshd_config, "
		    "permitopen in authorized_keys)", tunnel_target(t));
		tunnel_missed(t, FORWARD_DENIED, detail);
	} else if (reason == OPEN_CONNECT_FAILED) {
		detail = str_dupf("the server cannot connect to %s: %s",
		    tunnel_target(t), text);
		tunnel_missed(t, FORWARD_TARGET_DOWN, detail);
	} else {
		/* A shortage passes, and says nothing of the target. */
		detail = NULL;
		tunnel_count_failed(t);
	}
	free(detail);
}

static void
on_end(struct relay *r, void *arg)
{
	(void)r;
	(void)arg;
}

static const struct relay_ops relay_ops = {
	.on_open = on_open,
	.on_open_failed = on_open_failed,
	.on_end = on_end,
};

static void
on_client(void *arg, int fd, const struct listener_peer *peer)
{
	struct forward_local *f = arg;
	struct relay *r;

	if (f->door != NULL) {
		socks_door_enter(f->door, fd, peer);
		return;
	}
	r = relay_new(f->tunnel, RELAY_CLIENT_SOCKET, &relay_ops, f->tunnel);
	if (relay_open(r, &tunnel_forward(f->tunnel)->target, peer->host,
	    peer->port)) {
		relay_attach(r, fd);
		return;
	}
	fd_close(&fd);
	tunnel_count_failed(f->tunnel);
	relay_end(r);
}

struct forward_local *
forward_local_new(struct loop *l, const struct forward *forward,
    const int *fds, size_t count)
{
	struct forward_local *f = mem_alloc(sizeof(*f));

	f->tunnel = tunnel_new(l, forward);
	if (forward->kind == FORWARD_DYNAMIC)
		f->door = socks_door_new(f->tunnel);
	f->listener = listener_new(l, fds, count, on_client, f);
	tunnel_state(f->tunnel, FORWARD_UP, 0, NULL);
	return f;
}

void
forward_local_cancel(struct forward_local *f)
{
	/* Closed before it is said to be: who hears it may bind the port. */
	listener_free(f->listener);
	f->listener = NULL;
	tunnel_state(f->tunnel, FORWARD_DOWN, 0, NULL);
	forward_local_free(f);
}

void
forward_local_free(struct forward_local *f)
{
	listener_free(f->listener);
	tunnel_mute(f->tunnel);
	socks_door_free(f->door);
	tunnel_unref(f->tunnel);
	free(f);
}

void
forward_local_pause(struct forward_local *f)
{
	listener_pause(f->listener);
}

void
forward_local_resume(struct forward_local *f)
{
	listener_resume(f->listener);
}
