/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "supervisor/ledger_watch.h"

#include <assert.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/forward.h"
#include "base/str.h"

/* A machine that was away for longer slept; less is the clocks' noise. */
#define SLEPT_MS	10000

#define NONE		((int64_t)-1)	/* no such time */

/* A host or a forward. Times are clock_now_ms() values. */
struct subject {
	char *host;
	char *forward;		/* "": the host itself */
	bool wanted;
	int64_t since;		/* watched, or wanted, from here on */
	bool watched;		/* its record is told */
	bool up;
	bool bad;		/* a forward's state, also while link is down */
	int64_t down_since;	/* NONE: there is no outage */
	int64_t back_at;	/* the end of the one before, or NONE */
	/* Of the outage, or of what would be one: */
	char *class_, *text;
	int64_t silent_ms;
	unsigned attempts, told_attempts;
	bool flap;
	LIST_HEAD(, subject) forwards;	/* a host's */
	LIST_ENTRY(subject) entry;
};

struct ledger_watch {
	void (*tell)(void *arg, json_t *record);
	void *arg;
	void *hosts;			/* of tsearch(3) */
	LIST_HEAD(, subject) list;	/* the same ones */
	int64_t run;
	int64_t began;			/* clock_now_ms() */
	int64_t began_wall;
	int64_t asleep;			/* boot time - monotonic time */
};

/* Is a forward in this state an outage of its own? */
static const bool is_bad[] = {
	[FORWARD_DOWN] = false,		/* because its link is */
	[FORWARD_UP] = false,
	[FORWARD_VERIFIED] = false,
	[FORWARD_UNPROVABLE] = false,
	[FORWARD_HELD] = true,
	[FORWARD_DENIED] = true,
	[FORWARD_TARGET_DOWN] = true,
	[FORWARD_BIND_FAILED] = true,
};
static_assert(sizeof(is_bad) / sizeof(is_bad[0]) == FORWARD_STATE_COUNT,
    "one row per state");

static int
compare(const void *a, const void *b)
{
	const struct subject *x = a, *y = b;

	return strcmp(x->host, y->host);
}

static struct subject *
subject_new(const char *host, const char *forward)
{
	struct subject *s = mem_alloc(sizeof(*s));

	s->host = str_dup(host);
	s->forward = str_dup(forward);
	s->down_since = NONE;
	s->back_at = NONE;
	LIST_INIT(&s->forwards);
	return s;
}

static void
subject_free(struct subject *s)
{
	struct subject *f;

	while ((f = LIST_FIRST(&s->forwards)) != NULL)
		subject_free(f);
	LIST_REMOVE(s, entry);
	free(s->host);
	free(s->forward);
	free(s->class_);
	free(s->text);
	free(s);
}

static void
begin_run(struct ledger_watch *w)
{
	uint64_t id = 0;

	if (getrandom(&id, sizeof(id), GRND_NONBLOCK) != (ssize_t)sizeof(id))
		id = (uint64_t)clock_wall_ms();
	w->run = (int64_t)(id >> 1);	/* SQLite's numbers have a sign */
	w->began = clock_now_ms();
	w->began_wall = clock_wall_ms();
	w->asleep = clock_boot_ms() - w->began;
}

struct ledger_watch *
ledger_watch_new(void (*tell)(void *arg, json_t *), void *arg)
{
	struct ledger_watch *w = mem_alloc(sizeof(*w));

	w->tell = tell;
	w->arg = arg;
	LIST_INIT(&w->list);
	begin_run(w);
	return w;
}

static void
forget_host(struct ledger_watch *w, struct subject *s)
{
	tdelete(s, &w->hosts, compare);
	subject_free(s);
}

void
ledger_watch_free(struct ledger_watch *w)
{
	struct subject *s;

	if (w == NULL)
		return;
	while ((s = LIST_FIRST(&w->list)) != NULL)
		forget_host(w, s);
	free(w);
}

static json_t *
encode_run(const struct ledger_watch *w)
{
	return json_pack("{s:s, s:I, s:I, s:I}", "k", "run",
	    "run", (json_int_t)w->run, "began", (json_int_t)w->began_wall,
	    "ms", (json_int_t)(clock_now_ms() - w->began));
}

/*
 * end: a clock_now_ms() time, or NONE while it lasts. A notice that has ended a
 * run is older than the next one, and what that carries over.
 */
static json_t *
encode(const struct ledger_watch *w, const struct subject *s, const char *kind,
    int64_t from, int64_t end)
{
	if (end != NONE && end < from)
		end = from;
	return json_pack("{s:s, s:I, s:s, s:s, s:I, s:I}", "k", kind,
	    "run", (json_int_t)w->run, "host", s->host, "forward", s->forward,
	    "at", (json_int_t)(from - w->began),
	    "ms", (json_int_t)(end == NONE ? NONE : end - from));
}

