/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "supervisor/resolver.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/endpoint.h"
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
	char *name;
	struct event *deadline;
	char *error;		/* known already: told from the loop */
	bool sent;		/* the child is busy with it */
	bool told;		/* nobody waits for the answer any more */
	TAILQ_ENTRY(question) entry;
};

struct resolver {
	struct event_base *base;
	TAILQ_HEAD(, question) questions;	/* the oldest first */
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
	TAILQ_INIT(&r->questions);
	return r;
}

static void
question_free(struct question *q)
{
	TAILQ_REMOVE(&q->resolver->questions, q, entry);
	q->resolver->pending--;
	event_free(q->deadline);
	free(q->name);
	free(q->error);
	free(q);
}

void
resolver_free(struct resolver *r)
{
	struct question *q;

	if (r == NULL)
		return;
	while ((q = TAILQ_FIRST(&r->questions)) != NULL)
		question_free(q);
	worker_link_free(r->link);
	child_fini(&r->child);
	free(r);
}

/* How many questions of this asker there are, and with the child. */
static size_t
count_asked(const struct resolver *r, const void *arg, size_t *sent)
{
	struct question *q;
	size_t n = 0;

	*sent = 0;
	TAILQ_FOREACH(q, &r->questions, entry)
		if (q->arg == arg) {
			n++;
			*sent += q->sent;
		}
	return n;
}

static void
send_question(struct question *q)
{
	q->sent = true;
	worker_link_send(q->resolver->link, QUERY_RESOLVE, json_pack(
	    "{s:I, s:s}", "req", (json_int_t)q->id, "name", q->name), NULL, 0);
}

/* One of the asker's questions is answered: the next one's turn. */
static void
send_next(struct resolver *r, const void *arg)
{
	struct question *q;

	TAILQ_FOREACH(q, &r->questions, entry)
		if (q->arg == arg && !q->sent && q->error == NULL) {
			send_question(q);
			return;
		}
}

/* Once. One that is not with the child is over then. */
static void
tell(struct question *q, json_t *addresses, const char *error)
{
	resolver_answer *answer = q->answer;
	long long req = q->req;
	void *arg = q->arg;
	/* The sentence may be the question's own. */
	char *text = error != NULL ? str_dup(error) : NULL;

	event_del(q->deadline);
	q->told = true;
	if (!q->sent)
		question_free(q);
	answer(arg, req, addresses, text);
	free(text);
}

/* One that is under way keeps its place until the child is done with it. */
static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct question *q = arg;
	json_t *none = json_array();

	(void)fd;
	(void)what;
	tell(q, none, q->error != NULL ? q->error :
	    "no answer from the name service within 5 s");
	json_decref(none);
}

static void
on_message(void *arg, struct message *m)
{
	struct resolver *r = arg;
	long long id = message_int(m, "req", -1);
	const void *asker;
	struct question *q;

	TAILQ_FOREACH(q, &r->questions, entry)
		if (q->sent && q->id == id)
			break;
	if (q == NULL)
		return;
	asker = q->arg;
	q->sent = false;
	if (q->told)
		question_free(q);
	else
		tell(q, json_object_get(m->body, "addresses"),
		    message_string(m, "error"));
	send_next(r, asker);
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
	struct question *q, *next;
	char text[64];

	child_describe_exit(how, text, sizeof(text));
	log_warn("the resolver ended; it starts again when needed why=\"%s\"",
	    text);
	worker_link_free(r->link);
	r->link = NULL;
	for (q = TAILQ_FIRST(&r->questions); q != NULL; q = next) {
		next = TAILQ_NEXT(q, entry);
		q->sent = false;
		if (q->told) {
			question_free(q);
			continue;
		}
		free(q->error);
		q->error = str_dup("the resolver process died");
		evtimer_add(q->deadline, &now);
	}
}

static int
start(struct resolver *r, struct err *err)
{
	struct process process;
	int sock = child_start_self(&process, "hawserd: resolver",
	    RESOLVER_OPTION, NULL, err);

	if (sock == -1)
		return -1;
	child_init(&r->child, r->base, &process, on_exit_of_child, r);
	r->link = worker_link_new(r->base, sock, FROM_RESOLVER, &link_ops, r);
	return 0;
}

void
resolver_ask(struct resolver *r, const char *name, long long req,
    resolver_answer *answer, void *arg)
{
	struct question *q = mem_alloc(sizeof(*q));
	struct timeval limit = { RESOLVER_MS / 1000, 0 }, now = { 0, 0 };
	size_t sent, asked = count_asked(r, arg, &sent);
	struct err err;

	q->resolver = r;
	q->id = ++r->last_id;
	q->req = req;
	q->answer = answer;
	q->arg = arg;
	if ((q->deadline = evtimer_new(r->base, on_deadline, q)) == NULL)
		abort();
	TAILQ_INSERT_TAIL(&r->questions, q, entry);
	if (r->pending++ >= PENDING_MAX || asked >= RESOLVER_ASKER_MAX)
		q->error = str_dup("too many names are being looked up");
	else if (strlen(name) > ENDPOINT_HOST_MAX)
		q->error = str_dup("the name is too long");
	else if (r->link == NULL && start(r, &err) == -1)
		q->error = str_dup(err.text);
	evtimer_add(q->deadline, q->error != NULL ? &now : &limit);
	if (q->error != NULL)
		return;
	q->name = str_dup(name);
	if (sent < RESOLVER_ASKER_SENT)
		send_question(q);
}

void
resolver_forget(struct resolver *r, const void *arg)
{
	struct question *q, *next;

	for (q = TAILQ_FIRST(&r->questions); q != NULL; q = next) {
		next = TAILQ_NEXT(q, entry);
		if (q->arg != arg)
			continue;
		if (!q->sent) {
			question_free(q);
			continue;
		}
		event_del(q->deadline);
		q->told = true;
		q->arg = NULL;
	}
}
