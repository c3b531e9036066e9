/* SPDX-License-Identifier: ISC */
#include "supervisor/event_stream.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/clock.h"
#include "base/str.h"
#include "ipc/message.h"
#include "supervisor/host.h"
#include "supervisor/notice.h"
#include "supervisor/view.h"

struct event_stream {
	struct event_streams *all;
	char **hosts;
	size_t host_count;		/* 0: all */
	bool connections;
	struct str text;
	size_t at;			/* what was read of it */
	size_t free;			/* of that which is to be read: bytes
					   that don't count as behind */
	bool cut;
	void (*on_more)(void *arg);
	void *arg;
	LIST_ENTRY(event_stream) entry;
};

struct event_streams {
	struct notices *notices;
	struct host_table *table;
	const struct reload *reload;
	size_t watching;		/* those that want connections */
	LIST_HEAD(, event_stream) open;
	size_t count;
};

/* Lines */

static json_t *
text_or_null(const char *text)
{
	json_t *s = text != NULL ? json_string(text) : NULL;

	return s != NULL ? s : json_null();
}

/* New: an object with the members that every line has. */
static json_t *
event_new(const char *kind, int64_t wall_ms)
{
	char at[CLOCK_TEXT_SIZE];

	clock_format(at, sizeof(at), wall_ms);
	return json_pack("{s:s, s:s}", "event", kind, "at", at);
}

enum member {
	M_HOST = 1, M_FORWARD = 2, M_FROM = 4, M_TO = 8, M_CLASS = 16,
	M_TEXT = 32, M_ATTEMPT = 64, M_NEXT = 128, M_UPTIME = 256
};

static const unsigned members[] = {
	[NOTICE_HOST] = M_HOST | M_FROM | M_TO | M_CLASS | M_TEXT |
	    M_ATTEMPT | M_NEXT,
	[NOTICE_FORWARD] = M_HOST | M_FORWARD | M_FROM | M_TO | M_TEXT,
	[NOTICE_END] = M_HOST | M_CLASS | M_TEXT | M_ATTEMPT | M_UPTIME,
	[NOTICE_RELOAD] = M_TO | M_TEXT,
};
static_assert(sizeof(members) / sizeof(members[0]) == NOTICE_KIND_COUNT,
    "one row per kind");

static json_t *
next_attempt(const struct event_streams *all, const char *host)
{
	json_t *seen = view_host(all->table, host);
	json_t *next = json_object_get(seen, "next_attempt_at");

	next = next != NULL ? json_incref(next) : json_null();
	json_decref(seen);
	return next;
}

/* New. */
static json_t *
encode(const struct event_streams *all, const struct notice *n)
{
	json_t *o = event_new(notice_kind_name(n->kind), n->wall_ms);
	unsigned m = members[n->kind];

	if (m & M_HOST)
		json_object_set_new(o, "host", text_or_null(n->host));
	if (m & M_FORWARD)
		json_object_set_new(o, "forward", text_or_null(n->forward));
	if (m & M_FROM)
		json_object_set_new(o, "from", text_or_null(n->from));
	if (m & M_TO)
		json_object_set_new(o, "to", text_or_null(n->to));
	if (m & M_CLASS)
		json_object_set_new(o, "class", text_or_null(n->class_));
	if (m & M_TEXT)
		json_object_set_new(o, "text", text_or_null(n->text));
	if (m & M_ATTEMPT)
		json_object_set_new(o, "attempt", json_integer(n->tries));
	if (m & M_NEXT)
		json_object_set_new(o, "next_attempt_at",
		    next_attempt(all, n->host));
	if (m & M_UPTIME)
		json_object_set_new(o, "uptime_s", n->up_ms < 0 ?
		    json_null() : json_integer(n->up_ms / 1000));
	return o;
}

/* New: takes the object. */
static char *
make_line(json_t *o)
{
	char *text = json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(9));
	char *line = str_dupf("%s\n", text != NULL ? text : "{}");

	free(text);
	json_decref(o);
	return line;
}

