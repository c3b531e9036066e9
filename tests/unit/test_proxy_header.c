/* SPDX-License-Identifier: ISC */
/* The PROXY header (HAProxy's proxy-protocol.txt), and PermitRemoteOpen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "worker/permit.h"
#include "worker/proxy_header.h"

#define LONG	"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"

static void
test_version_1(void **state)
{
	static const struct {
		const char *from;
		uint16_t from_port;
		const char *to;
		uint16_t to_port;
		const char *text;
	} rows[] = {
		{ "192.0.2.7", 40000, "198.51.100.1", 80,
		    "PROXY TCP4 192.0.2.7 198.51.100.1 40000 80\r\n" },
		{ "2001:db8::7", 1, "2001:DB8::1", 443,
		    "PROXY TCP6 2001:db8::7 2001:db8::1 1 443\r\n" },
		/* sshd names the address as it was asked for. */
		{ "192.0.2.7", 40000, "localhost", 80,
		    "PROXY TCP4 192.0.2.7 0.0.0.0 40000 80\r\n" },
		{ "2001:db8::7", 1, "", 80,
		    "PROXY TCP6 2001:db8::7 :: 1 80\r\n" },
		{ "2001:db8::7", 1, "127.0.0.1", 80,
		    "PROXY TCP6 2001:db8::7 :: 1 80\r\n" },
		{ "::ffff:192.0.2.7", 9, "::ffff:192.0.2.8", 80,
		    "PROXY TCP4 192.0.2.7 192.0.2.8 9 80\r\n" },
		{ LONG, 65535, LONG, 65535,
		    "PROXY TCP6 " LONG " " LONG " 65535 65535\r\n" },
		{ "", 0, "/run/there", 0, "PROXY UNKNOWN\r\n" },
		{ "evil\r\nHost: x", 1, "127.0.0.1", 80,
		    "PROXY UNKNOWN\r\n" },
	};
	struct proxy_header h;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		proxy_header_make(&h, PROXY_PROTOCOL_V1, rows[i].from,
		    rows[i].from_port, rows[i].to, rows[i].to_port);
		assert_int_equal(h.len, strlen(rows[i].text));
		assert_memory_equal(h.bytes, rows[i].text, h.len);
	}
}

static void
test_version_2(void **state)
{
	static const uint8_t v4[] = "\r\n\r\n\0\r\nQUIT\n"
	    "\x21\x11\0\x0c\xc0\0\2\7\xc6\x33\x64\1\x9c\x40\0\x50";
	static const uint8_t v6[] = "\r\n\r\n\0\r\nQUIT\n"
	    "\x21\x21\0\x24\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\7"
	    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\1\xbb";
	static const uint8_t none[] = "\r\n\r\n\0\r\nQUIT\n\x21\0\0\0";
	struct proxy_header h;

	(void)state;
	proxy_header_make(&h, PROXY_PROTOCOL_V2, "192.0.2.7", 40000,
	    "198.51.100.1", 80);
	assert_int_equal(h.len, sizeof(v4) - 1);
	assert_memory_equal(h.bytes, v4, h.len);
	proxy_header_make(&h, PROXY_PROTOCOL_V2, "2001:db8::7", 1, "*", 443);
	assert_int_equal(h.len, sizeof(v6) - 1);
	assert_memory_equal(h.bytes, v6, h.len);
	proxy_header_make(&h, PROXY_PROTOCOL_V2, "", 0, "/run/there", 0);
	assert_int_equal(h.len, sizeof(none) - 1);
	assert_memory_equal(h.bytes, none, h.len);
}

static void
test_no_header(void **state)
{
	struct proxy_header h = { .len = 1 };

	(void)state;
	proxy_header_make(&h, PROXY_PROTOCOL_NONE, "192.0.2.7", 1, "", 2);
	assert_int_equal(h.len, 0);
}

static void
test_permit(void **state)
{
	static const struct {
		const char *rule, *host;
		uint16_t port;
		bool allowed;
	} rows[] = {
		{ "any", "anything", 1, true },
		{ "none", "anything", 1, false },
		{ "host:80", "host", 80, true },
		{ "HOST:80", "host", 80, true },
		{ "host:80", "host", 81, false },
		{ "host:80", "hos", 80, false },
		{ "host:80", "hostx", 80, false },
		{ "host/80", "host", 80, true },
		{ "host:*", "host", 7, true },
		{ "host:*", "other", 7, false },
		{ "*:80", "other", 80, true },
		{ "*:80", "other", 81, false },
		{ "*:*", "other", 81, true },
		/* No patterns but the star alone, and no look-up. */
		{ "*.lan:80", "a.lan", 80, false },
		{ "localhost:80", "127.0.0.1", 80, false },
		{ "[::1]:80", "::1", 80, true },
		{ "[::1]:80", "::2", 80, false },
		{ "[::1]:*", "::1", 5, true },
		{ "[host]:80", "host", 80, true },
		{ "[::1", "::1", 80, false },
		{ "[::1]", "::1", 80, false },
		{ "[::1]x80", "::1", 80, false },
		{ "host", "host", 80, false },
		{ "host:", "host", 80, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *rules[] = { (char *)"other.example:1",
		    (char *)rows[i].rule };

		assert_true(permit_allows(rules, 2, rows[i].host,
		    rows[i].port) == rows[i].allowed);
	}
	assert_false(permit_allows(NULL, 0, "host", 80));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_version_1),
		cmocka_unit_test(test_version_2),
		cmocka_unit_test(test_no_header),
		cmocka_unit_test(test_permit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
