/* SPDX-License-Identifier: ISC */
#include "worker/ending.h"

#include <stdarg.h>
#include <stdio.h>

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
	for (char *p = e->text; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	return -1;
}
