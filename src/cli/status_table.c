/* SPDX-License-Identifier: ISC */
#include "cli/status_table.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "cli/field.h"
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

enum tint
status_tint(const char *state)
{
	for (size_t i = 0; i < sizeof(tints) / sizeof(tints[0]); i++)
		if (strcmp(tints[i].state, state) == 0)
			return tints[i].tint;
	return TINT_NONE;
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

	if (!field_time(object, field, &at))
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
	const char *class = field_text(end, "class");
	const char *text = field_text(end, "text");

	str_printf(s, "%s%s%s", class,
	    *class != '\0' && *text != '\0' ? ": " : "", text);
}

/* Of a host that is up: the outage before, while it is news. */
static void
add_outage(struct str *s, const json_t *host, int64_t now)
{
	int64_t at;

	if (!field_time(json_object_get(host, "last_end"), "at", &at) ||
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
	const char *phase = field_text(host, "phase");
	int64_t attempt = field_number(host, "attempt");

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

void
status_host_detail(const json_t *host, int64_t now, struct str *s)
{
	const char *state = field_text(host, "state");
	const char *detail = field_text(host, "detail");

	if (strcmp(state, "up") == 0 || strcmp(state, "degraded") == 0) {
		add_outage(s, host, now);
	} else if (strcmp(state, "connecting") == 0) {
		add_connecting(s, host);
	} else if (strcmp(state, "parked") == 0) {
		str_append(s, field_text(json_object_get(host, "parked"),
		    "text"));
		if (s->len == 0)
			add_last_end(s, host);
	} else if (strcmp(state, "disabled") == 0) {
		str_printf(s, "hawser up %s runs it", field_text(host, "name"));
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
	const char *state = field_text(host, "state");
	const json_t *rtt = json_object_get(host, "rtt_ms");
	struct str s = { 0 };
	int64_t since;

	table_row(t, 0);
	table_cell(t, TINT_HEAD, field_text(host, "name"));
	table_cell(t, status_tint(state), state);
	if (field_time(host, "since", &since))
		units_duration(&s, now - since);
	put(t, TINT_NONE, &s);
	if (json_is_number(rtt))
		units_round_trip(&s, json_number_value(rtt));
	put(t, TINT_NONE, &s);
	status_host_detail(host, now, &s);
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
	const char *target = field_text(forward, "target");
	const char *detail = field_text(forward, "detail");
	const json_t *bound = json_object_get(forward, "bound");

	if (is_any_port(field_text(forward, "listen")) &&
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
	const char *state = field_text(forward, "state");
	const json_t *c = json_object_get(forward, "connections");
	const json_t *b = json_object_get(forward, "bytes");
	struct str s = { 0 };

	table_row(t, INDENT);
	table_cell(t, TINT_NONE, field_text(forward, "id"));
	table_cell(t, status_tint(state), state);
	str_printf(&s, "%lld open, %lld total",
	    (long long)field_number(c, "open"),
	    (long long)field_number(c, "total"));
	if (field_number(c, "failed") > 0)
		str_printf(&s, ", %lld failed",
		    (long long)field_number(c, "failed"));
	put(t, TINT_NONE, &s);
	units_bytes(&s, field_number(b, "in"));
	str_append(&s, " in, ");
	units_bytes(&s, field_number(b, "out"));
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
