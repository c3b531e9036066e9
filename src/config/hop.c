/* SPDX-License-Identifier: ISC */
#include "config/hop.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/str.h"
#include "config/expand.h"

int
hop_cut(struct hop *out, char *text)
{
	bool is_uri = strncmp(text, "ssh://", 6) == 0;
	char *at, *end;

	*out = (struct hop){ 0 };
	if (is_uri)
		text += 6;
	if ((at = is_uri ? strchr(text, '@') : strrchr(text, '@')) != NULL) {
		*at = '\0';
		out->user = text;
		if (is_uri)
			text[strcspn(text, ";")] = '\0';
		if (*text == '\0')
			return -1;
		text = at + 1;
	}
	out->host = text;
	if (*text == '[') {
		out->host++;
		if ((end = strchr(text, ']')) == NULL)
			return -1;
		*end++ = '\0';
	} else {
		end = text + strcspn(text, ":/");
	}
	if (*out->host == '\0')
		return -1;
	if (is_uri && strcmp(end, "/") == 0)
		*end = '\0';
	if (*end == '\0')
		return 0;
	if (*end != ':' && (is_uri || *end != '/'))
		return -1;
	*end++ = '\0';
	if (is_uri && *end != '\0' && end[strlen(end) - 1] == '/')
		end[strlen(end) - 1] = '\0';
	if (*end == '\0')
		return 0;
	return expand_port(&out->port, end, NULL) == 0 && out->port != 0 ?
	    0 : -1;
}

char *
hop_format(const struct hop *h)
{
	bool numeric = strchr(h->host, ':') != NULL ||
	    h->host[strspn(h->host, "1234567890.")] == '\0';
	struct str s;

	str_init(&s);
	if (h->user != NULL)
		str_printf(&s, "%s@", h->user);
	str_printf(&s, numeric ? "[%s]" : "%s", h->host);
	if (h->port != 0)
		str_printf(&s, ":%u", h->port);
	return str_take(&s);
}
