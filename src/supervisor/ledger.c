/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "supervisor/ledger.h"

#include <event2/event.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/random.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/episode.h"
#include "base/log.h"
#include "base/str.h"
#include "ipc/message.h"
#include "supervisor/child.h"
#include "supervisor/ledger_watch.h"
#include "supervisor/notice.h"
#include "supervisor/worker_link.h"

/* Before a child that died is started, or a write that failed tried, again. */
#define AGAIN_MIN_MS	1000
#define AGAIN_MAX_MS	60000

/* A batch that has ended the child so often is not offered to a next one. */
#define BATCH_TRIES	3

/* Questions without an answer; more are refused. */
#define QUESTIONS_MAX	16

struct question {
	struct ledger *ledger;
	long long id;
	struct ledger_question what;
	char *host;
	ledger_answer *answer;
	void *arg;
	struct event *deadline;
	bool sent;
	bool refused;			/* too many ask */
	json_t *outages, *summary;	/* what has come of the answer */
	TAILQ_ENTRY(question) entry;
};

struct record {
	json_t *body;
	STAILQ_ENTRY(record) entry;
};

struct ledger {
	struct event_base *base;
	struct notices *notices;
	char *path;
	struct ledger_watch *watch;
	STAILQ_HEAD(, record) waiting;
	size_t waiting_count;
	unsigned long long dropped;	/* in this episode */
	bool incomplete;		/* what lasts may not be in the file */
	json_t *batch;			/* with the child; or NULL */
	unsigned batch_tries;
	int64_t batch_ms;		/* when it was sent */
	long long last_id;
	long long batch_id;
	bool due;			/* a batch is, also an empty one */
	bool off;			/* the file can't be ours */
	char *trouble;			/* why nothing is taken; or NULL */
	unsigned failures;		/* in a row */
	struct episode episode;
	struct event *flush, *beat, *again;
	TAILQ_HEAD(, question) questions;
	size_t question_count;
	struct child child;
	struct worker_link *link;	/* NULL: no child runs */
};

static void
set_timer(struct event *timer, int64_t ms)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	evtimer_add(timer, &tv);
}

/* Questions */

static void
question_free(struct question *q)
{
	TAILQ_REMOVE(&q->ledger->questions, q, entry);
	q->ledger->question_count--;
	event_free(q->deadline);
	json_decref(q->outages);
	json_decref(q->summary);
	free(q->host);
	free(q);
}

/* Its answer, or error: then it is over. */
static void
tell(struct question *q, bool truncated, const char *error)
{
	ledger_answer *answer = q->answer;
	void *arg = q->arg;
	json_t *history = NULL;
	char since[CLOCK_TEXT_SIZE], until[CLOCK_TEXT_SIZE];

	if (error == NULL) {
		clock_format(since, sizeof(since), q->what.since_wall_ms);
		clock_format(until, sizeof(until), clock_wall_ms());
		history = json_pack("{s:s, s:s, s:b, s:O, s:O}",
		    "since", since, "until", until, "truncated", truncated,
		    "outages", q->outages, "summary", q->summary);
	}
	question_free(q);
	answer(arg, history, error);
	json_decref(history);
}

static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct question *q = arg;
	struct ledger *l = q->ledger;
	char *text;

	(void)fd;
	(void)what;
	if (q->refused)
		text = str_dup("too many ask for the history: ask again");
	else if (l->trouble != NULL)
		text = str_dup(l->trouble);
	else
		text = str_dupf("the process that has the history does not "
		    "answer: look at the disk of %s", l->path);
	tell(q, false, text);
	free(text);
}

static void
send_question(struct question *q)
{
	json_t *body = json_pack("{s:I, s:I, s:I, s:i, s:i, s:I}",
	    "req", (json_int_t)q->id, "now", (json_int_t)clock_wall_ms(),
	    "since", (json_int_t)q->what.since_wall_ms,
	    "limit", q->what.limit, "slots", q->what.slots ? 1 : 0,
	    "run", (json_int_t)ledger_watch_id(q->ledger->watch));

	if (q->host != NULL)
		json_object_set_new(body, "host", json_string(q->host));
	q->sent = true;
	worker_link_send(q->ledger->link, QUERY_HISTORY, body, NULL, 0);
}

