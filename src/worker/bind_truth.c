/* SPDX-License-Identifier: ISC */
#include "worker/bind_truth.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"

#define LOOPBACK4	"127.0.0.1"
#define LOOPBACK6	"::1"
/*
 * On Linux and Windows 127.0.0.2 answers if all addresses do, and not if
 * 127.0.0.1 does. On BSD and macOS it is nobody's.
 */
#define OTHER4		"127.0.0.2"

enum asked { ASKED_LOOPBACK, ASKED_ALL, ASKED_ADDRESS, ASKED_PATH };

static enum asked
what_was_asked(const struct endpoint *listen)
{
	const char *host = listen->host;

	if (listen->kind == ENDPOINT_UNIX)
		return ASKED_PATH;
	if (host == NULL || strcasecmp(host, "localhost") == 0)
		return ASKED_LOOPBACK;
	if (*host == '\0' || strcmp(host, "*") == 0 ||
	    strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0)
		return ASKED_ALL;
	return ASKED_ADDRESS;
}

/* The any address of one family alone, as sshd takes it? */
static bool
is_any4(const char *host)
{
	return str_equal(host, "0.0.0.0");
}

static bool
is_any6(const char *host)
{
	return str_equal(host, "::");
}

static bool
is_v6(const char *host)
{
	return strchr(host, ':') != NULL;
}

static bool
is_loopback(const char *host)
{
	return strncmp(host, "127.", 4) == 0 || strcmp(host, LOOPBACK6) == 0;
}

/* "localhost" and "*", or the any address of one family. */
static size_t
choose_common(const char *host, const char *out[BIND_TRUTH_ADDRESSES])
{
	size_t n = 0;

	if (is_any6(host))
		out[n++] = LOOPBACK6;
	out[n++] = LOOPBACK4;
	if (!is_any4(host) && !is_any6(host))
		out[n++] = LOOPBACK6;
	out[n++] = OTHER4;
	return n;
}

/*
 * An address or name, and last where it answers if all addresses do. A name
 * may be one of 127.0.0.1, which therefore says nothing of it.
 */
static size_t
choose_own(const char *host, const char *out[BIND_TRUTH_ADDRESSES])
{
	struct in_addr v4;
	size_t n = 0;

	out[n++] = host;
	if (is_v6(host)) {
		if (strcmp(host, LOOPBACK6) != 0)
			out[n++] = LOOPBACK6;
		return n;
	}
	if (strcmp(host, LOOPBACK4) != 0)
		out[n++] = LOOPBACK4;
	if (n == 1 || inet_pton(AF_INET, host, &v4) != 1)
		out[n++] = OTHER4;
	return n;
}

size_t
bind_truth_addresses(const struct endpoint *listen,
    const char *out[BIND_TRUTH_ADDRESSES])
{
	switch (what_was_asked(listen)) {
	case ASKED_LOOPBACK:
	case ASKED_ALL:
		return choose_common(listen->host, out);
	case ASKED_ADDRESS:
		return choose_own(listen->host, out);
	case ASKED_PATH:
		break;
	}
	out[0] = listen->host;
	return 1;
}

/* The bytes of a literal: IPv4 as IPv6 maps it. False if it is none. */
static bool
read_literal(const char *text, struct in6_addr *out)
{
	char mapped[sizeof("::ffff:") + INET_ADDRSTRLEN];
	struct in_addr v4;

	if (inet_pton(AF_INET, text, &v4) != 1)
		return inet_pton(AF_INET6, text, out) == 1;
	snprintf(mapped, sizeof(mapped), "::ffff:%s", text);
	return inet_pton(AF_INET6, mapped, out) == 1;
}

bool
bind_truth_is_near(const struct endpoint *listen, const char *originator)
{
	struct in6_addr from, own;

	if (!read_literal(originator, &from) ||
	    IN6_IS_ADDR_LOOPBACK(&from) ||
	    (IN6_IS_ADDR_V4MAPPED(&from) && from.s6_addr[12] == 127))
		return true;
	if (what_was_asked(listen) != ASKED_ADDRESS)
		return false;
	return !read_literal(listen->host, &own) ||
	    memcmp(&own, &from, sizeof(own)) == 0;
}

