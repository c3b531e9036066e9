/* SPDX-License-Identifier: ISC */
#include "worker/permit.h"

#include <string.h>
#include <strings.h>

#include "base/endpoint.h"

static bool
is_host(const char *rule, size_t n, const char *host)
{
	return (n == 1 && *rule == '*') ||
	    (strlen(host) == n && strncasecmp(rule, host, n) == 0);
}

static bool
is_port(const char *rule, uint16_t port)
{
	uint16_t n;

	return strcmp(rule, "*") == 0 ||
	    (endpoint_parse_port(&n, rule, NULL) == 0 && n == port);
}

static bool
allows(const char *rule, const char *host, uint16_t port)
{
	const char *end;

	if (strcasecmp(rule, "any") == 0)
		return true;
	if (*rule == '[') {
		end = strchr(++rule, ']');
		return end != NULL && end[1] == ':' &&
		    is_host(rule, (size_t)(end - rule), host) &&
		    is_port(end + 2, port);
	}
	end = strpbrk(rule, ":/");
	return end != NULL && is_host(rule, (size_t)(end - rule), host) &&
	    is_port(end + 1, port);
}

bool
permit_allows(char *const *rules, size_t count, const char *host,
    uint16_t port)
{
	for (size_t i = 0; i < count; i++)
		if (allows(rules[i], host, port))
			return true;
	return false;
}