/* Streams */

static bool
wants_host(const struct event_stream *s, const char *host)
{
	if (s->host_count == 0)
		return true;
	for (size_t i = 0; i < s->host_count; i++)
		if (str_equal(s->hosts[i], host))
			return true;
	return false;
}

/* Has s and its reader go their ways: what is queued is the rest. */
static void
cut(struct event_stream *s)
{
	json_t *o = event_new("cut", clock_wall_ms());
	char *line;

	json_object_set_new(o, "text", json_sprintf("this reader was more "
	    "than %d KiB behind; connect again", EVENT_BEHIND_MAX / 1024));
	line = make_line(o);
	str_append(&s->text, line);
	free(line);
	s->cut = true;
}

static void
add(struct event_stream *s, const char *line)
{
	if (s->cut)
		return;
	if (s->text.len - s->at - s->free + strlen(line) > EVENT_BEHIND_MAX)
		cut(s);
	else
		str_append(&s->text, line);
	if (s->on_more != NULL)
		s->on_more(s->arg);
}

static void
hear(void *arg, const struct notice *n)
{
	struct event_streams *all = arg;
	struct event_stream *s;
	char *line;

	if (LIST_EMPTY(&all->open))
		return;
	line = make_line(encode(all, n));
	LIST_FOREACH(s, &all->open, entry)
		if (wants_host(s, n->host))
			add(s, line);
	free(line);
}

/* Connections */

static json_t *
value_or_null(json_t *value)
{
	return value != NULL ? json_incref(value) : json_null();
}

/* New: out of a worker's fact. */
static json_t *
encode_visit(const char *host, pid_t worker, const struct message *m)
{
	bool lost = m->name == FACT_LOST;
	json_t *o = event_new(lost ? "lost" : "connection", clock_wall_ms());
	json_t *in = json_object_get(m->body, "in");

	json_object_set_new(o, "host", text_or_null(host));
	if (!lost)
		json_object_set(o, "forward", json_object_get(m->body, "id"));
	json_object_set_new(o, "worker", json_integer(worker));
	if (lost) {
		json_object_set(o, "count", json_object_get(m->body,
		    "count"));
		return o;
	}
	json_object_set(o, "connection", json_object_get(m->body, "no"));
	json_object_set(o, "to", json_object_get(m->body, "state"));
	json_object_set_new(o, "originator", value_or_null(json_object_get(
	    m->body, "originator")));
	json_object_set_new(o, "target", value_or_null(json_object_get(
	    m->body, "target")));
	json_object_set_new(o, "bytes", in == NULL ? json_null() :
	    json_pack("{s:O, s:O?}", "in", in, "out", json_object_get(m->body,
	    "out")));
	json_object_set_new(o, "duration_ms", value_or_null(json_object_get(
	    m->body, "ms")));
	json_object_set_new(o, "text", value_or_null(json_object_get(m->body,
	    "text")));
	return o;
}

static void
on_visit(void *arg, const char *host, pid_t worker, const struct message *m)
{
	struct event_streams *all = arg;
	char *line = make_line(encode_visit(host, worker, m));
	struct event_stream *s;

	LIST_FOREACH(s, &all->open, entry)
		if (s->connections && wants_host(s, host))
			add(s, line);
	free(line);
}

/* One more or one less wants them. */
static void
watch(struct event_streams *all, bool more)
{
	if (more && all->watching++ == 0)
		host_table_watch(all->table, on_visit, all);
	else if (!more && --all->watching == 0)
		host_table_watch(all->table, NULL, NULL);
}

