/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "supervisor/resolver.h"

#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "base/endpoint.h"
#include "base/fdio.h"
#include "base/log.h"
#include "base/str.h"
#include "supervisor/child.h"
#include "supervisor/worker_link.h"

/* Questions without an answer yet; more are refused. */
#define PENDING_MAX	4096

struct question {
	struct resolver *resolver;
	long long id;		/* on the wire */
	long long req;		/* the asker's */
	resolver_answer *answer;
	void *arg;
	struct event *deadline;
	char *error;		/* known already: told from the loop */
	LIST_ENTRY(question) entry;
};

struct resolver {
	struct event_base *base;
	LIST_HEAD(, question) questions;
	size_t pending;
	long long last_id;
	struct child child;
	struct worker_link *link;	/* NULL: no child runs */
};

struct resolver *
resolver_new(struct event_base *base)
{
	struct resolver *r = mem_alloc(sizeof(*r));

	r->base = base;
	LIST_INIT(&r->questions);
	return r;
}

static void
question_free(struct question *q)
{
	LIST_REMOVE(q, entry);
	q->resolver->pending--;
	event_free(q->deadline);
	free(q->error);
	free(q);
}

void
resolver_free(struct resolver *r)
{
	struct question *q;

	if (r == NULL)
		return;
	while ((q = LIST_FIRST(&r->questions)) != NULL)
		question_free(q);
	worker_link_free(r->link);
	child_fini(&r->child);
	free(r);
}

static void
finish(struct question *q, json_t *addresses, const char *error)
{
	resolver_answer *answer = q->answer;
	long long req = q->req;
	void *arg = q->arg;

	/* The sentence may be the question's own. */
	char *text = error != NULL ? str_dup(error) : NULL;

	question_free(q);
	answer(arg, req, addresses, text);
	free(text);
}

static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct question *q = arg;
	json_t *none = json_array();

	(void)fd;
	(void)what;
	finish(q, none, q->error != NULL ? q->error :
	    "no answer from the name service within 5 s");
	json_decref(none);
}

static void
on_message(void *arg, struct message *m)
{
	struct resolver *r = arg;
	long long id = message_int(m, "req", -1);
	struct question *q;

	LIST_FOREACH(q, &r->questions, entry)
		if (q->id == id) {
			finish(q, json_object_get(m->body, "addresses"),
			    message_string(m, "error"));
			return;
		}
}

static void
on_dead(void *arg, const struct err *err)
{
	struct resolver *r = arg;

	if (err->code != ERR_CLOSED)
		log_warn("the resolver's messages are bad why=\"%s\"",
		    err->text);
	process_kill(&r->child.process);
}

static const struct worker_link_ops link_ops = {
	.on_message = on_message,
	.on_dead = on_dead,
};

static void
on_exit_of_child(void *arg, const struct process_exit *how)
{
	struct resolver *r = arg;
	struct timeval now = { 0, 0 };
	struct question *q;
	char text[64];

	child_describe_exit(how, text, sizeof(text));
	log_warn("the resolver ended; it starts again when needed why=\"%s\"",
	    text);
	worker_link_free(r->link);
	r->link = NULL;
	LIST_FOREACH(q, &r->questions, entry) {
		free(q->error);
		q->error = str_dup("the resolver process died");
		evtimer_add(q->deadline, &now);
	}
}

static int
start(struct resolver *r, struct err *err)
{
	char *argv[] = { (char *)"hawserd: resolver",
	    (char *)RESOLVER_OPTION, (char *)(log_get_format() == LOG_JSON ?
	    "json" : "text"), NULL };
	struct process process;
	int pair[2];
	struct spawn s = { .path = "/proc/self/exe", .argv = argv,
	    .fds = &pair[1], .fd_count = 1, .death_signal = SIGKILL };

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1)
		return err_sys(err, "cannot make a socket for the resolver");
	if (spawn_exec(&process, &s, err) == -1) {
		fd_close(&pair[0]);
		fd_close(&pair[1]);
		return -1;
	}
	fd_close(&pair[1]);
	child_init(&r->child, r->base, &process, on_exit_of_child, r);
	r->link = worker_link_new(r->base, pair[0], FROM_RESOLVER, &link_ops,
	    r);
	return 0;
}

void
resolver_ask(struct resolver *r, const char *name, long long req,
    resolver_answer *answer, void *arg)
{
	struct question *q = mem_alloc(sizeof(*q));
	struct timeval limit = { RESOLVER_MS / 1000, 0 }, now = { 0, 0 };
	struct err err;

	q->resolver = r;
	q->id = ++r->last_id;
	q->req = req;
	q->answer = answer;
	q->arg = arg;
	if ((q->deadline = evtimer_new(r->base, on_deadline, q)) == NULL)
		abort();
	LIST_INSERT_HEAD(&r->questions, q, entry);
	if (r->pending++ >= PENDING_MAX)
		q->error = str_dup("too many names are being looked up");
	else if (strlen(name) > ENDPOINT_HOST_MAX)
		q->error = str_dup("the name is too long");
	else if (r->link == NULL && start(r, &err) == -1)
		q->error = str_dup(err.text);
	evtimer_add(q->deadline, q->error != NULL ? &now : &limit);
	if (q->error == NULL)
		worker_link_send(r->link, QUERY_RESOLVE, json_pack(
		    "{s:I, s:s}", "req", (json_int_t)q->id, "name", name),
		    NULL, 0);
}

void
resolver_forget(struct resolver *r, const void *arg)
{
	struct question *q, *next;

	for (q = LIST_FIRST(&r->questions); q != NULL; q = next) {
		next = LIST_NEXT(q, entry);
		if (q->arg == arg)
			question_free(q);
	}
}
