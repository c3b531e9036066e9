/* SPDX-License-Identifier: ISC */
#include "base/endpoint.h"

#include <stdlib.h>
#include <string.h>

int
endpoint_parse_port(uint16_t *out, const char *text, struct err *err)
{
	unsigned long n = 0;
	const char *p;

	for (p = text; *p >= '0' && *p <= '9' && n <= 65535; p++)
		n = n * 10 + (unsigned long)(*p - '0');
	if (p == text || *p != '\0' || n > 65535)
		return err_set(err, ERR_INPUT,
		    "\"%s\" is not a port (0 to 65535)", text);
	*out = (uint16_t)n;
	return 0;
}

static int
parse_unix(struct endpoint *out, const char *text, struct err *err)
{
	if (strlen(text) > ENDPOINT_PATH_MAX)
		return err_set(err, ERR_INPUT,
		    "the socket path is longer than %d bytes: %s",
		    ENDPOINT_PATH_MAX, text);
	*out = (struct endpoint){ .kind = ENDPOINT_UNIX,
	    .host = str_dup(text) };
	return 0;
}

/* Where the port begins, and how long the host before it is. */
static const char *
split(const char *text, const char **host, size_t *len)
{
	const char *end;

	*host = text;
	if (text[0] == '[') {
		*host = text + 1;
		if ((end = strchr(text, ']')) == NULL || end[1] != ':')
			return NULL;
		*len = (size_t)(end - *host);
		return memchr(*host, '[', *len) == NULL ? end + 2 : NULL;
	}
	if ((end = strrchr(text, ':')) == NULL) {
		*host = NULL;
		*len = 0;
		return text;
	}
	*len = (size_t)(end - text);
	return memchr(text, ':', *len) == NULL ? end + 1 : NULL;
}

int
endpoint_parse(struct endpoint *out, const char *text, struct err *err)
{
	const char *host, *port;
	uint16_t n;
	size_t len;

	if (strchr(text, '/') != NULL)
		return parse_unix(out, text, err);
	if ((port = split(text, &host, &len)) == NULL)
		return err_set(err, ERR_INPUT, "\"%s\" is not host:port "
		    "(an IPv6 address needs brackets)", text);
	if (endpoint_parse_port(&n, port, err) == -1)
		return -1;
	if (len > ENDPOINT_HOST_MAX)
		return err_set(err, ERR_INPUT,
		    "the host name is longer than %d bytes",
		    ENDPOINT_HOST_MAX);
	*out = (struct endpoint){ .kind = ENDPOINT_TCP, .port = n };
	if (host != NULL)
		out->host = len == 0 ? str_dup("*") :
		    str_dupf("%.*s", (int)len, host);
	return 0;
}

void
endpoint_format(const struct endpoint *e, struct str *out)
{
	switch (e->kind) {
	case ENDPOINT_NONE:
		return;
	case ENDPOINT_UNIX:
		str_append(out, e->host);
		return;
	case ENDPOINT_TCP:
		break;
	}
	if (e->host == NULL)
		str_printf(out, "%u", e->port);
	else if (strchr(e->host, ':') != NULL)
		str_printf(out, "[%s]:%u", e->host, e->port);
	else
		str_printf(out, "%s:%u", e->host, e->port);
}

void
endpoint_copy(struct endpoint *out, const struct endpoint *from)
{
	*out = *from;
	if (from->host != NULL)
		out->host = str_dup(from->host);
}

bool
endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
	return a->kind == b->kind && a->port == b->port &&
	    str_equal(a->host, b->host);
}

void
endpoint_fini(struct endpoint *e)
{
	free(e->host);
	*e = (struct endpoint){ 0 };
}