/* A record that can't be made (a name that isn't UTF-8) is no record. */
static void
tell(struct ledger_watch *w, json_t *record)
{
	if (record != NULL)
		w->tell(w->arg, record);
}

static void
tell_watch(struct ledger_watch *w, const struct subject *s, int64_t end)
{
	tell(w, encode(w, s, "watch", s->since, end));
}

static void
tell_outage(struct ledger_watch *w, struct subject *s, int64_t end, bool back)
{
	json_t *o = encode(w, s, "outage", s->down_since, end);
	json_t *more = json_pack("{s:b, s:b, s:s, s:s, s:I, s:I}", "back", back,
	    "flap", s->flap, "class", s->class_, "text", s->text,
	    "silent_ms", (json_int_t)s->silent_ms,
	    "attempts", (json_int_t)s->attempts);

	s->told_attempts = s->attempts;
	if (o != NULL && more != NULL)
		json_object_update(o, more);
	json_decref(more);
	tell(w, o);
}

/* The sentence, cut where a character of UTF-8 begins. New. */
static char *
cut(const char *text)
{
	size_t n = strlen(text);

	if (n > LEDGER_TEXT_MAX)
		for (n = LEDGER_TEXT_MAX; n > 0 &&
		    ((unsigned char)text[n] & 0xc0) == 0x80; n--)
			continue;
	return str_dupf("%.*s", (int)n, text);
}

static void
set_reason(struct subject *s, const struct notice *n, const char *class_)
{
	free(s->class_);
	free(s->text);
	s->class_ = str_dup(class_ != NULL ? class_ : "unknown");
	s->text = cut(n->text != NULL ? n->text : "");
	s->silent_ms = n->kind == NOTICE_END ? n->silent_ms : NONE;
	s->attempts = n->up_ms < 0 ? n->tries : 0;
}

static void
watch(struct ledger_watch *w, struct subject *s)
{
	if (s->watched)
		return;
	s->watched = true;
	tell_watch(w, s, NONE);
}

static void
want(struct subject *s, int64_t now)
{
	if (s->wanted)
		return;
	s->wanted = true;
	s->since = now;
}

static void
go_down(struct ledger_watch *w, struct subject *s, int64_t at)
{
	if (s->down_since != NONE)
		return;
	watch(w, s);
	s->up = false;
	s->down_since = at;
	s->flap = s->back_at != NONE && at - s->back_at < LEDGER_FLAP_MS;
	tell_outage(w, s, NONE, false);
}

/* The outage, if there is one, is over: back, or nobody knows. */
static void
end_outage(struct ledger_watch *w, struct subject *s, int64_t now, bool back)
{
	if (s->down_since == NONE)
		return;
	tell_outage(w, s, now, back);
	s->down_since = NONE;
	s->back_at = back ? now : NONE;
}

static void
go_up(struct ledger_watch *w, struct subject *s, int64_t now)
{
	want(s, now);
	end_outage(w, s, now, true);
	if (!s->watched)	/* the way there was no outage */
		s->since = now;
	watch(w, s);
	s->up = true;
}

static void
stop_watching(struct ledger_watch *w, struct subject *s, int64_t now)
{
	struct subject *f;

	LIST_FOREACH(f, &s->forwards, entry)
		stop_watching(w, f, now);
	end_outage(w, s, now, false);
	if (s->watched)
		tell_watch(w, s, now);
	s->watched = s->wanted = s->up = false;
	s->back_at = NONE;
}

static struct subject *
find_host(struct ledger_watch *w, const char *name, bool add)
{
	struct subject key = { .host = (char *)(uintptr_t)name }, *s;
	void *found = tfind(&key, &w->hosts, compare);

	if (found != NULL)
		return *(struct subject **)found;
	if (!add)
		return NULL;
	s = subject_new(name, "");
	if (tsearch(s, &w->hosts, compare) == NULL)
		abort();
	LIST_INSERT_HEAD(&w->list, s, entry);
	return s;
}

/* A forward may be worse off than its link: that shows when there is one. */
static void
follow_link(struct ledger_watch *w, struct subject *host, int64_t now)
{
	struct subject *f;

	LIST_FOREACH(f, &host->forwards, entry)
		if (!host->up) {
			end_outage(w, f, now, false);
		} else if (f->bad) {
			want(f, now);
			go_down(w, f, now);
		}
}

