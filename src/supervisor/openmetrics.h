/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SUPERVISOR_OPENMETRICS_H
#define HAWSER_SUPERVISOR_OPENMETRICS_H

#include <stdint.h>

#include "base/str.h"

/*
 * openmetrics: figures as text, as OpenMetrics 1.0 has it. Pure: everything is
 * appended to a string. A family's samples come in a row, and each set of
 * labels once.
 */

#define OPENMETRICS_TYPE \
	"application/openmetrics-text; version=1.0.0; charset=utf-8"

enum metric_type {
	METRIC_GAUGE,
	METRIC_COUNTER,		/* never goes back while its series lasts */
	METRIC_STATESET,	/* one sample per state: 1 for that which is */
	METRIC_INFO,		/* 1; the labels tell */
	METRIC_TYPE_COUNT
};

struct metric_family {
	const char *name;	/* without _total and _info; ends in its unit */
	enum metric_type type;
	const char *unit;	/* "seconds", "bytes"; NULL: none */
	const char *help;	/* one sentence: no quotes, no backslashes */
};

/* What stands before a family's samples. */
void openmetrics_begin(struct str *, const struct metric_family *);

/* Adds a label to labels, which are "" at first; the value is escaped. */
void openmetrics_label(struct str *labels, const char *name,
    const char *value);

/* One sample; labels may be "" or NULL. */
void openmetrics_count(struct str *, const struct metric_family *,
    const char *labels, uint64_t value);
void openmetrics_real(struct str *, const struct metric_family *,
    const char *labels, double value);

/* The last line. */
void openmetrics_end(struct str *);

#endif
