/* SPDX-License-Identifier: ISC */
#include "cli/field.h"

#include "base/clock.h"

const char *
field_text(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? text : "";
}

int64_t
field_number(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

bool
field_time(const json_t *object, const char *name, int64_t *ms)
{
	return clock_parse(ms, field_text(object, name), NULL) == 0;
}
