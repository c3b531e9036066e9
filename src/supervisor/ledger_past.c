/* SPDX-License-Identifier: ISC */
#include "supervisor/ledger_past.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "supervisor/availability.h"
#include "supervisor/uptime.h"

/* Elements in a part: each has up to 4 KB of JSON, a message 200. */
#define PART_MAX	25

struct row {
	struct uptime_span span;
	bool flap;
};

struct day {
	int64_t number, down_ms, longest_ms;
	int outages, flaps;
};

/* What is known of a host or a forward. */
struct subject {
	int64_t id;
	char *host, *forward;
	struct uptime_spans known;	/* joined */
	struct row *rows;
	size_t row_count, row_size;
	struct day *days;
	size_t day_count, day_size;
};

struct asking {
	sqlite3 *db;
	const struct ledger_past_question *question;
	void (*part)(void *arg, json_t *);
	void *arg;
	sqlite3_stmt *known, *rows, *days;
	json_t *list;			/* of the next part */
};

/* Hands out what was gathered under this name. */
static void
flush(struct asking *a, const char *name)
{
	if (json_array_size(a->list) > 0)
		a->part(a->arg, json_pack("{s:O}", name, a->list));
	json_decref(a->list);
	a->list = json_array();
}

static void
add(struct asking *a, const char *name, json_t *element)
{
	if (element != NULL)
		json_array_append_new(a->list, element);
	if (json_array_size(a->list) >= PART_MAX)
		flush(a, name);
}

/* Outages */

static json_t *
text_at(sqlite3_stmt *st, int column)
{
	const unsigned char *text = sqlite3_column_text(st, column);
	json_t *s = text != NULL ? json_string((const char *)text) : NULL;

	return s != NULL ? s : json_null();
}

static json_t *
forward_at(sqlite3_stmt *st, int column)
{
	return sqlite3_column_bytes(st, column) > 0 ? text_at(st, column) :
	    json_null();
}

static json_t *
wall_time(int64_t ms)
{
	char text[CLOCK_TEXT_SIZE];

	clock_format(text, sizeof(text), ms);
	return json_string(text);
}

/* The columns of outages_sql. */
enum { O_HOST, O_FORWARD, O_BEGAN, O_MS, O_SPAN, O_BACK, O_RUN, O_CLASS,
    O_TEXT, O_SILENT, O_ATTEMPTS };

static const char outages_sql[] =
    "SELECT s.host, s.forward, r.began + o.at AS down, o.ms,"
    " iif(o.ms < 0, max(r.ms - o.at, 0), o.ms) AS span, o.back, o.run,"
    " o.class, o.text, o.silent_ms, o.attempts"
    " FROM outage o JOIN run r ON r.id = o.run"
    " JOIN subject s ON s.id = o.subject"
    " WHERE down + span >= ?1 AND (?2 IS NULL OR s.host = ?2)"
    " ORDER BY down DESC, s.forward LIMIT ?3";

static json_t *
encode_outage(struct asking *a, sqlite3_stmt *st)
{
	int64_t began = sqlite3_column_int64(st, O_BEGAN);
	int64_t span = sqlite3_column_int64(st, O_SPAN);
	int64_t silent = sqlite3_column_int64(st, O_SILENT);
	bool back = sqlite3_column_int(st, O_BACK) != 0;
	bool lasts = sqlite3_column_int64(st, O_MS) < 0 &&
	    sqlite3_column_int64(st, O_RUN) == a->question->run;

	return json_pack("{s:o, s:o, s:o, s:o, s:s, s:I, s:o, s:o, s:o, s:I}",
	    "host", text_at(st, O_HOST),
	    "forward", forward_at(st, O_FORWARD),
	    "down_at", wall_time(began),
	    "back_at", back ? wall_time(began + span) : json_null(),
	    "state", back ? "over" : lasts ? "lasts" : "unknown",
	    "duration_ms", (json_int_t)span,
	    "class", text_at(st, O_CLASS), "text", text_at(st, O_TEXT),
	    "detection_ms", silent < 0 ? json_null() : json_integer(silent),
	    "attempts", (json_int_t)sqlite3_column_int64(st, O_ATTEMPTS));
}

static void
bind_host(sqlite3_stmt *st, int at, const char *host)
{
	if (host != NULL)
		sqlite3_bind_text(st, at, host, -1, SQLITE_STATIC);
}

