/* SPDX-License-Identifier: ISC */
#include "worker/forwards.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "ipc/order.h"
#include "worker/forward_local.h"
#include "worker/forward_remote.h"
#include "worker/report.h"

/* One of local and remote is there. */
struct entry {
	struct forwards *table;
	char *id;
	struct forward_local *local;
	struct forward_remote *remote;
	LIST_ENTRY(entry) link;
};

struct forwards {
	struct loop *loop;
	LIST_HEAD(entries, entry) entries;
	/* Being cancelled: their ids may be in use again. */
	struct entries leaving;
	bool paused;
	bool closing;			/* no more orders */
	void (*done)(void *arg);
	void *done_arg;
};

struct forwards *
forwards_new(struct loop *l)
{
	struct forwards *t = mem_alloc(sizeof(*t));

	t->loop = l;
	LIST_INIT(&t->entries);
	LIST_INIT(&t->leaving);
	return t;
}

static void
free_entry(struct entry *e)
{
	LIST_REMOVE(e, link);
	if (e->local != NULL)
		forward_local_free(e->local);
	if (e->remote != NULL)
		forward_remote_free(e->remote);
	free(e->id);
	free(e);
}

void
forwards_free(struct forwards *t)
{
	if (t == NULL)
		return;
	while (!LIST_EMPTY(&t->entries))
		free_entry(LIST_FIRST(&t->entries));
	while (!LIST_EMPTY(&t->leaving))
		free_entry(LIST_FIRST(&t->leaving));
	free(t);
}

static struct entry *
find(struct forwards *t, const char *id)
{
	struct entry *e;

	LIST_FOREACH(e, &t->entries, link)
		if (strcmp(e->id, id) == 0)
			return e;
	return NULL;
}

static struct entry *
add(struct forwards *t, const char *id)
{
	struct entry *e = mem_alloc(sizeof(*e));

	e->table = t;
	e->id = str_dup(id);
	LIST_INSERT_HEAD(&t->entries, e, link);
	return e;
}

/* True if the order brings a forward of the right side. */
static bool
decode(const struct message *m, bool local, struct forward *out)
{
	struct err err;

	if (forward_decode(m->body, out, &err) == -1) {
		log_error("an order was not understood: %s", err.text);
		return false;
	}
	if (forward_is_local(out->kind) != local) {
		log_error("an order names a forward of the other side "
		    "forward=%s", out->id);
		forward_fini(out);
		return false;
	}
	return true;
}

void
forwards_listen(struct forwards *t, struct message *m)
{
	struct forward forward;
	struct entry *e;

	if (t->closing || !decode(m, true, &forward))
		return;
	if ((e = find(t, forward.id)) != NULL)
		free_entry(e);
	e = add(t, forward.id);
	e->local = forward_local_new(t->loop, &forward, m->fds, m->fd_count);
	m->fd_count = 0;	/* now the forward's */
	if (t->paused)
		forward_local_pause(e->local);
	forward_fini(&forward);
}

void
forwards_miss(struct forwards *t, const struct message *m, const char *why)
{
	if (!t->closing)
		report_fact(t->loop->report, FACT_FORWARD, json_pack(
		    "{s:s, s:s, s:s}", "id", message_string(m, "id"), "state",
		    forward_state_name(FORWARD_BIND_FAILED), "detail", why));
}

void
forwards_forward(struct forwards *t, const struct message *m)
{
	struct forward forward;
	struct entry *e;

	if (t->closing || !decode(m, false, &forward))
		return;
	if ((e = find(t, forward.id)) == NULL) {
		e = add(t, forward.id);
		e->remote = forward_remote_new(t->loop, &forward);
	}
	if (e->remote != NULL)
		forward_remote_order(e->remote, &forward);
	forward_fini(&forward);
}

void
forwards_prove(struct forwards *t, const struct message *m)
{
	struct entry *e = find(t, message_string(m, "id"));

	if (e != NULL && e->remote != NULL)
		forward_remote_prove(e->remote);
}

static void
on_cancelled(struct forward_remote *f, void *arg)
{
	struct entry *e = arg;
	struct forwards *t = e->table;

	(void)f;
	free_entry(e);
	if (t->done != NULL && LIST_EMPTY(&t->leaving))
		t->done(t->done_arg);
}

static void
leave(struct entry *e)
{
	if (e->local != NULL) {
		forward_local_cancel(e->local);
		e->local = NULL;
		free_entry(e);
		return;
	}
	LIST_REMOVE(e, link);
	LIST_INSERT_HEAD(&e->table->leaving, e, link);
	forward_remote_cancel(e->remote, on_cancelled, e);
}

void
forwards_cancel(struct forwards *t, const struct message *m)
{
	struct entry *e = find(t, message_string(m, "id"));

	if (e != NULL)
		leave(e);
}

void
forwards_cancel_all(struct forwards *t, void (*done)(void *arg), void *arg)
{
	t->closing = true;
	while (!LIST_EMPTY(&t->entries))
		leave(LIST_FIRST(&t->entries));
	if (LIST_EMPTY(&t->leaving)) {
		done(arg);
		return;
	}
	t->done = done;
	t->done_arg = arg;
}

void
forwards_pause(struct forwards *t)
{
	struct entry *e;

	t->paused = true;
	LIST_FOREACH(e, &t->entries, link)
		if (e->local != NULL)
			forward_local_pause(e->local);
}

void
forwards_resume(struct forwards *t)
{
	struct entry *e;

	t->paused = false;
	LIST_FOREACH(e, &t->entries, link)
		if (e->local != NULL)
			forward_local_resume(e->local);
}