static enum probe_verdict
verdict_on(const struct probe_result *r, size_t count, const char *address)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(r[i].address, address) == 0)
			return r[i].verdict;
	return PROBE_PENDING;
}

static const char *
find(const struct probe_result *r, size_t count, enum probe_verdict verdict)
{
	for (size_t i = 0; i < count; i++)
		if (r[i].verdict == verdict)
			return r[i].address;
	return NULL;
}

bool
bind_truth_wants(const struct endpoint *listen, const char *address)
{
	switch (what_was_asked(listen)) {
	case ASKED_LOOPBACK:
	case ASKED_ALL:
		return strcmp(address, OTHER4) != 0 &&
		    (!is_any6(listen->host) || is_v6(address));
	case ASKED_ADDRESS:
	case ASKED_PATH:
		break;
	}
	return strcmp(address, listen->host) == 0;
}

/* Who else answers where clients look for us. */
static const char *
find_stranger(const struct endpoint *listen, const struct probe_result *r,
    size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (r[i].verdict == PROBE_STRANGER &&
		    bind_truth_wants(listen, r[i].address))
			return r[i].address;
	return NULL;
}

/* Has a server with this banner 127.0.0.1 alone of its loopback network? */
static bool
is_bsd(const char *banner)
{
	return strstr(banner, "FreeBSD") != NULL ||
	    strstr(banner, "NetBSD") != NULL;
}

/* Does 127.0.0.2 not lead to us, though 127.0.0.1 does? */
static bool
is_loopback_alone(const struct probe_result *r, size_t count,
    const char *banner)
{
	enum probe_verdict other = verdict_on(r, count, OTHER4);

	return !is_bsd(banner) &&
	    verdict_on(r, count, LOOPBACK4) == PROBE_PROVED &&
	    (other == PROBE_REFUSED || other == PROBE_STRANGER);
}

static char *
format(const char *host, uint16_t port)
{
	struct endpoint e = { ENDPOINT_TCP, (char *)host, port };
	struct str s;

	str_init(&s);
	endpoint_format(&e, &s);
	return str_take(&s);
}

static void
add_bound(struct bind_truth *t, const char *host, uint16_t port)
{
	t->bound[t->bound_count++] = format(host, port);
}

static void
settle(struct bind_truth *t, enum forward_state state, char *detail)
{
	t->state = state;
	t->detail = detail;
}

/* New: "what", and the server's setting that has it so. */
static char *
blame_gateway(const char *what, bool open, const char *banner)
{
	if (strstr(banner, "dropbear") != NULL)
		return str_dupf("%s: dropbear on the server runs with%s -a; "
		    "start it with%s", what, open ? "" : "out",
		    open ? "out" : " -a");
	return str_dupf("%s: the server's sshd_config has GatewayPorts %s; "
	    "set \"GatewayPorts clientspecified\"", what,
	    open ? "yes" : "no");
}

/* New. */
static char *
tell_wide(const char *host, const char *banner)
{
	char *what = str_dupf("bound to every address of the server, not to "
	    "%s alone", host);
	char *text = blame_gateway(what, true, banner);

	free(what);
	return text;
}

/* Nothing came back: why not, as far as it can be told. */
static void
tell_unproved(const struct probe_result *r, size_t count,
    struct bind_truth *out)
{
	if (find(r, count, PROBE_PROHIBITED) != NULL)
		settle(out, FORWARD_UNPROVABLE, str_dup("works as far as can "
		    "be told: the server does not let us connect to it "
		    "(\"AllowTcpForwarding yes\" and PermitOpen in its "
		    "sshd_config, permitopen in authorized_keys)"));
	else if (find(r, count, PROBE_SILENT) != NULL)
		settle(out, FORWARD_UNPROVABLE, str_dup("the server takes "
		    "connections to it, and passed none of them on in time"));
	else
		settle(out, FORWARD_UNPROVABLE, str_dup("the server listens, "
		    "it says, but where was not found"));
}