static void
hear_host(struct ledger_watch *w, const struct notice *n)
{
	struct subject *s = find_host(w, n->host, n->to != NULL);

	if (s == NULL)
		return;
	if (n->to == NULL) {
		stop_watching(w, s, n->now_ms);
		forget_host(w, s);
		return;
	}
	if (strcmp(n->to, "disabled") == 0) {
		stop_watching(w, s, n->now_ms);
	} else if (strcmp(n->to, "up") == 0 ||
	    strcmp(n->to, "degraded") == 0) {
		s->attempts = n->tries;
		go_up(w, s, n->now_ms);
	} else {
		want(s, n->now_ms);
		if (s->up) {
			set_reason(s, n, n->class_);
			go_down(w, s, n->now_ms);
		}
	}
	follow_link(w, s, n->now_ms);
}

static void
hear_end(struct ledger_watch *w, const struct notice *n)
{
	struct subject *s = find_host(w, n->host, false);

	if (s == NULL || !s->wanted)
		return;
	if (s->down_since != NONE) {
		s->attempts = n->tries;
		return;
	}
	set_reason(s, n, n->class_);
	go_down(w, s, s->up ? n->now_ms : s->since);
	follow_link(w, s, n->now_ms);
}

static struct subject *
find_forward(struct subject *host, const char *id, bool add)
{
	struct subject *f;

	LIST_FOREACH(f, &host->forwards, entry)
		if (strcmp(f->forward, id) == 0)
			return f;
	if (!add)
		return NULL;
	f = subject_new(host->host, id);
	LIST_INSERT_HEAD(&host->forwards, f, entry);
	return f;
}

static void
hear_forward(struct ledger_watch *w, const struct notice *n)
{
	struct subject *host = find_host(w, n->host, n->to != NULL), *f;
	enum forward_state state;

	if (host == NULL ||
	    (f = find_forward(host, n->forward, n->to != NULL)) == NULL)
		return;
	if (n->to == NULL) {
		stop_watching(w, f, n->now_ms);
		subject_free(f);
		return;
	}
	if (forward_state_parse(n->to, &state) == -1)
		return;
	f->bad = is_bad[state];
	if (f->bad && f->down_since == NONE)
		set_reason(f, n, n->to);
	if (!f->bad && state != FORWARD_DOWN)
		go_up(w, f, n->now_ms);
	else if (!f->bad)
		end_outage(w, f, n->now_ms, false);
	else if (host->up) {
		want(f, n->now_ms);
		go_down(w, f, n->now_ms);
	}
}

/* What lasts goes over into a new run, where it began with it. */
static void
carry_over(struct ledger_watch *w, struct subject *s)
{
	struct subject *f;

	s->since = w->began;
	if (s->down_since != NONE)
		s->down_since = w->began;
	LIST_FOREACH(f, &s->forwards, entry)
		carry_over(w, f);
}

/* Keeps to the wall's clock, and notices that the machine was away. */
static void
take_time(struct ledger_watch *w)
{
	int64_t now = clock_now_ms(), asleep = clock_boot_ms() - now;
	struct subject *s;
	json_t *last;

	if (asleep - w->asleep < SLEPT_MS) {
		w->began_wall = clock_wall_ms() - (now - w->began);
		return;
	}
	/* Whoever is told may ask for the run: by then it is the new one. */
	last = encode_run(w);
	begin_run(w);
	LIST_FOREACH(s, &w->list, entry)
		carry_over(w, s);
	tell(w, last);
	ledger_watch_refresh(w, true);
}

void
ledger_watch_hear(struct ledger_watch *w, const struct notice *n)
{
	static void (*const hear[])(struct ledger_watch *,
	    const struct notice *) = {
		[NOTICE_HOST] = hear_host,
		[NOTICE_FORWARD] = hear_forward,
		[NOTICE_END] = hear_end,
		[NOTICE_RELOAD] = NULL,
	};

	static_assert(sizeof(hear) / sizeof(hear[0]) == NOTICE_KIND_COUNT,
	    "one row per kind");
	take_time(w);
	if (hear[n->kind] != NULL)
		hear[n->kind](w, n);
}

int64_t
ledger_watch_id(const struct ledger_watch *w)
{
	return w->run;
}

json_t *
ledger_watch_run(struct ledger_watch *w)
{
	take_time(w);
	return encode_run(w);
}

static void
refresh(struct ledger_watch *w, struct subject *s, bool all)
{
	struct subject *f;

	if (all && s->watched)
		tell_watch(w, s, NONE);
	if (s->down_since != NONE && (all || s->attempts != s->told_attempts))
		tell_outage(w, s, NONE, false);
	LIST_FOREACH(f, &s->forwards, entry)
		refresh(w, f, all);
}

void
ledger_watch_refresh(struct ledger_watch *w, bool all)
{
	struct subject *s;

	LIST_FOREACH(s, &w->list, entry)
		refresh(w, s, all);
}