static int
tell_outages(struct asking *a, bool *truncated)
{
	const struct ledger_past_question *q = a->question;
	sqlite3_stmt *st;
	int64_t n = 0;
	int rc = sqlite3_prepare_v2(a->db, outages_sql, -1, &st, NULL);

	if (rc != SQLITE_OK)
		return rc;
	sqlite3_bind_int64(st, 1, q->since);
	bind_host(st, 2, q->host);
	sqlite3_bind_int64(st, 3, q->limit + 1);
	while (sqlite3_step(st) == SQLITE_ROW && n++ < q->limit)
		add(a, "outages", encode_outage(a, st));
	*truncated = n > q->limit;
	flush(a, "outages");
	return sqlite3_finalize(st);
}

/* Sums */

static void
subject_fini(struct subject *s)
{
	free(s->host);
	free(s->forward);
	uptime_spans_fini(&s->known);
	free(s->rows);
	free(s->days);
	*s = (struct subject){ 0 };
}

static int
read_known(struct asking *a, struct subject *s)
{
	sqlite3_bind_int64(a->known, 1, s->id);
	while (sqlite3_step(a->known) == SQLITE_ROW)
		uptime_add(&s->known, sqlite3_column_int64(a->known, 0),
		    sqlite3_column_int64(a->known, 1));
	uptime_join(&s->known);
	return sqlite3_reset(a->known);
}

static int
read_rows(struct asking *a, struct subject *s)
{
	sqlite3_bind_int64(a->rows, 1, s->id);
	while (sqlite3_step(a->rows) == SQLITE_ROW) {
		if (s->row_count == s->row_size) {
			s->row_size = s->row_size * 2 + 16;
			s->rows = mem_grow(s->rows, s->row_size,
			    sizeof(*s->rows));
		}
		s->rows[s->row_count++] = (struct row){ {
		    sqlite3_column_int64(a->rows, 0),
		    sqlite3_column_int64(a->rows, 1) },
		    sqlite3_column_int(a->rows, 2) != 0 };
	}
	return sqlite3_reset(a->rows);
}

static int
read_days(struct asking *a, struct subject *s)
{
	sqlite3_bind_int64(a->days, 1, s->id);
	while (sqlite3_step(a->days) == SQLITE_ROW) {
		if (s->day_count == s->day_size) {
			s->day_size = s->day_size * 2 + 16;
			s->days = mem_grow(s->days, s->day_size,
			    sizeof(*s->days));
		}
		s->days[s->day_count++] = (struct day){
		    .number = sqlite3_column_int64(a->days, 0),
		    .down_ms = sqlite3_column_int64(a->days, 1),
		    .outages = sqlite3_column_int(a->days, 2),
		    .flaps = sqlite3_column_int(a->days, 3),
		    .longest_ms = sqlite3_column_int64(a->days, 4) };
	}
	return sqlite3_reset(a->days);
}

struct sum {
	int64_t known_ms, down_ms, longest_ms;
	int outages, flaps;
};

static void
add_longest(struct sum *sum, int64_t ms)
{
	if (ms > sum->longest_ms)
		sum->longest_ms = ms;
}

/* What the forward or its link adds to the sum from then on. */
static void
add_sum(struct sum *sum, const struct subject *s,
    const struct uptime_spans *known, int64_t from, int64_t now)
{
	struct uptime_span window = { from, now };

	for (size_t i = 0; i < s->row_count; i++) {
		const struct row *r = &s->rows[i];

		if (r->span.to <= from || !uptime_touches(known, r->span))
			continue;
		add_longest(sum, r->span.to - r->span.from);
		sum->outages += r->span.from >= from;
		sum->flaps += r->span.from >= from && r->flap;
	}
	for (size_t i = 0; i < s->day_count; i++) {
		const struct day *d = &s->days[i];
		int64_t share = uptime_of_day(window, d->number);

		if (share == 0)
			continue;
		/* Of a day that only a part is of, that part. */
		sum->down_ms += d->down_ms * share / UPTIME_DAY_MS;
		sum->outages += d->outages;
		sum->flaps += d->flaps;
		add_longest(sum, d->longest_ms);
	}
}

