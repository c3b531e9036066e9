/* SPDX-License-Identifier: ISC */
#include "cli/status_table.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "cli/table.h"
#include "cli/units.h"

#define COLUMNS		5
#define INDENT		2		/* of a forward under its host */
#define RECENT_MS	(60 * 60 * 1000)	/* an outage worth a mention */

static const struct {
	const char *state;
	enum tint tint;
} tints[] = {
	{ "up", TINT_GOOD }, { "verified", TINT_GOOD },
	{ "unprovable", TINT_GOOD },
	{ "degraded", TINT_BUSY }, { "waiting", TINT_BUSY },
	{ "connecting", TINT_BUSY },
	{ "parked", TINT_BAD }, { "held", TINT_BAD }, { "denied", TINT_BAD },
	{ "target-down", TINT_BAD }, { "bind-failed", TINT_BAD },
	{ "down", TINT_FAINT }, { "disabled", TINT_FAINT },
};

static enum tint
tint_of(const char *state)
{
	for (size_t i = 0; i < sizeof(tints) / sizeof(tints[0]); i++)
		if (strcmp(tints[i].state, state) == 0)
			return tints[i].tint;
	return TINT_NONE;
}

/* A string field, or "" if there is none. Borrowed. */
static const char *
text_of(const json_t *object, const char *field)
{
	const char *text = json_string_value(json_object_get(object, field));

	return text != NULL ? text : "";
}

static int64_t
number_of(const json_t *object, const char *field)
{
	return json_integer_value(json_object_get(object, field));
}

/* Puts the time of a field into *ms; false if it holds none. */
static bool
time_of(const json_t *object, const char *field, int64_t *ms)
{
	return units_parse_time(ms, text_of(object, field), NULL) == 0;
}

/* Begins another part of a sentence. */
static void
separate(struct str *s)
{
	if (s->len > 0)
		str_append(s, "; ");
}

/* Adds a cell and empties s. */
static void
put(struct table *t, enum tint tint, struct str *s)
{
	table_cell(t, tint, s->p);
	str_fini(s);
}

/* "; next attempt in 43 s" of a time in the future. */
static void
add_next(struct str *s, const json_t *object, const char *field, int64_t now)
{
	int64_t at;

	if (!time_of(object, field, &at))
		return;
	separate(s);
	if (at - now < 1000) {
		str_append(s, "next attempt now");
		return;
	}
	str_append(s, "next attempt in ");
	units_duration(s, at - now);
}

/* "lost: no answer to 3 pings" of what ended last, if anything has. */
static void
add_last_end(struct str *s, const json_t *host)
{
	const json_t *end = json_object_get(host, "last_end");
	const char *class = text_of(end, "class"), *text = text_of(end, "text");

	str_printf(s, "%s%s%s", class,
	    *class != '\0' && *text != '\0' ? ": " : "", text);
}

/* Of a host that is up: the outage before, while it is news. */
static void
add_outage(struct str *s, const json_t *host, int64_t now)
{
	int64_t at;

	if (!time_of(json_object_get(host, "last_end"), "at", &at) ||
	    now - at > RECENT_MS)
		return;
	str_append(s, "last outage ");
	units_duration(s, now - at);
	str_append(s, " ago (");
	add_last_end(s, host);
	str_append(s, ")");
}

static void
add_connecting(struct str *s, const json_t *host)
{
	const char *phase = text_of(host, "phase");
	int64_t attempt = number_of(host, "attempt");

	if (*phase != '\0')
		str_printf(s, "phase %s", phase);
	if (attempt > 1) {
		if (s->len > 0)
			str_append(s, ", ");
		str_printf(s, "attempt %lld", (long long)attempt);
	}
	if (json_is_object(json_object_get(host, "last_end"))) {
		separate(s);
		str_append(s, "before: ");
		add_last_end(s, host);
	}
}

