/* SPDX-License-Identifier: ISC */
#include "supervisor/api.h"

#include <event2/event.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/fdio.h"
#include "base/str.h"
#include "supervisor/api_stream.h"
#include "supervisor/door.h"
#include "supervisor/guests.h"

/* libmicrohttpd's own limits, which only catch what ours have missed. */
#define SPARE_CONNECTIONS	16
#define SILENCE_S		(2 * GUESTS_REQUEST_S)

struct api {
	struct event_base *base;
	const struct routes_env *env;
	struct door *door;
	struct MHD_Daemon *daemon;
	struct event *ready;		/* libmicrohttpd's epoll descriptor */
	struct event *timer;		/* and its time */
	struct guests *guests;
	LIST_HEAD(, request) requests;
	bool stopping;			/* nobody may wait any more */
};

struct request {
	struct routes_call call;	/* first: later() casts back */
	struct api *api;
	struct MHD_Connection *connection;
	size_t body_len;
	struct str text;		/* the body, up to API_BODY_KEPT */
	bool suspended;			/* waits for later() */
	struct api_stream *stream;	/* the answer, if it is one */
	int status;			/* brought by later(), or 0 */
	json_t *body;
	LIST_ENTRY(request) entry;
};

/* Lets libmicrohttpd do what it can, and asks when it wants to come again. */
static void
run(struct api *a)
{
	MHD_UNSIGNED_LONG_LONG ms;
	struct timeval tv;

	MHD_run(a->daemon);
	if (MHD_get_timeout(a->daemon, &ms) != MHD_YES) {
		event_del(a->timer);
		return;
	}
	tv.tv_sec = (time_t)(ms / 1000);
	tv.tv_usec = (suseconds_t)(ms % 1000 * 1000);
	evtimer_add(a->timer, &tv);
}

static void
on_ready(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	run(arg);
}

/* One was hung up on: libmicrohttpd finds the end of the stream. */
static void
on_cut(void *arg)
{
	run(arg);
}

static void
on_connection(void *arg, struct MHD_Connection *c, void **context,
    enum MHD_ConnectionNotificationCode what)
{
	struct api *a = arg;