static json_t *
encode_window(const struct subject *s, const struct subject *link,
    const struct uptime_spans *down, int64_t ms, int64_t now)
{
	struct sum sum = {
		.known_ms = uptime_length(&s->known, now - ms, now),
		.down_ms = uptime_length(down, now - ms, now),
	};
	double up;

	add_sum(&sum, s, &s->known, now - ms, now);
	if (link != NULL)
		add_sum(&sum, link, &s->known, now - ms, now);
	if (sum.down_ms > sum.known_ms)
		sum.down_ms = sum.known_ms;
	up = sum.known_ms == 0 ? 0 :
	    (double)(sum.known_ms - sum.down_ms) / (double)sum.known_ms;
	return json_pack("{s:o, s:I, s:I, s:i, s:i, s:I}",
	    "availability", sum.known_ms == 0 ? json_null() :
	    json_real((double)(int64_t)(up * 1e6) / 1e6),
	    "known_s", (json_int_t)(sum.known_ms / 1000),
	    "down_s", (json_int_t)(sum.down_ms / 1000),
	    "outages", sum.outages, "flaps", sum.flaps,
	    "longest_s", (json_int_t)(sum.longest_ms / 1000));
}

struct slot {
	int64_t up_ms, down_ms, outages;
};

static struct slot
sum_slot(const struct subject *s, const struct uptime_spans *down, int64_t to)
{
	int64_t from = to - AVAILABILITY_SLOT_MS;
	struct slot slot = { .down_ms = uptime_length(down, from, to) };

	slot.up_ms = uptime_length(&s->known, from, to) - slot.down_ms;
	for (size_t i = 0; i < s->row_count; i++)
		slot.outages += s->rows[i].span.from >= from &&
		    s->rows[i].span.from < to;
	return slot;
}

/* Equal neighbours are one: mostly all are. */
static json_t *
encode_slots(const struct subject *s, const struct uptime_spans *down,
    int64_t now)
{
	json_t *slots = json_array();
	struct slot last = sum_slot(s, down, now), next = last;
	int same = 1;

	for (int64_t i = 1; i <= AVAILABILITY_SLOTS; i++) {
		if (i < AVAILABILITY_SLOTS)
			next = sum_slot(s, down,
			    now - i * AVAILABILITY_SLOT_MS);
		if (i < AVAILABILITY_SLOTS && next.up_ms == last.up_ms &&
		    next.down_ms == last.down_ms &&
		    next.outages == last.outages) {
			same++;
			continue;
		}
		json_array_append_new(slots, json_pack("[i, I, I, I]", same,
		    (json_int_t)last.up_ms, (json_int_t)last.down_ms,
		    (json_int_t)last.outages));
		last = next;
		same = 1;
	}
	return slots;
}

/* When it was known to be down: itself, or its link. Fills a zeroed out. */
static void
find_down(const struct subject *s, const struct subject *link,
    struct uptime_spans *out)
{
	struct uptime_spans all = { 0 };

	for (size_t i = 0; i < s->row_count; i++)
		uptime_add(&all, s->rows[i].span.from, s->rows[i].span.to);
	for (size_t i = 0; link != NULL && i < link->row_count; i++)
		uptime_add(&all, link->rows[i].span.from,
		    link->rows[i].span.to);
	uptime_join(&all);
	uptime_common(&s->known, &all, out);
	uptime_spans_fini(&all);
}

static json_t *
encode_subject(struct asking *a, const struct subject *s,
    const struct subject *link)
{
	int64_t now = a->question->now;
	struct uptime_spans down = { 0 };
	json_t *o;

	find_down(s, link, &down);
	if (a->question->slots)
		o = json_pack("{s:s, s:o}", "host", s->host,
		    "slots", encode_slots(s, &down, now));
	else
		o = json_pack("{s:s, s:s?, s:o, s:o, s:o}", "host", s->host,
		    "forward", s->forward[0] != '\0' ? s->forward : NULL,
		    "day", encode_window(s, link, &down, UPTIME_DAY_MS, now),
		    "week", encode_window(s, link, &down, 7 * UPTIME_DAY_MS,
		    now),
		    "month", encode_window(s, link, &down, 30 * UPTIME_DAY_MS,
		    now));
	uptime_spans_fini(&down);
	return o;
}