static void
host_detail(struct str *s, const json_t *host, int64_t now)
{
	const char *state = text_of(host, "state");
	const char *detail = text_of(host, "detail");

	if (strcmp(state, "up") == 0 || strcmp(state, "degraded") == 0) {
		add_outage(s, host, now);
	} else if (strcmp(state, "connecting") == 0) {
		add_connecting(s, host);
	} else if (strcmp(state, "parked") == 0) {
		str_append(s, text_of(json_object_get(host, "parked"),
		    "text"));
		if (s->len == 0)
			add_last_end(s, host);
	} else if (strcmp(state, "disabled") == 0) {
		str_printf(s, "hawser up %s runs it", text_of(host, "name"));
	} else {
		add_last_end(s, host);
		add_next(s, host, "next_attempt_at", now);
	}
	if (*detail != '\0') {
		separate(s);
		str_append(s, detail);
	}
}

static void
host_row(struct table *t, const json_t *host, int64_t now)
{
	const char *state = text_of(host, "state");
	const json_t *rtt = json_object_get(host, "rtt_ms");
	struct str s = { 0 };
	int64_t since;

	table_row(t, 0);
	table_cell(t, TINT_HEAD, text_of(host, "name"));
	table_cell(t, tint_of(state), state);
	if (time_of(host, "since", &since))
		units_duration(&s, now - since);
	put(t, TINT_NONE, &s);
	if (json_is_number(rtt))
		units_round_trip(&s, json_number_value(rtt));
	put(t, TINT_NONE, &s);
	host_detail(&s, host, now);
	put(t, TINT_NONE, &s);
}

/* Does the server or the kernel choose the port? Then it isn't in the id. */
static bool
is_any_port(const char *listen)
{
	size_t n = strlen(listen);

	return strcmp(listen, "0") == 0 ||
	    (n >= 2 && strcmp(listen + n - 2, ":0") == 0);
}

static void
forward_detail(struct str *s, const json_t *forward, int64_t now)
{
	const char *target = text_of(forward, "target");
	const char *detail = text_of(forward, "detail");
	const json_t *bound = json_object_get(forward, "bound");

	if (is_any_port(text_of(forward, "listen")) &&
	    json_array_size(bound) > 0)
		str_printf(s, "on %s ",
		    json_string_value(json_array_get(bound, 0)));
	if (*target != '\0')
		str_printf(s, "to %s", target);
	else
		str_append(s, "SOCKS");
	if (*detail != '\0')
		str_printf(s, "; %s", detail);
	add_next(s, forward, "retry_at", now);
}

static void
forward_row(struct table *t, const json_t *forward, int64_t now)
{
	const char *state = text_of(forward, "state");
	const json_t *c = json_object_get(forward, "connections");
	const json_t *b = json_object_get(forward, "bytes");
	struct str s = { 0 };

	table_row(t, INDENT);
	table_cell(t, TINT_NONE, text_of(forward, "id"));
	table_cell(t, tint_of(state), state);
	str_printf(&s, "%lld open, %lld total",
	    (long long)number_of(c, "open"), (long long)number_of(c, "total"));
	if (number_of(c, "failed") > 0)
		str_printf(&s, ", %lld failed",
		    (long long)number_of(c, "failed"));
	put(t, TINT_NONE, &s);
	units_bytes(&s, number_of(b, "in"));
	str_append(&s, " in, ");
	units_bytes(&s, number_of(b, "out"));
	str_append(&s, " out");
	put(t, TINT_NONE, &s);
	forward_detail(&s, forward, now);
	put(t, TINT_NONE, &s);
}

static void
heading(struct table *t, size_t indent, const char *const *names)
{
	table_row(t, indent);
	for (size_t i = 0; i < COLUMNS; i++)
		table_cell(t, TINT_FAINT, names[i]);
}

void
status_table(const json_t *status, int64_t now_ms, bool colour,
    struct str *out)
{
	static const char *const host_names[COLUMNS] = {
	    "HOST", "STATE", "SINCE", "RTT", "DETAIL" };
	static const char *const forward_names[COLUMNS] = {
	    "FORWARD", "STATE", "CONNECTIONS", "BYTES", "DETAIL" };
	struct table *t = table_new(COLUMNS);
	const json_t *host, *forward;
	size_t i, j;

	heading(t, 0, host_names);
	heading(t, INDENT, forward_names);
	json_array_foreach(json_object_get(status, "hosts"), i, host) {
		host_row(t, host, now_ms);
		json_array_foreach(json_object_get(host, "forwards"), j,
		    forward)
			forward_row(t, forward, now_ms);
	}
	table_print(t, colour, out);
	table_free(t);
}
