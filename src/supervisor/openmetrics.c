/* SPDX-License-Identifier: ISC */
#include "supervisor/openmetrics.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	const char *suffix;	/* of a sample's name */
} types[] = {
	[METRIC_GAUGE] = { "gauge", "" },
	[METRIC_COUNTER] = { "counter", "_total" },
	[METRIC_STATESET] = { "stateset", "" },
	[METRIC_INFO] = { "info", "_info" },
};
static_assert(sizeof(types) / sizeof(types[0]) == METRIC_TYPE_COUNT,
    "one row per type");

void
openmetrics_begin(struct str *out, const struct metric_family *f)
{
	str_printf(out, "# TYPE %s %s\n", f->name, types[f->type].name);
	if (f->unit != NULL)
		str_printf(out, "# UNIT %s %s\n", f->name, f->unit);
	str_printf(out, "# HELP %s %s\n", f->name, f->help);
}

void
openmetrics_label(struct str *labels, const char *name, const char *value)
{
	if (labels->len > 0)
		str_append_n(labels, ",", 1);
	str_append(labels, name);
	str_append_n(labels, "=\"", 2);
	while (*value != '\0') {
		size_t plain = strcspn(value, "\\\"\n");

		str_append_n(labels, value, plain);
		value += plain;
		if (*value == '\0')
			break;
		str_append_n(labels, "\\", 1);
		str_append_n(labels, *value == '\n' ? "n" : value, 1);
		value++;
	}
	str_append_n(labels, "\"", 1);
}

static void
sample(struct str *out, const struct metric_family *f, const char *labels,
    const char *value)
{
	str_append(out, f->name);
	str_append(out, types[f->type].suffix);
	if (labels != NULL && *labels != '\0') {
		str_append_n(out, "{", 1);
		str_append(out, labels);
		str_append_n(out, "}", 1);
	}
	str_append_n(out, " ", 1);
	str_append(out, value);
	str_append_n(out, "\n", 1);
}

void
openmetrics_count(struct str *out, const struct metric_family *f,
    const char *labels, uint64_t value)
{
	char text[32];

	if (value < 10)		/* mostly; and statesets have nothing else */
		strcpy(text, (char[]){ (char)('0' + value), '\0' });
	else
		snprintf(text, sizeof(text), "%" PRIu64, value);
	sample(out, f, labels, text);
}

void
openmetrics_real(struct str *out, const struct metric_family *f,
    const char *labels, double value)
{
	char text[32];

	/* 1e9 seconds and milliseconds are 13 digits. */
	snprintf(text, sizeof(text), "%.15g", value);
	sample(out, f, labels, text);
}

void
openmetrics_end(struct str *out)
{
	str_append(out, "# EOF\n");
}
