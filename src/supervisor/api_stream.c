/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "supervisor/api_stream.h"

#include <event2/event.h>
#include <poll.h>
#include <stdlib.h>

#include "base/str.h"

/* What libmicrohttpd asks for at a time: it fits into a connection's memory. */
#define BLOCK	4096

struct api_stream {
	struct MHD_Connection *connection;
	struct event_stream *events;
	struct event *gone;		/* the reader hung up */
	void (*on_more)(void *arg, bool last);
	void *arg;
	bool suspended;			/* there is nothing to send */
	bool over;
};

static void
resume(struct api_stream *s)
{
	if (!s->suspended)
		return;
	s->suspended = false;
	MHD_resume_connection(s->connection);
	s->on_more(s->arg, false);
}

/* libmicrohttpd's MHD_ContentReaderCallback. */
static ssize_t
read_more(void *arg, uint64_t at, char *out, size_t size)
{
	struct api_stream *s = arg;
	ssize_t n = s->over ? -1 : event_stream_read(s->events, out, size);

	(void)at;
	if (n < 0)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (n == 0) {
		s->suspended = true;
		MHD_suspend_connection(s->connection);
	}
	return n;
}

static void
on_event(void *arg)
{
	struct api_stream *s = arg;

	if (event_stream_is_cut(s->events))
		s->on_more(s->arg, true);
	resume(s);
}

/* libmicrohttpd does not watch what is suspended. */
static void
on_gone(evutil_socket_t fd, short what, void *arg)
{
	struct pollfd p = { .fd = fd, .events = POLLRDHUP };

	(void)what;
	if (poll(&p, 1, 0) == 1)
		api_stream_end(arg);
}

static int
watch(struct api_stream *s, struct event_base *base)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
	    s->connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	if (info == NULL)
		return -1;
	/*
	 * Edge-triggered: what a reader sends besides isn't our business. Of
	 * one that hangs up before it has read all, libevent has EV_READ alone.
	 */
	s->gone = event_new(base, info->connect_fd, EV_READ | EV_CLOSED |
	    EV_ET | EV_PERSIST, on_gone, s);
	return s->gone != NULL ? event_add(s->gone, NULL) : -1;
}

static enum MHD_Result
answer(struct api_stream *s)
{
	struct MHD_Response *r = MHD_create_response_from_callback(
	    MHD_SIZE_UNKNOWN, BLOCK, read_more, s, NULL);
	enum MHD_Result rc;

	if (r == NULL)
		return MHD_NO;
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE,
	    "application/x-ndjson");
	MHD_add_response_header(r, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONNECTION, "close");
	rc = MHD_queue_response(s->connection, MHD_HTTP_OK, r);
	MHD_destroy_response(r);
	if (rc == MHD_YES)
		MHD_set_connection_option(s->connection,
		    MHD_CONNECTION_OPTION_TIMEOUT, 0u);
	return rc;
}

struct api_stream *
api_stream_start(struct event_base *base, struct MHD_Connection *c,
    struct event_stream *events, void (*on_more)(void *arg, bool last),
    void *arg)
{
	struct api_stream *s = mem_alloc(sizeof(*s));

	s->connection = c;
	s->events = events;
	s->on_more = on_more;
	s->arg = arg;
	if (watch(s, base) == -1 || answer(s) != MHD_YES) {
		api_stream_free(s);
		return NULL;
	}
	event_stream_listen(events, on_event, s);
	return s;
}

void
api_stream_end(struct api_stream *s)
{
	s->over = true;
	resume(s);
}

void
api_stream_free(struct api_stream *s)
{
	if (s == NULL)
		return;
	if (s->gone != NULL)
		event_free(s->gone);
	event_stream_close(s->events);
	free(s);
}