/* The statement's row, with what is known of it. An SQLite code. */
static int
read_subject(struct asking *a, sqlite3_stmt *st, struct subject *s)
{
	int rc;

	s->id = sqlite3_column_int64(st, 0);
	s->host = str_dup((const char *)sqlite3_column_text(st, 1));
	s->forward = str_dup((const char *)sqlite3_column_text(st, 2));
	if ((rc = read_known(a, s)) != SQLITE_OK ||
	    (rc = read_rows(a, s)) != SQLITE_OK)
		return rc;
	return read_days(a, s);
}

static int
tell_subjects(struct asking *a, sqlite3_stmt *st)
{
	struct subject link = { 0 }, s = { 0 };
	int rc = SQLITE_OK;

	while (rc == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW) {
		bool has_link;

		rc = read_subject(a, st, &s);
		has_link = s.forward[0] != '\0' &&
		    str_equal(link.host, s.host);
		/* Of one that nobody watched lately nothing is to be said. */
		if (rc == SQLITE_OK && s.known.count > 0 &&
		    !(has_link && a->question->slots))
			add(a, "summary", encode_subject(a, &s,
			    has_link ? &link : NULL));
		if (s.forward[0] == '\0') {
			subject_fini(&link);
			link = s;
			s = (struct subject){ 0 };
		}
		subject_fini(&s);
	}
	subject_fini(&link);
	flush(a, "summary");
	return rc;
}

/* Of subject ?1; what is not over at ?2. */
static const char known_sql[] =
    "SELECT r.began + w.at, r.began +"
    " iif(w.ms < 0, r.ms, w.at + w.ms) FROM watch w"
    " JOIN run r ON r.id = w.run WHERE w.subject = ?1";
static const char rows_sql[] =
    "SELECT r.began + o.at, r.began + iif(o.ms < 0, r.ms, o.at + o.ms) AS e,"
    " o.flap FROM outage o JOIN run r ON r.id = o.run"
    " WHERE o.subject = ?1 AND e > ?2";
static const char days_sql[] =
    "SELECT day, down_ms, outages, flaps, longest_ms FROM day"
    " WHERE subject = ?1 AND day >= ?2 / 86400000";

static int
tell_summary(struct asking *a)
{
	int64_t oldest = a->question->now - 31 * UPTIME_DAY_MS;
	sqlite3_stmt *st = NULL;
	int rc;

	if ((rc = sqlite3_prepare_v2(a->db, known_sql, -1, &a->known,
	    NULL)) == SQLITE_OK &&
	    (rc = sqlite3_prepare_v2(a->db, rows_sql, -1, &a->rows,
	    NULL)) == SQLITE_OK &&
	    (rc = sqlite3_prepare_v2(a->db, days_sql, -1, &a->days,
	    NULL)) == SQLITE_OK &&
	    (rc = sqlite3_prepare_v2(a->db, "SELECT id, host, forward FROM"
	    " subject WHERE ?1 IS NULL OR host = ?1 ORDER BY host, forward",
	    -1, &st, NULL)) == SQLITE_OK) {
		bind_host(st, 1, a->question->host);
		sqlite3_bind_int64(a->rows, 2, oldest);
		sqlite3_bind_int64(a->days, 2, oldest);
		rc = tell_subjects(a, st);
	}
	sqlite3_finalize(a->known);
	sqlite3_finalize(a->rows);
	sqlite3_finalize(a->days);
	if (rc != SQLITE_OK) {
		sqlite3_finalize(st);
		return rc;
	}
	return sqlite3_finalize(st);
}

int
ledger_past(struct ledger_db *d, const struct ledger_past_question *q,
    void (*part)(void *arg, json_t *), void *arg, struct err *err)
{
	struct asking a = { .db = ledger_db_handle(d, err), .question = q,
	    .part = part, .arg = arg, .list = json_array() };
	bool truncated = false;
	int rc;

	if (a.db == NULL) {
		json_decref(a.list);
		return -1;
	}
	rc = tell_outages(&a, &truncated);
	if (rc == SQLITE_OK)
		rc = tell_summary(&a);
	json_decref(a.list);
	if (rc != SQLITE_OK) {
		err_set(err, ERR_SYS, "the history cannot be read: %s",
		    sqlite3_errmsg(a.db));
		ledger_db_note(d, rc);
		return -1;
	}
	part(arg, json_pack("{s:i}", "truncated", truncated));
	return 0;
}
