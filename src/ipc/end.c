/* SPDX-License-Identifier: ISC */
#include "ipc/end.h"

#include <assert.h>
#include <string.h>

static const char *const classes[] = {
	[END_RESOLVE] = "resolve",
	[END_UNREACHABLE] = "unreachable",
	[END_REFUSED] = "refused",
	[END_TIMEOUT] = "timeout",
	[END_CLOSED_EARLY] = "closed-early",
	[END_KEX] = "kex",
	[END_PROTOCOL] = "protocol",
	[END_HOSTKEY] = "hostkey",
	[END_AUTH] = "auth",
	[END_FORWARD] = "forward",
	[END_LOST] = "lost",
	[END_CLOSED] = "closed",
	[END_PROXY] = "proxy",
	[END_CRASH] = "crash",
	[END_STOPPED] = "stopped",
};
static_assert(sizeof(classes) / sizeof(classes[0]) == END_CLASS_COUNT,
    "one name per class");

static const char *const phases[] = {
	[PHASE_START] = "start",
	[PHASE_RESOLVE] = "resolve",
	[PHASE_CONNECT] = "connect",
	[PHASE_BANNER] = "banner",
	[PHASE_KEX] = "kex",
	[PHASE_AUTH] = "auth",
	[PHASE_UP] = "up",
};
static_assert(sizeof(phases) / sizeof(phases[0]) == PHASE_COUNT,
    "one name per phase");

static int
find(const char *const *names, int count, const char *name)
{
	for (int i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -1;
}

const char *
end_class_name(enum end_class c)
{
	return classes[c];
}

int
end_class_parse(const char *name, enum end_class *out)
{
	int i = find(classes, END_CLASS_COUNT, name);

	if (i == -1)
		return -1;
	*out = (enum end_class)i;
	return 0;
}

const char *
phase_name(enum phase p)
{
	return phases[p];
}

int
phase_parse(const char *name, enum phase *out)
{
	int i = find(phases, PHASE_COUNT, name);

	if (i == -1)
		return -1;
	*out = (enum phase)i;
	return 0;
}
