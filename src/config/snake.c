/* SPDX-License-Identifier: ISC */
#include "config/snake.h"

#include <ctype.h>
#include <string.h>

#include "base/str.h"

/* Names of which the capital letters don't tell where words begin. */
static const struct {
	enum keyword_id id;
	const char *name;
} odd[] = {
	{ KW_HOSTNAME, "hostname" },
	{ KW_CANONICALIZEPERMITTEDCNAMES, "canonicalize_permitted_cnames" },
	{ KW_IPQOS, "ipqos" },
	{ KW_MACS, "macs" },
	{ KW_XAUTHLOCATION, "xauth_location" },
};

static bool
has_name(const struct keyword *k)
{
	return keyword_id(k) < KW_PROTOCOL && !keyword_is_structure(k) &&
	    keyword_id(k) != KW_IGNOREUNKNOWN;
}

/* Does a word begin at p? "GSSAPITrustDns": at G, T and D. */
static bool
is_start(const char *name, const char *p)
{
	return p > name && isupper((unsigned char)*p) &&
	    (!isupper((unsigned char)p[-1]) || islower((unsigned char)p[1]));
}

void
snake_name(const struct keyword *k, char out[SNAKE_SIZE])
{
	size_t n = 0;

	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		if (odd[i].id == keyword_id(k)) {
			strcpy(out, odd[i].name);
			return;
		}
	for (const char *p = k->name; *p != '\0' && n < SNAKE_SIZE - 2; p++) {
		if (is_start(k->name, p))
			out[n++] = '_';
		out[n++] = (char)tolower((unsigned char)*p);
	}
	out[n] = '\0';
}

const struct keyword *
snake_find(const char *name)
{
	for (int i = 0; i < KW_PROTOCOL; i++) {
		const struct keyword *k = keyword_get((enum keyword_id)i);
		char own[SNAKE_SIZE];

		if (tolower((unsigned char)k->name[0]) != name[0] ||
		    !has_name(k))
			continue;
		snake_name(k, own);
		if (strcmp(own, name) == 0)
			return k;
	}
	return NULL;
}

char *
snake_nearest(const char *name)
{
	const char *names[KW_PROTOCOL], *nearest;
	char own[KW_PROTOCOL][SNAKE_SIZE];
	size_t count = 0;

	for (int i = 0; i < KW_PROTOCOL; i++) {
		const struct keyword *k = keyword_get((enum keyword_id)i);

		if (!has_name(k))
			continue;
		snake_name(k, own[count]);
		names[count] = own[count];
		count++;
	}
	nearest = str_nearest(name, names, count);
	return nearest != NULL ? str_dup(nearest) : NULL;
}