static void
on_history(struct ledger *l, const struct message *m)
{
	long long id = message_int(m, "req", -1);
	struct question *q;

	TAILQ_FOREACH(q, &l->questions, entry)
		if (q->sent && q->id == id)
			break;
	if (q == NULL)
		return;
	json_array_extend(q->outages, json_object_get(m->body, "outages"));
	json_array_extend(q->summary, json_object_get(m->body, "summary"));
	if (message_string(m, "error") != NULL)
		tell(q, false, message_string(m, "error"));
	else if (message_int(m, "more", 0) == 0)
		tell(q, message_int(m, "truncated", 0) != 0, NULL);
}

/* Records */

static void
drop_oldest(struct ledger *l)
{
	struct record *r = STAILQ_FIRST(&l->waiting);

	STAILQ_REMOVE_HEAD(&l->waiting, entry);
	l->waiting_count--;
	json_decref(r->body);
	free(r);
}

/* How long a next batch is to wait yet: no worker shall wear the disk out. */
static int64_t
rest_ms(const struct ledger *l)
{
	int64_t left = l->batch_ms + LEDGER_REST_MS - clock_now_ms();

	return left > 0 ? left : 0;
}

static void
add_record(void *arg, json_t *body)
{
	struct ledger *l = arg;
	struct record *r;

	if (l->off) {
		json_decref(body);
		return;
	}
	r = mem_alloc(sizeof(*r));
	r->body = body;
	/* Those that wait may be of this run: without it they are nothing. */
	if (str_equal(json_string_value(json_object_get(body, "k")), "run"))
		STAILQ_INSERT_HEAD(&l->waiting, r, entry);
	else
		STAILQ_INSERT_TAIL(&l->waiting, r, entry);
	if (++l->waiting_count > LEDGER_WAITING_MAX) {
		drop_oldest(l);
		l->dropped++;
		l->incomplete = true;
	}
	/* From the loop: we may be in the middle of making a batch. */
	if (l->waiting_count == LEDGER_BATCH)
		set_timer(l->flush, rest_ms(l));
	else if (!evtimer_pending(l->flush, NULL))
		set_timer(l->flush, LEDGER_FLUSH_MS);
}

static void
send_batch(struct ledger *l)
{
	l->batch_id = ++l->last_id;
	l->batch_ms = clock_now_ms();
	worker_link_send(l->link, QUERY_STORE, json_pack("{s:I, s:O}",
	    "req", (json_int_t)l->batch_id, "records", l->batch), NULL, 0);
}

/* The run first: the others refer to it, and it says that we run. */
static void
fill_and_send(struct ledger *l)
{
	/* Of a machine that slept, it tells more: there is a batch by then. */
	l->batch = json_array();
	l->batch_tries = 0;
	json_array_append_new(l->batch, ledger_watch_run(l->watch));
	while (l->waiting_count > 0 &&
	    json_array_size(l->batch) <= LEDGER_BATCH) {
		json_array_append(l->batch, STAILQ_FIRST(&l->waiting)->body);
		drop_oldest(l);
	}
	l->due = l->waiting_count > 0;
	if (!l->due)
		event_del(l->flush);
	send_batch(l);
}

static int start(struct ledger *, struct err *);

static void
fail(struct ledger *l, const char *text)
{
	uint32_t random = 0;

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) == -1)
		random = (uint32_t)clock_now_ms();
	if (episode_begins(&l->episode))
		log_warn("outages are not recorded for now why=\"%s\"", text);
	free(l->trouble);
	l->trouble = str_dup(text);
	set_timer(l->again, backoff_delay(AGAIN_MIN_MS, AGAIN_MAX_MS,
	    l->failures++, random));
}

/* There is a child, or one may be started now. */
static bool
has_child(struct ledger *l)
{
	struct err err;

	if (l->link != NULL)
		return true;
	if (evtimer_pending(l->again, NULL))
		return false;
	if (start(l, &err) == 0)
		return true;
	fail(l, err.text);
	return false;
}

