/* SPDX-License-Identifier: ISC */
#include "cli/history_table.h"

#include <stdio.h>
#include <string.h>

#include "cli/field.h"
#include "cli/table.h"
#include "cli/units.h"

#define INDENT	2		/* of a forward under its host */

static void
heading(struct table *t, const char *const *names, size_t count)
{
	table_row(t, 0);
	for (size_t i = 0; i < count; i++)
		table_cell(t, TINT_FAINT, names[i]);
}

static void
duration_cell(struct table *t, int64_t ms)
{
	struct str s = { 0 };

	units_duration(&s, ms);
	table_cell(t, TINT_NONE, s.p);
	str_fini(&s);
}

/* "lost: no answer": what began it; and how the server's silence was told. */
static void
why_cell(struct table *t, const json_t *o)
{
	const char *text = field_text(o, "text");
	int64_t silent = field_number(o, "detection_ms");
	struct str s = { 0 };

	str_append(&s, field_text(o, "class"));
	if (*text != '\0')
		str_printf(&s, ": %s", text);
	if (silent >= 1000) {
		str_append(&s, "; noticed after ");
		units_duration(&s, silent);
	}
	table_cell(t, TINT_NONE, s.p);
	str_fini(&s);
}

static void
outage_row(struct table *t, const json_t *o)
{
	const char *state = field_text(o, "state");
	const char *forward = field_text(o, "forward");
	char at[32], tries[32] = "";

	/* "2026-11-20T06:46:51.123Z": to the second. */
	snprintf(at, sizeof(at), "%.10s %.8sZ", field_text(o, "down_at"),
	    strlen(field_text(o, "down_at")) > 11 ?
	    field_text(o, "down_at") + 11 : "");
	if (*forward == '\0')
		snprintf(tries, sizeof(tries), "%lld",
		    (long long)field_number(o, "attempts"));
	table_row(t, 0);
	table_cell(t, TINT_NONE, at);
	table_cell(t, TINT_HEAD, field_text(o, "host"));
	table_cell(t, TINT_NONE, forward);
	duration_cell(t, field_number(o, "duration_ms"));
	table_cell(t, strcmp(state, "over") == 0 ? TINT_GOOD :
	    strcmp(state, "lasts") == 0 ? TINT_BAD : TINT_FAINT, state);
	table_cell(t, TINT_NONE, tries);
	why_cell(t, o);
}

/* "99.982 %": never rounded up to 100. */
static void
share_cell(struct table *t, const json_t *window)
{
	const json_t *up = json_object_get(window, "availability");
	char text[32] = "unknown";

	if (json_is_number(up))
		snprintf(text, sizeof(text), "%.3f %%",
		    (double)(long long)(json_number_value(up) * 1e5) / 1e3);
	table_cell(t, json_is_number(up) ? TINT_NONE : TINT_FAINT, text);
}

static void
count_cell(struct table *t, int64_t n)
{
	char text[32];

	snprintf(text, sizeof(text), "%lld", (long long)n);
	table_cell(t, TINT_NONE, text);
}

static void
summary_row(struct table *t, const json_t *s)
{
	const char *forward = field_text(s, "forward");
	const json_t *month = json_object_get(s, "month");

	table_row(t, *forward != '\0' ? INDENT : 0);
	table_cell(t, *forward != '\0' ? TINT_NONE : TINT_HEAD,
	    *forward != '\0' ? forward : field_text(s, "host"));
	share_cell(t, json_object_get(s, "day"));
	share_cell(t, json_object_get(s, "week"));
	share_cell(t, month);
	count_cell(t, field_number(month, "outages"));
	count_cell(t, field_number(month, "flaps"));
	duration_cell(t, field_number(month, "longest_s") * 1000);
	duration_cell(t, field_number(month, "known_s") * 1000);
}

void
history_table(const json_t *history, bool colour, struct str *out)
{
	static const char *const outage_names[] = { "DOWN AT", "HOST",
	    "FORWARD", "FOR", "STATE", "ATTEMPTS", "WHY" };
	static const char *const summary_names[] = { "UP", "24 H", "7 D",
	    "30 D", "OUTAGES", "FLAPS", "LONGEST", "KNOWN" };
	const json_t *outages = json_object_get(history, "outages");
	const json_t *s;
	struct table *t;
	size_t i;

	if (json_is_true(json_object_get(history, "truncated")))
		str_append(out, "the newest outages; there are more\n");
	if (json_array_size(outages) > 0) {
		t = table_new(sizeof(outage_names) / sizeof(outage_names[0]));
		heading(t, outage_names,
		    sizeof(outage_names) / sizeof(outage_names[0]));
		for (i = json_array_size(outages); i-- > 0;)
			outage_row(t, json_array_get(outages, i));
		table_print(t, colour, out);
		table_free(t);
	} else {
		str_append(out, "no outages in this time\n");
	}
	str_append(out, "\n");
	t = table_new(sizeof(summary_names) / sizeof(summary_names[0]));
	heading(t, summary_names,
	    sizeof(summary_names) / sizeof(summary_names[0]));
	json_array_foreach(json_object_get(history, "summary"), i, s)
		summary_row(t, s);
	table_print(t, colour, out);
	table_free(t);
}