/* An address of one family was proved, and the other's was not. */
static char *
tell_family(const char *host, const struct probe_result *r, size_t count,
    uint16_t port)
{
	bool no6 = verdict_on(r, count, LOOPBACK6) == PROBE_REFUSED;
	char *where, *text = NULL;

	if (is_any4(host) || is_any6(host))
		return NULL;	/* as it was asked for */
	where = format(no6 ? LOOPBACK6 : LOOPBACK4, port);
	if (no6 || verdict_on(r, count, LOOPBACK4) == PROBE_REFUSED)
		text = str_dupf("%s only: nothing listens on %s there "
		    "(AddressFamily in the server's sshd_config, or the "
		    "server has no %s)", no6 ? "IPv4" : "IPv6", where,
		    no6 ? "IPv6" : "IPv4");
	free(where);
	return text;
}

/* "localhost" and "*": sshd decides between them as it likes. */
static void
tell_common(const struct endpoint *listen, uint16_t port,
    const char *banner, const struct probe_result *r, size_t count,
    struct bind_truth *out)
{
	bool all = what_was_asked(listen) == ASKED_ALL;
	bool wide = verdict_on(r, count, OTHER4) == PROBE_PROVED;
	bool lo6 = verdict_on(r, count, LOOPBACK6) == PROBE_PROVED;

	if (wide)
		add_bound(out, "0.0.0.0", port);
	else if (verdict_on(r, count, LOOPBACK4) == PROBE_PROVED)
		add_bound(out, LOOPBACK4, port);
	if (lo6)
		add_bound(out, wide ? "::" : LOOPBACK6, port);
	if (all && is_loopback_alone(r, count, banner))
		settle(out, FORWARD_UP, blame_gateway(
		    "bound to loopback only", false, banner));
	else if (!all && wide)
		settle(out, FORWARD_UP, tell_wide("loopback", banner));
	else
		settle(out, FORWARD_VERIFIED, tell_family(listen->host, r,
		    count, port));
}

static void
tell_address(const char *host, uint16_t port, const char *banner,
    const struct probe_result *r, size_t count, struct bind_truth *out)
{
	char *what;

	bool own = r[0].verdict == PROBE_PROVED;
	bool wide = count > 1 && r[count - 1].verdict == PROBE_PROVED;
	const char *found = find(r, count, PROBE_PROVED);

	if (own && wide)
		add_bound(out, is_v6(host) ? "::" : "0.0.0.0", port);
	else
		add_bound(out, found, port);
	if (own && wide)
		settle(out, FORWARD_UP, tell_wide(host, banner));
	else if (own)
		settle(out, FORWARD_VERIFIED, NULL);
	else if (is_loopback(host))
		settle(out, FORWARD_UP, str_dupf("bound to %s, not to %s",
		    found, host));
	else if (r[0].verdict == PROBE_REFUSED) {
		what = str_dupf("bound to loopback only, not to %s", host);
		settle(out, FORWARD_UP, blame_gateway(what, false, banner));
		free(what);
	} else
		settle(out, FORWARD_UP, str_dupf("bound to %s, though %s was "
		    "asked for: set \"GatewayPorts clientspecified\" in the "
		    "server's sshd_config", found, host));
}

void
bind_truth_tell(const struct endpoint *listen, uint16_t port,
    const char *banner, const struct probe_result *r, size_t count,
    struct bind_truth *out)
{
	enum asked asked = what_was_asked(listen);
	const char *stranger = find_stranger(listen, r, count);

	*out = (struct bind_truth){ 0 };
	if (find(r, count, PROBE_PROVED) == NULL && stranger == NULL)
		tell_unproved(r, count, out);
	else if (asked == ASKED_PATH && stranger == NULL) {
		settle(out, FORWARD_VERIFIED, NULL);
		out->bound[out->bound_count++] = str_dup(listen->host);
	} else if (asked == ASKED_PATH) {
		settle(out, FORWARD_UP, str_dupf("another program answers at "
		    "%s on the server", stranger));
	} else if (stranger != NULL) {
		char *where = format(stranger, port);

		settle(out, FORWARD_UP, str_dupf("another program answers at "
		    "%s on the server: clients there do not reach us", where));
		free(where);
	} else if (asked == ASKED_ADDRESS)
		tell_address(listen->host, port, banner, r, count, out);
	else
		tell_common(listen, port, banner, r, count, out);
}

void
bind_truth_fini(struct bind_truth *t)
{
	for (size_t i = 0; i < t->bound_count; i++)
		free(t->bound[i]);
	free(t->detail);
	*t = (struct bind_truth){ 0 };
}