/* Sends what is due, and then what is asked. */
static void
pump(struct ledger *l)
{
	bool due = l->due || l->waiting_count >= LEDGER_BATCH, asked = false;
	struct question *q;

	if (l->off || !has_child(l))
		return;
	TAILQ_FOREACH(q, &l->questions, entry)
		asked = asked || !(q->sent || q->refused);
	if (l->batch == NULL && l->trouble == NULL && (due || asked)) {
		if (asked || rest_ms(l) == 0)
			fill_and_send(l);
		else
			set_timer(l->flush, rest_ms(l));
	}
	/* They are answered in their order: the batch is in the answer. */
	TAILQ_FOREACH(q, &l->questions, entry)
		if (!q->sent && !q->refused &&
		    (l->waiting_count == 0 || l->trouble != NULL))
			send_question(q);
}

static void
on_flush(evutil_socket_t fd, short what, void *arg)
{
	struct ledger *l = arg;

	(void)fd;
	(void)what;
	l->due = true;
	pump(l);
}

static void
on_beat(evutil_socket_t fd, short what, void *arg)
{
	struct ledger *l = arg;

	(void)fd;
	(void)what;
	if (l->batch != NULL && l->link != NULL && l->trouble == NULL &&
	    clock_now_ms() - l->batch_ms > LEDGER_STUCK_MS) {
		log_warn("the process that has the history takes nothing and "
		    "is killed pid=%ld", (long)l->child.process.pid);
		process_kill(&l->child.process);
	}
	ledger_watch_refresh(l->watch, false);
	l->due = true;
	pump(l);
}

/* What failed is tried again. */
static void
on_again(evutil_socket_t fd, short what, void *arg)
{
	struct ledger *l = arg;

	(void)fd;
	(void)what;
	free(l->trouble);
	l->trouble = NULL;
	if (has_child(l) && l->batch != NULL)
		send_batch(l);
	pump(l);
}

/* The file is a newer hawser's: nothing of ours goes there any more. */
static void
turn_off(struct ledger *l, const char *why)
{
	struct question *q;

	log_warn("outages are not recorded why=\"%s\"", why);
	l->off = true;
	free(l->trouble);
	l->trouble = str_dup(why);
	while (l->waiting_count > 0)
		drop_oldest(l);
	json_decref(l->batch);
	l->batch = NULL;
	event_del(l->flush);
	event_del(l->beat);
	while ((q = TAILQ_FIRST(&l->questions)) != NULL)
		tell(q, false, l->trouble);
	process_kill(&l->child.process);
}

static void
on_stored(struct ledger *l, const struct message *m)
{
	const char *error = message_string(m, "error");

	if (l->batch == NULL || message_int(m, "req", -1) != l->batch_id)
		return;
	if (error != NULL && message_int(m, "off", 0) != 0) {
		turn_off(l, error);
		return;
	}
	if (error != NULL) {
		fail(l, error);
		pump(l);	/* what is there already can be told */
		return;
	}
	json_decref(l->batch);
	l->batch = NULL;
	l->failures = 0;
	if (episode_ends(&l->episode))
		log_info("outages are recorded again lost=%llu", l->dropped);
	l->dropped = 0;
	if (message_int(m, "fresh", 0) != 0)
		l->incomplete = true;
	if (l->waiting_count == 0 && l->incomplete) {
		ledger_watch_refresh(l->watch, true);
		l->incomplete = false;	/* if it is too much: once */
	}
	pump(l);
}

/* The child */

static void
on_message(void *arg, struct message *m)
{
	if (m->name == ANSWER_STORE)
		on_stored(arg, m);
	else if (m->name == ANSWER_HISTORY)
		on_history(arg, m);
}

static void
on_dead(void *arg, const struct err *err)
{
	struct ledger *l = arg;

	if (err->code != ERR_CLOSED)
		log_warn("the ledger's messages are bad why=\"%s\"",
		    err->text);
	process_kill(&l->child.process);
}

static const struct worker_link_ops link_ops = {
	.on_message = on_message,
	.on_dead = on_dead,
};

static void
on_exit_of_child(void *arg, const struct process_exit *how)
{
	struct ledger *l = arg;
	char what[64], text[128];
	struct question *q;

	worker_link_free(l->link);
	l->link = NULL;
	if (l->off)
		return;
	if (l->batch != NULL && ++l->batch_tries >= BATCH_TRIES) {
		l->dropped += json_array_size(l->batch);
		l->incomplete = true;
		json_decref(l->batch);
		l->batch = NULL;
	}
	TAILQ_FOREACH(q, &l->questions, entry) {
		q->sent = false;
		json_array_clear(q->outages);
		json_array_clear(q->summary);
	}
	child_describe_exit(how, what, sizeof(what));
	snprintf(text, sizeof(text), "the process that has the history died: "
	    "%s", what);
	fail(l, text);
}

