/* SPDX-License-Identifier: ISC */
#include "cli/event_line.h"

#include <stddef.h>
#include <string.h>
#include <time.h>

#include "cli/field.h"
#include "cli/status_table.h"
#include "cli/table.h"
#include "cli/units.h"

/* Appends ": text" of a member that has one. */
static void
add_text(struct str *s, const json_t *event)
{
	const char *text = field_text(event, "text");

	if (*text != '\0')
		str_printf(s, ": %s", text);
}

/* "; next attempt in 43 s", counted from when the event was. */
static void
add_next(struct str *s, const json_t *event)
{
	int64_t at, next;

	if (!field_time(event, "at", &at) ||
	    !field_time(event, "next_attempt_at", &next))
		return;
	str_append(s, "; next attempt ");
	if (next - at < 1000) {
		str_append(s, "now");
		return;
	}
	str_append(s, "in ");
	units_duration(s, next - at);
}

/* Why it is down was told by the end before. */
static enum tint
say_host(struct str *s, const json_t *event)
{
	const char *to = field_text(event, "to");

	str_append(s, *to != '\0' ? to : "removed");
	if (strcmp(to, "connecting") == 0 && field_number(event, "attempt") > 1)
		str_printf(s, ", attempt %lld",
		    (long long)field_number(event, "attempt"));
	if (strcmp(to, "parked") == 0)
		str_append(s, " until somebody acts");
	if (strcmp(to, "waiting") == 0)
		add_next(s, event);
	return status_tint(to);
}

static enum tint
say_forward(struct str *s, const json_t *event)
{
	const char *to = field_text(event, "to");

	str_append(s, *to != '\0' ? to : "removed");
	add_text(s, event);
	return status_tint(to);
}

static enum tint
say_end(struct str *s, const json_t *event)
{
	const json_t *uptime = json_object_get(event, "uptime_s");

	str_append(s, field_text(event, "class"));
	add_text(s, event);
	if (json_is_integer(uptime)) {
		str_append(s, "; it was up for ");
		units_duration(s, json_integer_value(uptime) * 1000);
	}
	return TINT_BAD;
}

static enum tint
say_reload(struct str *s, const json_t *event)
{
	const char *to = field_text(event, "to");
	bool applied = strcmp(to, "applied") == 0;

	str_printf(s, "the configuration was %s", to);
	if (!applied)
		add_text(s, event);
	return applied ? TINT_GOOD : TINT_BAD;
}

static enum tint
say_connection(struct str *s, const json_t *event)
{
	const char *to = field_text(event, "to");
	const char *originator = field_text(event, "originator");
	const char *target = field_text(event, "target");
	const json_t *bytes = json_object_get(event, "bytes");

	str_printf(s, "%s: from %s", to, *originator != '\0' ? originator :
	    "a client without an address");
	if (*target != '\0')
		str_printf(s, " to %s", target);
	if (json_is_object(bytes)) {
		str_append(s, "; ");
		units_bytes(s, field_number(bytes, "in"));
		str_append(s, " in, ");
		units_bytes(s, field_number(bytes, "out"));
		str_append(s, " out, ");
		units_duration(s, field_number(event, "duration_ms"));
	}
	add_text(s, event);
	return strcmp(to, "failed") == 0 ? TINT_BAD : TINT_NONE;
}

static enum tint
say_lost(struct str *s, const json_t *event)
{
	str_printf(s, "too much happens: %lld events of connections were left "
	    "out so far", (long long)field_number(event, "count"));
	return TINT_BAD;
}

/* Those that aren't here are not for people. */
static const struct {
	const char *event;
	enum tint (*say)(struct str *, const json_t *);
} rows[] = {
	{ "host", say_host },
	{ "forward", say_forward },
	{ "end", say_end },
	{ "reload", say_reload },
	{ "connection", say_connection },
	{ "lost", say_lost },
};

static void
add_time(struct table *t, const json_t *event)
{
	char text[16] = "";
	struct tm tm;
	time_t seconds;
	int64_t ms;

	if (field_time(event, "at", &ms)) {
		seconds = (time_t)(ms / 1000);
		if (localtime_r(&seconds, &tm) != NULL)
			strftime(text, sizeof(text), "%H:%M:%S", &tm);
	}
	table_cell(t, TINT_FAINT, text);
}

void
event_line(const json_t *event, bool colour, struct str *out)
{
	const char *kind = field_text(event, "event");
	const char *host = field_text(event, "host");
	const char *forward = field_text(event, "forward");
	struct str sentence = { 0 };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct table *t;
		enum tint tint;

		if (strcmp(rows[i].event, kind) != 0)
			continue;
		tint = rows[i].say(&sentence, event);
		t = table_new(4);
		table_row(t, 0);
		add_time(t, event);
		table_cell(t, TINT_HEAD, *host != '\0' ? host : "hawserd");
		if (*forward != '\0')
			table_cell(t, TINT_NONE, forward);
		table_cell(t, tint, sentence.p);
		table_print(t, colour, out);
		table_free(t);
	}
	str_fini(&sentence);
}