	if (what == MHD_CONNECTION_NOTIFY_STARTED)
		*context = guest_new(a->guests, MHD_get_connection_info(c,
		    MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd);
	else if (*context != NULL)
		guest_free(*context);
}

static struct guest *
guest_of(struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(c,
	    MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info->socket_context;
}

/* Takes fd. */
static void
on_enter(void *arg, int fd)
{
	struct sockaddr_un peer = { .sun_family = AF_UNIX };
	struct api *a = arg;

	if (!guests_make_room(a->guests)) {
		fd_close(&fd);
		return;
	}
	/* Takes fd, also on failure. */
	if (MHD_add_connection(a->daemon, fd, (struct sockaddr *)&peer,
	    sizeof(peer)) == MHD_YES)
		run(a);
}

/* Takes what the reply holds. */
static enum MHD_Result
send_reply(struct MHD_Connection *c, struct routes_reply reply)
{
	char *text = reply.body == NULL ? reply.text :
	    json_dumps(reply.body, JSON_COMPACT | JSON_REAL_PRECISION(9));
	struct MHD_Response *r;
	enum MHD_Result rc;

	json_decref(reply.body);
	if (text == NULL)
		return MHD_NO;
	if (!guest_can_afford(guest_of(c), strlen(text))) {
		free(text);
		return send_reply(c, (struct routes_reply){ .status = 503,
		    .body = routes_error("too many answers wait to be read: "
		    "read them, or try again in 5 s") });
	}
	guest_set_unread(guest_of(c), strlen(text));
	r = MHD_create_response_from_buffer(strlen(text), text,
	    MHD_RESPMEM_MUST_FREE);
	if (r == NULL) {
		free(text);
		return MHD_NO;
	}
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE,
	    reply.type != NULL ? reply.type : "application/json");
	MHD_add_response_header(r, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	if (reply.allow != NULL)
		MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, reply.allow);
	rc = MHD_queue_response(c, (unsigned)reply.status, r);
	MHD_destroy_response(r);
	return rc;
}

static enum MHD_Result
send_error(struct MHD_Connection *c, int status, const char *text)
{
	return send_reply(c, (struct routes_reply){ .status = status,
	    .body = routes_error(text) });
}

/* The loop lets libmicrohttpd do what it has to do now. */
static void
kick(void *arg)
{
	struct api *a = arg;

	event_active(a->timer, EV_TIMEOUT, 0);
}

static void
on_later(struct routes_call *call, int status, json_t *body)
{
	struct request *q = (struct request *)call;

	q->status = status;
	q->body = body;
	q->suspended = false;
	guest_start_clock(guest_of(q->connection));
	MHD_resume_connection(q->connection);
	kick(q->api);
}

static const char *
find_argument(struct routes_call *call, const char *name)
{
	struct request *q = (struct request *)call;

	return MHD_lookup_connection_value(q->connection,
	    MHD_GET_ARGUMENT_KIND, name);
}

struct argument_search {
	const char *name;
	void (*each)(void *arg, const char *value);
	void *arg;
};

static enum MHD_Result
on_argument(void *arg, enum MHD_ValueKind kind, const char *name,
    const char *value)
{
	const struct argument_search *s = arg;

	(void)kind;
	if (str_equal(name, s->name))
		s->each(s->arg, value != NULL ? value : "");
	return MHD_YES;
}

static void
find_arguments(struct routes_call *call, const char *name,
    void (*each)(void *arg, const char *value), void *arg)
{
	struct request *q = (struct request *)call;
	struct argument_search s = { name, each, arg };

	MHD_get_connection_values(q->connection, MHD_GET_ARGUMENT_KIND,
	    on_argument, &s);
}

static struct request *
request_new(struct api *a, struct MHD_Connection *c, const char *method)
{
	struct request *q = mem_alloc(sizeof(*q));

	q->api = a;
	q->connection = c;
	q->call.env = a->env;
	q->call.method = method;
	q->call.rights = ROUTES_READ | ROUTES_WRITE;
	q->call.argument = find_argument;
	q->call.arguments = find_arguments;
	q->call.later = on_later;
	LIST_INSERT_HEAD(&a->requests, q, entry);
	return q;
}

static bool
says_too_long(struct MHD_Connection *c)
{
	const char *len = MHD_lookup_connection_value(c, MHD_HEADER_KIND,
	    MHD_HTTP_HEADER_CONTENT_LENGTH);

	return len != NULL && strtoull(len, NULL, 10) > API_BODY_MAX;
}

/* last: what is left to be read is to be read in time. */
static void
on_stream(void *arg, bool last)
{
	struct request *q = arg;

	if (last)
		guest_start_clock(guest_of(q->connection));
	kick(q->api);
}

static enum MHD_Result
start_stream(struct request *q, struct event_stream *events)
{
	q->stream = api_stream_start(q->api->base, q->connection, events,
	    on_stream, q);
	if (q->stream == NULL)
		return MHD_NO;
	guest_stop_clock(guest_of(q->connection));
	return MHD_YES;
}

static enum MHD_Result
answer(struct request *q, const char *path)
{
	struct routes_reply r;

	if (q->status != 0) {
		r = (struct routes_reply){ .status = q->status,
		    .body = q->body };
		q->body = NULL;
		return send_reply(q->connection, r);
	}
	if (q->api->stopping)
		return send_error(q->connection, 503, "hawserd is stopping");
	q->call.path = path;
	q->call.body = q->text.p != NULL ? q->text.p : "";
	r = routes_answer(&q->call);
	q->call.path = NULL;
	q->call.body = NULL;
	if (r.stream != NULL)
		return start_stream(q, r.stream);
	if (r.status != 0)
		return send_reply(q->connection, r);
	q->suspended = true;
	guest_stop_clock(guest_of(q->connection));
	MHD_suspend_connection(q->connection);
	return MHD_YES;
}

static enum MHD_Result
on_request(void *arg, struct MHD_Connection *c, const char *url,
    const char *method, const char *version, const char *data, size_t *len,
    void **state)
{
	struct request *q = *state;

	(void)version;
	if (q == NULL) {
		*state = request_new(arg, c, method);
		if (says_too_long(c))
			return send_error(c, 413, "the body is too long");
		return MHD_YES;
	}
	if (*len > 0) {
		q->body_len += *len;
		if (q->body_len <= API_BODY_KEPT)
			str_append_n(&q->text, data, *len);
		*len = 0;
		return q->body_len > API_BODY_MAX ? MHD_NO : MHD_YES;
	}
	return answer(q, url);
}

static void
on_completed(void *arg, struct MHD_Connection *c, void **state,
    enum MHD_RequestTerminationCode why)
{
	struct request *q = *state;

