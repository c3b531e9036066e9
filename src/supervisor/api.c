/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "supervisor/api.h"

#include <errno.h>
#include <event2/event.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/episode.h"
#include "base/fdio.h"
#include "base/log.h"
#include "base/str.h"

/* Out of descriptors, accepting pauses: the client waits in the backlog. */
#define ACCEPT_PAUSE_S	1

struct api {
	struct event_base *base;
	const struct routes_env *env;
	int sock;
	struct MHD_Daemon *daemon;
	struct event *acceptable;
	struct event *resume;		/* accepting pauses */
	struct episode shortage;
	struct event *ready;		/* libmicrohttpd's epoll descriptor */
	struct event *timer;		/* and its time */
	LIST_HEAD(, request) requests;
	bool stopping;			/* nobody may wait any more */
	bool has_group;
	gid_t group;			/* whose members may speak */
};

struct request {
	struct routes_call call;	/* first: later() casts back */
	struct api *api;
	struct MHD_Connection *connection;
	size_t body_len;
	struct str text;		/* the body, up to API_BODY_KEPT */
	bool suspended;			/* waits for later() */
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

/* Is the group among those that the peer has besides its first one? */
static bool
has_group(int fd, gid_t group)
{
	socklen_t len = 64 * sizeof(gid_t);
	gid_t *groups = mem_alloc(len);
	int rc = getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len);
	bool found = false;

	if (rc == -1 && errno == ERANGE) {	/* len is what it takes */
		groups = mem_grow(groups, 1, len);
		rc = getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len);
	}
	for (size_t i = 0; rc == 0 && i < len / sizeof(gid_t); i++)
		found = found || groups[i] == group;
	free(groups);
	return found;
}

static bool
is_allowed(const struct api *a, int fd)
{
	struct ucred who;
	socklen_t len = sizeof(who);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == -1)
		return false;
	if (who.uid == geteuid() || who.uid == 0)
		return true;
	if (a->has_group && (who.gid == a->group || has_group(fd, a->group)))
		return true;
	log_warn("a stranger was turned away from the API uid=%ld pid=%ld",
	    (long)who.uid, (long)who.pid);
	return false;
}

static void
pause_accepting(struct api *a)
{
	struct timeval tv = { ACCEPT_PAUSE_S, 0 };

	if (episode_begins(&a->shortage))
		log_warn("the API cannot accept for now why=\"%s\"",
		    strerror(errno));
	event_del(a->acceptable);
	evtimer_add(a->resume, &tv);
}

static void
on_acceptable(evutil_socket_t sock, short what, void *arg)
{
	struct api *a = arg;
	struct sockaddr_un peer;
	socklen_t len = sizeof(peer);
	int fd;

	(void)what;
	fd = accept4(sock, (struct sockaddr *)&peer, &len,
	    SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd == -1) {
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
		    errno == ENOBUFS)
			pause_accepting(a);
		return;
	}
	if (episode_ends(&a->shortage))
		log_info("the API accepts again");
	if (!is_allowed(a, fd)) {
		fd_close(&fd);
		return;
	}
	/* Takes fd, also on failure (too many connections). */
	if (MHD_add_connection(a->daemon, fd, (struct sockaddr *)&peer,
	    len) == MHD_YES)
		run(a);
}

static void
on_resume(evutil_socket_t fd, short what, void *arg)
{
	struct api *a = arg;

	(void)fd;
	(void)what;
	event_add(a->acceptable, NULL);
}

/* Takes body. */
static enum MHD_Result
send_reply(struct MHD_Connection *c, int status, json_t *body,
    const char *allow)
{
	char *text = json_dumps(body, JSON_COMPACT | JSON_REAL_PRECISION(9));
	struct MHD_Response *r;
	enum MHD_Result rc;

	json_decref(body);
	if (text == NULL)
		return MHD_NO;
	r = MHD_create_response_from_buffer(strlen(text), text,
	    MHD_RESPMEM_MUST_FREE);
	if (r == NULL) {
		free(text);
		return MHD_NO;
	}
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE,
	    "application/json");
	MHD_add_response_header(r, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	if (allow != NULL)
		MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, allow);
	rc = MHD_queue_response(c, (unsigned)status, r);
	MHD_destroy_response(r);
	return rc;
}