/* What is there now, of the hosts that s wants. Doesn't count as behind. */
static void
add_status(struct event_stream *s)
{
	struct reload_info info = reload_info(s->all->reload);
	json_t *o = event_new("status", clock_wall_ms());
	json_t *status = view_status(s->all->table, &info), *host;
	json_t *hosts = json_array();
	char *line;
	size_t i;

	json_array_foreach(json_object_get(status, "hosts"), i, host)
		if (wants_host(s, json_string_value(json_object_get(host,
		    "name"))))
			json_array_append(hosts, host);
	json_object_set_new(status, "hosts", hosts);
	json_object_update(o, status);
	json_decref(status);
	line = make_line(o);
	str_append(&s->text, line);
	free(line);
	s->free = s->text.len;
}

static int
add_hosts(struct event_stream *s, const struct event_wish *wish,
    struct err *err)
{
	s->hosts = mem_alloc(wish->host_count * sizeof(*s->hosts));
	for (size_t i = 0; i < wish->host_count; i++) {
		json_t *seen = view_host(s->all->table, wish->hosts[i]);

		if (seen == NULL)
			return err_set(err, ERR_NOTFOUND, "no host %s",
			    wish->hosts[i]);
		json_decref(seen);
		s->hosts[s->host_count++] = str_dup(wish->hosts[i]);
	}
	return 0;
}

static void
say_hello(struct event_stream *s)
{
	json_t *o = event_new("hello", clock_wall_ms());
	char *line;

	json_object_set_new(o, "version", json_string(HAWSER_VERSION));
	line = make_line(o);
	str_append(&s->text, line);
	free(line);
}

struct event_stream *
event_stream_open(struct event_streams *all, const struct event_wish *wish,
    struct err *err)
{
	struct event_stream *s;

	if (all->count >= EVENT_STREAMS_MAX) {
		err_set(err, ERR_AGAIN, "%d listen to events already: that "
		    "is all there may be", EVENT_STREAMS_MAX);
		return NULL;
	}
	s = mem_alloc(sizeof(*s));
	s->all = all;
	str_init(&s->text);
	LIST_INSERT_HEAD(&all->open, s, entry);
	all->count++;
	if (add_hosts(s, wish, err) == -1) {
		event_stream_close(s);
		return NULL;
	}
	say_hello(s);
	if (wish->status)
		add_status(s);
	s->connections = wish->connections;
	if (s->connections)
		watch(all, true);
	return s;
}

void
event_stream_listen(struct event_stream *s, void (*on_more)(void *arg),
    void *arg)
{
	s->on_more = on_more;
	s->arg = arg;
}

ssize_t
event_stream_read(struct event_stream *s, char *out, size_t size)
{
	size_t left = s->text.len - s->at, n = left < size ? left : size;

	if (left == 0)
		return s->cut ? -1 : 0;
	memcpy(out, s->text.p + s->at, n);
	s->at += n;
	s->free -= n < s->free ? n : s->free;
	if (n == left) {
		/* Who keeps up holds no memory. */
		str_fini(&s->text);
		s->at = 0;
	} else if (s->at > EVENT_BEHIND_MAX) {
		memmove(s->text.p, s->text.p + s->at, s->text.len - s->at);
		s->text.len -= s->at;
		s->at = 0;
	}
	return (ssize_t)n;
}

bool
event_stream_is_cut(const struct event_stream *s)
{
	return s->cut;
}

void
event_stream_close(struct event_stream *s)
{
	if (s == NULL)
		return;
	LIST_REMOVE(s, entry);
	s->all->count--;
	if (s->connections)
		watch(s->all, false);
	for (size_t i = 0; i < s->host_count; i++)
		free(s->hosts[i]);
	free(s->hosts);
	str_fini(&s->text);
	free(s);
}

struct event_streams *
event_streams_new(struct notices *notices, struct host_table *table,
    const struct reload *reload)
{
	struct event_streams *all = mem_alloc(sizeof(*all));

	all->notices = notices;
	all->table = table;
	all->reload = reload;
	LIST_INIT(&all->open);
	notices_join(notices, hear, all);
	return all;
}

void
event_streams_free(struct event_streams *all)
{
	if (all == NULL)
		return;
	notices_leave(all->notices, hear, all);
	free(all);
}
