/* SPDX-License-Identifier: ISC */
#include "worker/onward.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/fdio.h"
#include "base/str.h"
#include "ssh/connection.h"
#include "worker/relay.h"
#include "worker/report.h"
#include "worker/tunnel.h"

struct onward {
	struct loop *loop;
	struct tunnel *tunnel;		/* has the target; counts nothing */
	struct relay *relay;		/* NULL: it is over */
	int fd;				/* until the channel is open */
	onward_over *over;		/* NULL: nobody wants to know */
	void *arg;
	enum end_class class;
	char *text;
};

static void
explain(struct onward *o, enum end_class class, char *text)
{
	free(o->text);
	o->class = class;
	o->text = text;
}

static void
on_open(struct relay *r, void *arg)
{
	struct onward *o = arg;
	int fd = o->fd;

	o->fd = -1;
	report_fact(o->loop->report, FACT_LINK, json_object());
	relay_attach(r, fd);
}

static void
on_open_failed(struct relay *r, void *arg, unsigned reason, const char *text)
{
	struct onward *o = arg;
	const char *target = tunnel_target(o->tunnel);

	(void)r;
	if (reason == OPEN_PROHIBITED)
		explain(o, END_UNREACHABLE, str_dupf("the server does not "
		    "permit connections to %s (AllowTcpForwarding or "
		    "PermitOpen in its sshd_config, permitopen in "
		    "authorized_keys)", target));
	else
		explain(o, strstr(text, "refused") != NULL ? END_REFUSED :
		    END_UNREACHABLE, str_dupf("the server cannot connect to "
		    "%s: %s", target, text));
}

static void
on_end(struct relay *r, void *arg)
{
	struct onward *o = arg;

	(void)r;
	o->relay = NULL;
	if (o->over != NULL)
		o->over(o->arg, o->class, o->text);
}

static const struct relay_ops relay_ops = {
	.on_open = on_open,
	.on_open_failed = on_open_failed,
	.on_end = on_end,
};

struct onward *
onward_new(struct loop *l, struct message *m, onward_over *over, void *arg)
{
	struct onward *o = mem_alloc(sizeof(*o));
	struct forward way = { .id = (char *)"onward", .kind = FORWARD_LOCAL,
	    .target = { .kind = ENDPOINT_TCP,
	        .host = (char *)message_string(m, "host"),
	        .port = (uint16_t)message_int(m, "port", 0) } };

	o->loop = l;
	o->over = over;
	o->arg = arg;
	o->fd = m->fds[0];
	m->fds[0] = -1;
	fd_set_nonblock(o->fd, 1);
	o->tunnel = tunnel_new(l, &way);
	tunnel_mute(o->tunnel);
	explain(o, END_STOPPED, str_dupf("the link to %s was closed",
	    tunnel_target(o->tunnel)));
	o->relay = relay_new(o->tunnel, RELAY_CLIENT_SOCKET, &relay_ops, o);
	/* The first channel of a new connection: there is room for it. */
	if (!relay_open(o->relay, &way.target, "127.0.0.1", 0))
		relay_end(o->relay);
	return o;
}

void
onward_free(struct onward *o)
{
	if (o == NULL)
		return;
	o->over = NULL;
	if (o->relay != NULL)
		relay_end(o->relay);
	fd_close(&o->fd);
	tunnel_unref(o->tunnel);
	free(o->text);
	free(o);
}
