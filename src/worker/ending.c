/* SPDX-License-Identifier: ISC */
#include "worker/ending.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/str.h"

int
ending_set(struct ending *e, enum end_class class, const char *fmt, ...)
{
	va_list ap;

	e->class = class;
	e->key_type[0] = '\0';
	e->fingerprint[0] = '\0';
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	str_make_printable(e->text);
	return -1;
}
