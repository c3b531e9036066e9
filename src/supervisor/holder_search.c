/* SPDX-License-Identifier: ISC */
#include "supervisor/holder_search.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/log.h"
#include "base/str.h"
#include "supervisor/child.h"
#include "supervisor/listener.h"

#define LIMIT_S		10
#define SENTENCE_SIZE	512	/* bytes, a NUL included */

struct question {
	struct endpoint at;
	holder_search_done *done;
	void *arg;
	STAILQ_ENTRY(question) entry;
};

struct holder_search {
	struct event_base *base;
	STAILQ_HEAD(, question) questions;	/* the first is looked into */
	struct child child;
	int answer;			/* -1: no child runs */
	struct event *next;		/* also the child's deadline */
};

/* The child. */
static int
look(int fd, void *arg)
{
	char sentence[SENTENCE_SIZE];

	if (!listener_find_holder(arg, sentence, sizeof(sentence)))
		return 0;
	return fd_write_all(fd, sentence, strlen(sentence)) == 0 ? 0 : 1;
}

static void
take(struct holder_search *s, struct question *q)
{
	STAILQ_REMOVE(&s->questions, q, question, entry);
	endpoint_fini(&q->at);
	free(q);
}

static void
on_exit_of_child(void *arg, const struct process_exit *how)
{
	struct holder_search *s = arg;
	struct question *q = STAILQ_FIRST(&s->questions);
	holder_search_done *done = q->done;
	void *done_arg = q->arg;
	char sentence[SENTENCE_SIZE];
	ssize_t n = recv(s->answer, sentence, sizeof(sentence) - 1,
	    MSG_DONTWAIT);

	(void)how;
	sentence[n > 0 ? n : 0] = '\0';
	fd_close(&s->answer);
	take(s, q);
	event_active(s->next, EV_TIMEOUT, 0);
	if (done != NULL)
		done(done_arg, sentence);
}

static int
start(struct holder_search *s, struct question *q, struct err *err)
{
	struct process process;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1)
		return err_sys(err, "there is no socket");
	if (spawn_fork(&process, pair[1], look, &q->at, err) == -1) {
		fd_close(&pair[0]);
		fd_close(&pair[1]);
		return -1;
	}
	fd_close(&pair[1]);
	s->answer = pair[0];
	child_init(&s->child, s->base, &process, on_exit_of_child, s);
	return 0;
}

static void
on_next(evutil_socket_t fd, short what, void *arg)
{
	struct holder_search *s = arg;
	struct timeval limit = { LIMIT_S, 0 };
	struct question *q;
	struct err err;

	(void)fd;
	(void)what;
	if (s->answer != -1) {
		process_kill(&s->child.process);
		return;
	}
	while ((q = STAILQ_FIRST(&s->questions)) != NULL) {
		if (q->done != NULL && start(s, q, &err) == 0) {
			evtimer_add(s->next, &limit);
			return;
		}
		if (q->done != NULL)
			log_debug("who holds an address can't be seen "
			    "why=\"%s\"", err.text);
		take(s, q);
	}
}

struct holder_search *
holder_search_new(struct event_base *base)
{
	struct holder_search *s = mem_alloc(sizeof(*s));

	s->base = base;
	s->answer = -1;
	STAILQ_INIT(&s->questions);
	if ((s->next = evtimer_new(base, on_next, s)) == NULL)
		abort();
	return s;
}

void
holder_search_free(struct holder_search *s)
{
	if (s == NULL)
		return;
	if (s->answer != -1)
		child_fini(&s->child);
	fd_close(&s->answer);
	while (!STAILQ_EMPTY(&s->questions))
		take(s, STAILQ_FIRST(&s->questions));
	event_free(s->next);
	free(s);
}

void
holder_search_ask(struct holder_search *s, const struct endpoint *at,
    holder_search_done *done, void *arg)
{
	struct question *q;

	STAILQ_FOREACH(q, &s->questions, entry)
		if (q->done != NULL && q->arg == arg)
			return;
	q = mem_alloc(sizeof(*q));
	endpoint_copy(&q->at, at);
	q->done = done;
	q->arg = arg;
	STAILQ_INSERT_TAIL(&s->questions, q, entry);
	if (s->answer == -1)
		event_active(s->next, EV_TIMEOUT, 0);
}

void
holder_search_forget(struct holder_search *s, const void *arg)
{
	struct question *q;

	/* It stays in its place: it may be the one that is looked into. */
	STAILQ_FOREACH(q, &s->questions, entry)
		if (q->arg == arg)
			q->done = NULL;
}