static void
on_later(struct routes_call *call, int status, json_t *body)
{
	struct request *q = (struct request *)call;

	q->status = status;
	q->body = body;
	q->suspended = false;
	MHD_resume_connection(q->connection);
	event_active(q->api->timer, EV_TIMEOUT, 0);
}

static const char *
find_argument(struct routes_call *call, const char *name)
{
	struct request *q = (struct request *)call;

	return MHD_lookup_connection_value(q->connection,
	    MHD_GET_ARGUMENT_KIND, name);
}

static struct request *
request_new(struct api *a, struct MHD_Connection *c, const char *method)
{
	struct request *q = mem_alloc(sizeof(*q));

	q->api = a;
	q->connection = c;
	q->call.env = a->env;
	q->call.method = method;
	q->call.argument = find_argument;
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

static enum MHD_Result
answer(struct request *q, const char *path)
{
	struct routes_reply r;

	if (q->status != 0) {
		json_t *body = q->body;

		q->body = NULL;
		return send_reply(q->connection, q->status, body, NULL);
	}
	if (q->api->stopping)
		return send_reply(q->connection, 503,
		    routes_error("hawserd is stopping"), NULL);
	q->call.path = path;
	q->call.body = q->text.p != NULL ? q->text.p : "";
	r = routes_answer(&q->call);
	q->call.path = NULL;
	q->call.body = NULL;
	if (r.status != 0)
		return send_reply(q->connection, r.status, r.body, r.allow);
	q->suspended = true;
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
			return send_reply(c, 413,
			    routes_error("the body is too long"), NULL);
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
	(void)c;
	(void)why;
	if (q == NULL)
		return;
	*state = NULL;
	LIST_REMOVE(q, entry);
	routes_call_fini(&q->call);
	json_decref(q->body);
	str_fini(&q->text);
	free(q);
}

static struct MHD_Daemon *
start_daemon(struct api *a)
{
	return MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET |
	    MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, a,
	    MHD_OPTION_CONNECTION_LIMIT, (unsigned)API_CONNECTIONS_MAX,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)API_MEMORY,
	    MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)API_TIMEOUT_S,
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
	a->acceptable = event_new(a->base, a->sock, EV_READ | EV_PERSIST,
	    on_acceptable, a);
	a->timer = evtimer_new(a->base, on_ready, a);
	a->resume = evtimer_new(a->base, on_resume, a);
	if (a->ready == NULL || a->acceptable == NULL || a->timer == NULL ||
	    a->resume == NULL)
		return -1;
	if (event_add(a->ready, NULL) == -1)
		return -1;
	return event_add(a->acceptable, NULL);
}

struct api *
api_new(struct event_base *base, int sock, const struct routes_env *env,
    struct err *err)
{
	struct api *a = mem_alloc(sizeof(*a));

	a->base = base;
	a->env = env;
	a->sock = sock;
	LIST_INIT(&a->requests);
	if ((a->daemon = start_daemon(a)) == NULL || make_events(a) == -1) {
		err_set(err, ERR_NOMEM, "the API could not be started");
		api_free(a);
		return NULL;
	}
	return a;
}

void
api_set_group(struct api *a, const gid_t *group)
{
	a->has_group = group != NULL;
	a->group = group != NULL ? *group : 0;
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
	LIST_FOREACH(q, &a->requests, entry)
		if (q->suspended) {
			q->suspended = false;
			MHD_resume_connection(q->connection);
		}
	if (a->daemon != NULL) {
		MHD_run(a->daemon);
		MHD_stop_daemon(a->daemon);
	}
	free_event(a->ready);
	free_event(a->acceptable);
	free_event(a->timer);
	free_event(a->resume);
	fd_close(&a->sock);
	free(a);
}