static int
start(struct ledger *l, struct err *err)
{
	struct process process;
	int sock = child_start_self(&process, "hawserd: ledger", LEDGER_OPTION,
	    l->path, err);

	if (sock == -1)
		return -1;
	child_init(&l->child, l->base, &process, on_exit_of_child, l);
	l->link = worker_link_new(l->base, sock, FROM_LEDGER, &link_ops, l);
	return 0;
}

/* The whole */

static void
on_notice(void *arg, const struct notice *n)
{
	struct ledger *l = arg;

	ledger_watch_hear(l->watch, n);
}

struct ledger *
ledger_new(struct event_base *base, struct notices *notices, const char *path)
{
	struct ledger *l = mem_alloc(sizeof(*l));
	struct timeval beat = { LEDGER_BEAT_MS / 1000, 0 };

	l->base = base;
	l->notices = notices;
	l->path = str_dup(path);
	STAILQ_INIT(&l->waiting);
	TAILQ_INIT(&l->questions);
	l->flush = evtimer_new(base, on_flush, l);
	l->again = evtimer_new(base, on_again, l);
	l->beat = event_new(base, -1, EV_PERSIST, on_beat, l);
	if (l->flush == NULL || l->again == NULL || l->beat == NULL)
		abort();
	event_add(l->beat, &beat);
	l->watch = ledger_watch_new(add_record, l);
	notices_join(notices, on_notice, l);
	return l;
}

/*
 * All that waits goes to the child, which ends when it has read it; a child
 * that isn't quick loses it, as by a kill.
 */
static void
write_the_rest(struct ledger *l)
{
	struct pollfd end = { .events = POLLIN };

	if (l->off || l->trouble != NULL ||
	    (l->link == NULL && l->waiting_count == 0) || !has_child(l))
		return;
	do {
		json_decref(l->batch);
		fill_and_send(l);
	} while (l->waiting_count > 0);
	/* Its end is the word that nothing follows. */
	worker_link_free(l->link);
	l->link = NULL;
	end.fd = l->child.process.pidfd;
	while (poll(&end, 1, LEDGER_END_MS) == -1)
		continue;
}

void
ledger_free(struct ledger *l)
{
	struct question *q;

	if (l == NULL)
		return;
	notices_leave(l->notices, on_notice, l);
	write_the_rest(l);
	while ((q = TAILQ_FIRST(&l->questions)) != NULL)
		question_free(q);
	worker_link_free(l->link);
	child_fini(&l->child);
	while (l->waiting_count > 0)
		drop_oldest(l);
	json_decref(l->batch);
	ledger_watch_free(l->watch);
	event_free(l->flush);
	event_free(l->beat);
	event_free(l->again);
	free(l->trouble);
	free(l->path);
	free(l);
}

void
ledger_ask(struct ledger *l, const struct ledger_question *what,
    ledger_answer *answer, void *arg)
{
	struct question *q = mem_alloc(sizeof(*q));

	q->ledger = l;
	q->id = ++l->last_id;
	q->what = *what;
	q->host = what->host != NULL ? str_dup(what->host) : NULL;
	q->what.host = q->host;
	q->answer = answer;
	q->arg = arg;
	q->outages = json_array();
	q->summary = json_array();
	if ((q->deadline = evtimer_new(l->base, on_deadline, q)) == NULL)
		abort();
	TAILQ_INSERT_TAIL(&l->questions, q, entry);
	q->refused = l->question_count++ >= QUESTIONS_MAX;
	/* No answer before we return: also a refusal comes from the loop. */
	set_timer(q->deadline, l->off || q->refused ? 0 : LEDGER_ANSWER_MS);
	ledger_watch_refresh(l->watch, false);
	pump(l);
}

void
ledger_forget(struct ledger *l, const void *arg)
{
	struct question *q, *next;

	for (q = TAILQ_FIRST(&l->questions); q != NULL; q = next) {
		next = TAILQ_NEXT(q, entry);
		if (q->arg == arg)
			question_free(q);
	}
}