	(void)arg;
	if (q == NULL)
		return;
	*state = NULL;
	guest_set_unread(guest_of(c), 0);
	if (why == MHD_REQUEST_TERMINATED_COMPLETED_OK)
		guest_start_clock(guest_of(c));
	LIST_REMOVE(q, entry);
	routes_call_fini(&q->call);
	api_stream_free(q->stream);
	json_decref(q->body);
	str_fini(&q->text);
	free(q);
}

static struct MHD_Daemon *
start_daemon(struct api *a)
{
	return MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET |
	    MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, a,
	    MHD_OPTION_CONNECTION_LIMIT,
	    (unsigned)(GUESTS_MAX + SPARE_CONNECTIONS),
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)API_MEMORY,
	    MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)SILENCE_S,
	    MHD_OPTION_NOTIFY_CONNECTION, on_connection, a,
	    MHD_OPTION_NOTIFY_COMPLETED, on_completed, a,
	    MHD_OPTION_END);
}

static int
make_events(struct api *a)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(a->daemon,
	    MHD_DAEMON_INFO_EPOLL_FD);

	if (info == NULL)
		return -1;
	a->ready = event_new(a->base, info->epoll_fd, EV_READ | EV_PERSIST,
	    on_ready, a);
	a->timer = evtimer_new(a->base, on_ready, a);
	if (a->ready == NULL || a->timer == NULL)
		return -1;
	return event_add(a->ready, NULL);
}

struct api *
api_new(struct event_base *base, int sock, const struct routes_env *env,
    struct err *err)
{
	struct api *a = mem_alloc(sizeof(*a));

	a->base = base;
	a->env = env;
	LIST_INIT(&a->requests);
	a->guests = guests_new(base, on_cut, a);
	a->door = door_new(base, sock, on_enter, a);
	if (a->door == NULL ||
	    (a->daemon = start_daemon(a)) == NULL ||
	    make_events(a) == -1) {
		err_set(err, ERR_NOMEM, "the API could not be started");
		api_free(a);
		return NULL;
	}
	return a;
}

void
api_set_group(struct api *a, const gid_t *group)
{
	door_set_group(a->door, group);
}

static void
free_event(struct event *e)
{
	if (e != NULL)
		event_free(e);
}

void
api_free(struct api *a)
{
	struct request *q;

	if (a == NULL)
		return;
	/* libmicrohttpd must not be stopped with suspended connections. */
	a->stopping = true;
	LIST_FOREACH(q, &a->requests, entry) {
		if (q->suspended) {
			q->suspended = false;
			MHD_resume_connection(q->connection);
		}
		if (q->stream != NULL)
			api_stream_end(q->stream);
	}
	if (a->daemon != NULL) {
		MHD_run(a->daemon);
		MHD_stop_daemon(a->daemon);
	}
	free_event(a->ready);
	free_event(a->timer);
	door_free(a->door);
	guests_free(a->guests);
	free(a);
}
