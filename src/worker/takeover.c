/* SPDX-License-Identifier: ISC */
#include "worker/takeover.h"

#include <event2/event.h>
#include <jansson.h>
#include <stdlib.h>

#include "base/str.h"
#include "ssh/connection.h"
#include "worker/report.h"

#define OUTPUT_MAX	200	/* bytes of it that are told */

struct takeover {
	struct loop_item item;
	struct loop *loop;
	char *id;
	char *command;
	struct channel *channel;
	struct event *timer;
	struct str output;
};

/* status is the command's, or -1. */
static void
end(struct takeover *t, int64_t status, const char *text)
{
	struct loop *l = t->loop;

	str_make_printable(t->output.p != NULL ? t->output.p : (char[]){ "" });
	report_fact(l->report, FACT_TAKEOVER, json_pack(
	    "{s:s, s:I, s:s, s:s}", "id", t->id, "status",
	    (json_int_t)status, "text", text,
	    "output", t->output.p != NULL ? t->output.p : ""));
	if (t->channel != NULL)
		channel_free(t->channel);
	event_free(t->timer);
	str_fini(&t->output);
	free(t->command);
	free(t->id);
	loop_bury(l, t);
	loop_release(l, &t->item);
}

static void
on_open(struct channel *c, void *arg)
{
	struct takeover *t = arg;

	channel_exec(c, t->command);
	channel_send_eof(c);	/* it has no input */
}

static void
on_open_failed(struct channel *c, void *arg, unsigned reason,
    const char *text)
{
	struct takeover *t = arg;

	(void)c;
	(void)reason;
	t->channel = NULL;
	end(t, -1, *text != '\0' ? text : "the server opens no session");
}

static size_t
on_data(struct channel *c, void *arg, const uint8_t *data, size_t n)
{
	struct takeover *t = arg;
	size_t room = OUTPUT_MAX - t->output.len;

	(void)c;
	str_append_n(&t->output, data, n < room ? n : room);
	return n;
}

static void
on_eof(struct channel *c, void *arg)
{
	(void)c;
	(void)arg;
}

static void
on_close(struct channel *c, void *arg)
{
	int64_t status = channel_exit_status(c);

	end(arg, status, status == -1 ? "it has no exit status" : "it ended");
}

static const struct channel_ops channel_ops = {
	.on_open = on_open,
	.on_open_failed = on_open_failed,
	.on_data = on_data,
	.on_eof = on_eof,
	.on_close = on_close,
};

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	end(arg, -1, "it did not end in time");
}

static void
end_item(void *arg)
{
	end(arg, -1, "the connection ends");
}

void
takeover_start(struct loop *l, const struct message *m)
{
	struct takeover *t = mem_alloc(sizeof(*t));

	t->loop = l;
	t->id = str_dup(message_string(m, "id"));
	t->command = str_dup(message_string(m, "command"));
	str_init(&t->output);
	if ((t->timer = evtimer_new(l->base, on_timer, t)) == NULL)
		abort();
	loop_timer_set(t->timer, TAKEOVER_MS);
	loop_hold(l, &t->item, end_item, t);
	t->channel = channel_open_session(l->connection, &channel_ops, t);
	if (t->channel == NULL)
		end(t, -1, "there are too many channels");
}
