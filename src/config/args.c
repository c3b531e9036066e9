/* SPDX-License-Identifier: ISC */
#include "config/args.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"

void
value_add(struct value *v, char *text)
{
	v->texts = mem_grow(v->texts, v->count + 1, sizeof(*v->texts));
	v->texts[v->count++] = text;
}

const char *
args_next(struct args *a, struct err *err)
{
	const char *word = a->next < a->line->argc ?
	    a->line->argv[a->next++] : NULL;

	if (word != NULL && *word != '\0')
		return word;
	err_set(err, ERR_INPUT, "%s needs an argument", a->keyword->name);
	return NULL;
}

void
value_fini(struct value *v)
{
	for (size_t i = 0; i < v->count; i++)
		free(v->texts[i]);
	free(v->texts);
	if (v->has_forward)
		forward_fini(&v->forward);
	*v = (struct value){ 0 };
}

/*
 * Adds up numbers with units: *s, *p... ms, s (or none), m, h, d, w. In
 * milliseconds; -1 if text is something else or too long a time.
 */
static int64_t
add_up(const char *text, bool with_ms)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} units[] = {
		{ "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 },
		{ "d", 86400000 }, { "w", 604800000 },
	};
	int64_t total = 0;

	if (*text == '\0')
		return -1;
	while (*text != '\0') {
		char *end;
		int64_t n, ms = 1000;
		size_t i = with_ms ? 0 : 1;

		if (!isdigit((unsigned char)*text))
			return -1;
		errno = 0;
		n = strtol(text, &end, 10);
		if (errno != 0 || n > INT_MAX)
			return -1;
		for (; *end != '\0' && i < 6; i++) {
			size_t len = strlen(units[i].unit);

			if (strncasecmp(end, units[i].unit, len) == 0) {
				ms = units[i].ms;
				end += len;
				break;
			}
		}
		if (i == 6 || (total += n * ms) / 1000 > INT_MAX)
			return -1;
		text = end;
	}
	return total;
}

int
value_seconds(const char *text)
{
	int64_t ms = add_up(text, false);

	return ms == -1 ? -1 : (int)(ms / 1000);
}

int64_t
value_duration(const char *text)
{
	return add_up(text, true);
}

int
args_add_seconds(struct args *a, const char *word, struct value *out,
    struct err *err)
{
	int s = value_seconds(word);

	if (s == -1)
		return err_set(err, ERR_INPUT, "%s needs a time (seconds, or "
		    "30s, 5m, 1h30m), not \"%s\"", a->keyword->name, word);
	value_add(out, str_dupf("%d", s));
	return 0;
}

int
args_check_none(struct args *a, const char *none,
    const struct value *v, struct err *err)
{
	for (size_t i = 0; i < v->count; i++)
		if (v->count > 1 && strcasecmp(v->texts[i], none) == 0)
			return err_set(err, ERR_INPUT,
			    "%s: \"%s\" has to stand alone",
			    a->keyword->name, v->texts[i]);
	return 0;
}
