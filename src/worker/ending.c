/* SPDX-License-Identifier: ISC */
#include "worker/ending.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/str.h"

void
ending_fini(struct ending *e)
{
	json_decref(e->host_key);
	e->host_key = NULL;
}

int
ending_set(struct ending *e, enum end_class class, const char *fmt, ...)
{
	va_list ap;

	e->class = class;
	e->silent_ms = -1;
	ending_fini(e);
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	str_make_printable(e->text);
	return -1;
}
