/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/endpoint.h"

static void
spellings(void **state)
{
	static const struct {
		const char *text, *host;
		int port;	/* -1: a path */
		const char *formatted;
	} rows[] = {
		{ "localhost:80", "localhost", 80, "localhost:80" },
		{ "[::1]:65535", "::1", 65535, "[::1]:65535" },
		{ "[::]:0", "::", 0, "[::]:0" },
		{ "*:8080", "*", 8080, "*:8080" },
		{ ":8080", "*", 8080, "*:8080" },
		{ "8080", NULL, 8080, "8080" },
		{ "/run/x.sock", "/run/x.sock", -1, "/run/x.sock" },
		{ "a/b:80", "a/b:80", -1, "a/b:80" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct endpoint e = { 0 }, copy;
		struct err err;
		struct str s;

		assert_int_equal(endpoint_parse(&e, rows[i].text, &err), 0);
		assert_int_equal(e.kind, rows[i].port == -1 ? ENDPOINT_UNIX :
		    ENDPOINT_TCP);
		assert_true(str_equal(e.host, rows[i].host));
		if (rows[i].port != -1)
			assert_int_equal(e.port, rows[i].port);
		str_init(&s);
		endpoint_format(&e, &s);
		assert_string_equal(s.p, rows[i].formatted);
		endpoint_copy(&copy, &e);
		assert_true(endpoint_equal(&copy, &e));
		str_fini(&s);
		endpoint_fini(&copy);
		endpoint_fini(&e);
	}
}

static void
refusals(void **state)
{
	static const char *const bad[] = { "", ":", "a:", "a:x", "a:65536",
	    "a:-1", "a: 1", "::1:80", "[::1]", "[::1]80", "[::1", "70000",
	    "1x", "a:99999999999999999999" };
	char *path = mem_alloc(200), *host = mem_alloc(400);
	struct endpoint e = { 0 };
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (endpoint_parse(&e, bad[i], &err) != -1)
			fail_msg("\"%s\" passed", bad[i]);
		assert_int_equal(err.code, ERR_INPUT);
	}
	memset(path, '/', ENDPOINT_PATH_MAX + 1);
	assert_int_equal(endpoint_parse(&e, path, &err), -1);
	path[ENDPOINT_PATH_MAX] = '\0';
	assert_int_equal(endpoint_parse(&e, path, &err), 0);
	endpoint_fini(&e);
	memset(host, 'h', ENDPOINT_HOST_MAX + 1);
	strcpy(host + ENDPOINT_HOST_MAX + 1, ":1");
	assert_int_equal(endpoint_parse(&e, host, &err), -1);
	assert_int_equal(endpoint_parse(&e, host + 1, &err), 0);
	endpoint_fini(&e);
	free(path);
	free(host);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spellings),
		cmocka_unit_test(refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
