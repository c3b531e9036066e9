/* SPDX-License-Identifier: ISC */
/* What was asked for, what answers: the states and sentences. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "worker/bind_truth.h"
#include "worker/nonce.h"

#define P	PROBE_PROVED
#define R	PROBE_REFUSED
#define N	PROBE_PROHIBITED
#define S	PROBE_STRANGER
#define Q	PROBE_SILENT
#define O	PROBE_SKIPPED

/*
 * The verdicts stand in the order of the addresses: for a common bind
 * 127.0.0.1, ::1 and 127.0.0.2, of which "0.0.0.0" has the first and last and
 * "::" has ::1 first; else the address itself and a loopback, for a name
 * 127.0.0.1 and 127.0.0.2.
 */
static const struct row {
	const char *host;
	enum probe_verdict v[BIND_TRUTH_ADDRESSES];
	enum forward_state state;
	const char *bound;		/* with blanks between */
	const char *words;		/* in the sentence; NULL: none */
} rows[] = {
	{ NULL, { P, P, R }, FORWARD_VERIFIED, "127.0.0.1:8 [::1]:8", NULL },
	{ "localhost", { P, P, N }, FORWARD_VERIFIED,
	    "127.0.0.1:8 [::1]:8", NULL },
	/* Somebody else's 127.0.0.2 is nobody's business. */
	{ NULL, { P, P, S }, FORWARD_VERIFIED, "127.0.0.1:8 [::1]:8", NULL },
	{ NULL, { P, R, R }, FORWARD_VERIFIED, "127.0.0.1:8", "IPv4 only" },
	{ NULL, { R, P, R }, FORWARD_VERIFIED, "[::1]:8", "IPv6 only" },
	{ NULL, { P, P, P }, FORWARD_UP, "0.0.0.0:8 [::]:8",
	    "every address of the server" },
	{ NULL, { P, S, R }, FORWARD_UP, "", "another program answers at "
	    "[::1]:8" },
	{ NULL, { S, S, R }, FORWARD_UP, "", "127.0.0.1:8" },
	{ NULL, { N, N, N }, FORWARD_UNPROVABLE, "", "does not let us" },
	{ NULL, { N, P, N }, FORWARD_VERIFIED, "[::1]:8", NULL },
	{ NULL, { Q, Q, Q }, FORWARD_UNPROVABLE, "", "none of them on" },
	{ NULL, { R, R, R }, FORWARD_UNPROVABLE, "", "was not found" },
	{ "*", { P, P, P }, FORWARD_VERIFIED, "0.0.0.0:8 [::]:8", NULL },
	{ "", { P, P, P }, FORWARD_VERIFIED, "0.0.0.0:8 [::]:8", NULL },
	/* One family was asked for: the other is nobody's business. */
	{ "0.0.0.0", { P, P }, FORWARD_VERIFIED, "0.0.0.0:8", NULL },
	{ "0.0.0.0", { P, R }, FORWARD_UP, "127.0.0.1:8", "GatewayPorts no" },
	{ "0.0.0.0", { S, R }, FORWARD_UP, "", "127.0.0.1:8" },
	{ "::", { P, R, R }, FORWARD_VERIFIED, "[::1]:8", NULL },
	{ "::", { P, S, R }, FORWARD_VERIFIED, "[::1]:8", NULL },
	{ "::", { P, P, R }, FORWARD_UP, "127.0.0.1:8 [::1]:8",
	    "GatewayPorts no" },
	{ "::", { P, P, P }, FORWARD_VERIFIED, "0.0.0.0:8 [::]:8", NULL },
	{ "::", { S, R, R }, FORWARD_UP, "", "[::1]:8" },
	{ "*", { P, P, R }, FORWARD_UP, "127.0.0.1:8 [::1]:8",
	    "GatewayPorts no" },
	{ "*", { P, P, S }, FORWARD_UP, "127.0.0.1:8 [::1]:8",
	    "GatewayPorts no" },
	{ "*", { P, P, N }, FORWARD_VERIFIED, "127.0.0.1:8 [::1]:8", NULL },
	{ "10.0.0.1", { P, R }, FORWARD_VERIFIED, "10.0.0.1:8", NULL },
	{ "10.0.0.1", { P, P }, FORWARD_UP, "0.0.0.0:8", "not to 10.0.0.1 "
	    "alone" },
	{ "10.0.0.1", { R, P }, FORWARD_UP, "127.0.0.1:8", "not to 10.0.0.1: "
	    "the server's sshd_config has GatewayPorts no" },
	{ "10.0.0.1", { S, P }, FORWARD_UP, "", "another program" },
	/* Who answers where we did not ask may do so. */
	{ "10.0.0.1", { P, S }, FORWARD_VERIFIED, "10.0.0.1:8", NULL },
	{ "10.0.0.1", { R, S }, FORWARD_UNPROVABLE, "", "was not found" },
	{ "fd00::1", { P, S }, FORWARD_VERIFIED, "[fd00::1]:8", NULL },
	/* PermitOpen lets us look at one of both. */
	{ "10.0.0.1", { N, P }, FORWARD_UP, "127.0.0.1:8",
	    "bound to 127.0.0.1, though 10.0.0.1 was asked for" },
	{ "10.0.0.1", { P, N }, FORWARD_VERIFIED, "10.0.0.1:8", NULL },
	{ "10.0.0.1", { P, O }, FORWARD_VERIFIED, "10.0.0.1:8", NULL },
	{ "127.0.0.1", { P, R }, FORWARD_VERIFIED, "127.0.0.1:8", NULL },
	{ "127.0.0.1", { P, P }, FORWARD_UP, "0.0.0.0:8", "GatewayPorts "
	    "yes" },
	{ "127.0.0.2", { S, R }, FORWARD_UP, "", "another program" },
	{ "fd00::1", { P, R }, FORWARD_VERIFIED, "[fd00::1]:8", NULL },
	{ "fd00::1", { P, P }, FORWARD_UP, "[::]:8", "alone" },
	{ "::1", { P }, FORWARD_VERIFIED, "[::1]:8", NULL },
	{ "gate.lan", { R, P, R }, FORWARD_UP, "127.0.0.1:8",
	    "loopback only" },
	{ "gate.lan", { P, R, R }, FORWARD_VERIFIED, "gate.lan:8", NULL },
	{ "gate.lan", { P, P, P }, FORWARD_UP, "0.0.0.0:8", "alone" },
	/* A name of 127.0.0.1. */
	{ "gate.lan", { P, P, R }, FORWARD_VERIFIED, "gate.lan:8", NULL },
	{ "/run/there", { P }, FORWARD_VERIFIED, "/run/there", NULL },
	{ "/run/there", { S }, FORWARD_UP, "", "another program answers at "
	    "/run/there" },
	{ "/run/there", { N }, FORWARD_UNPROVABLE, "", "does not let us" },
};

static void
test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		bool path = row->host != NULL && row->host[0] == '/';
		struct endpoint listen = { path ? ENDPOINT_UNIX : ENDPOINT_TCP,
		    (char *)row->host, path ? 0 : 8 };
		const char *addresses[BIND_TRUTH_ADDRESSES];
		struct probe_result results[BIND_TRUTH_ADDRESSES];
		size_t n = bind_truth_addresses(&listen, addresses);
		struct bind_truth truth;
		char bound[256] = "";

		for (size_t j = 0; j < n; j++)
			results[j] = (struct probe_result){ addresses[j],
			    row->v[j] };
		bind_truth_tell(&listen, 8, "SSH-2.0-OpenSSH_9.2p1",
		    results, n, &truth);
		for (size_t j = 0; j < truth.bound_count; j++) {
			size_t at = strlen(bound);

			snprintf(bound + at, sizeof(bound) - at, "%s%s",
			    j > 0 ? " " : "", truth.bound[j]);
		}
		print_message("row %zu: %s\n", i, truth.detail != NULL ?
		    truth.detail : "-");
		assert_int_equal(truth.state, row->state);
		assert_string_equal(bound, row->bound);
		assert_true((truth.detail == NULL) == (row->words == NULL));
		if (row->words != NULL)
			assert_non_null(strstr(truth.detail, row->words));
		bind_truth_fini(&truth);
	}
}

/* What 127.0.0.2 says, and which setting it is, depends on the server. */
static void
test_banners(void **state)
{
	static const struct {
		const char *host, *banner;
		enum probe_verdict v[BIND_TRUTH_ADDRESSES];
		const char *words;
	} cases[] = {
		{ "*", "SSH-2.0-dropbear_2022.83", { P, P, R },
		    "bound to loopback only: dropbear on the server runs "
		    "without -a; start it with -a" },
		{ "10.0.0.1", "SSH-2.0-dropbear", { R, P },
		    "not to 10.0.0.1: dropbear on the server runs without" },
		{ NULL, "SSH-2.0-dropbear", { P, P, P },
		    "not to loopback alone: dropbear on the server runs with "
		    "-a" },
		{ "*", "SSH-2.0-OpenSSH_9.7 FreeBSD-20240806", { P, P, R },
		    NULL },
		{ "*", "SSH-2.0-OpenSSH_9.9 NetBSD_Secure_Shell-20240707",
		    { P, P, R }, NULL },
		{ "*", "SSH-2.0-OpenSSH_for_Windows_9.5", { P, P, R },
		    "GatewayPorts no" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct endpoint listen = { ENDPOINT_TCP,
		    (char *)cases[i].host, 8 };
		const char *addresses[BIND_TRUTH_ADDRESSES];
		struct probe_result results[BIND_TRUTH_ADDRESSES];
		size_t n = bind_truth_addresses(&listen, addresses);
		struct bind_truth truth;

		for (size_t j = 0; j < n; j++)
			results[j] = (struct probe_result){ addresses[j],
			    cases[i].v[j] };
		bind_truth_tell(&listen, 8, cases[i].banner, results, n,
		    &truth);
		if (cases[i].words == NULL)
			assert_null(truth.detail);
		else
			assert_non_null(strstr(truth.detail, cases[i].words));
		bind_truth_fini(&truth);
	}
}

static void
test_addresses_are_all_different(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct endpoint listen = { ENDPOINT_TCP,
		    (char *)rows[i].host, 8 };
		const char *out[BIND_TRUTH_ADDRESSES];
		size_t n = bind_truth_addresses(&listen, out);

		assert_in_range(n, 1, BIND_TRUTH_ADDRESSES);
		for (size_t j = 1; j < n; j++)
			assert_string_not_equal(out[j - 1], out[j]);
	}
}

static void
test_near(void **state)
{
	static const struct {
		const char *host, *originator;
		bool near;
	} near[] = {
		{ NULL, "127.0.0.1", true },
		{ NULL, "::1", true },
		{ NULL, "::ffff:127.0.0.1", true },
		{ NULL, "192.0.2.1", false },
		{ "*", "192.0.2.1", false },
		{ "*", "fd00::1", false },
		{ "*", "127.1.2.3", true },
		{ "0.0.0.0", "192.0.2.1", false },
		{ "192.0.2.1", "192.0.2.1", true },
		{ "192.0.2.1", "::ffff:192.0.2.1", true },
		{ "192.0.2.1", "192.0.2.2", false },
		/* However it is spelt. */
		{ "FD00:0:0::1", "fd00::1", true },
		{ "fd00::1", "fd00::2", false },
		/* Its addresses are not known here. */
		{ "gate.lan", "192.0.2.1", true },
		/* A server may tell nothing, or a name. */
		{ NULL, "", true },
		{ "*", "localhost", true },
		{ "/run/there", "", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(near) / sizeof(near[0]); i++) {
		const char *host = near[i].host;
		struct endpoint listen = { host != NULL && *host == '/' ?
		    ENDPOINT_UNIX : ENDPOINT_TCP, (char *)host, 8 };

		print_message("near %zu\n", i);
		assert_int_equal(bind_truth_is_near(&listen,
		    near[i].originator), near[i].near);
	}
}

static void
test_nonce(void **state)
{
	struct nonce a, b;
	uint8_t bytes[NONCE_SIZE + 1];
	struct err err;

	(void)state;
	assert_int_equal(nonce_make(&a, &err), 0);
	assert_int_equal(nonce_make(&b, &err), 0);
	assert_memory_not_equal(&a, &b, NONCE_SIZE);
	memcpy(bytes, a.bytes, NONCE_SIZE);
	bytes[NONCE_SIZE] = 'x';
	for (size_t n = 0; n < NONCE_SIZE; n++)
		assert_int_equal(nonce_compare(&a, bytes, n), NONCE_MORE);
	assert_int_equal(nonce_compare(&a, bytes, NONCE_SIZE), NONCE_FOUND);
	assert_int_equal(nonce_compare(&a, bytes, NONCE_SIZE + 1),
	    NONCE_FOUND);
	assert_int_equal(nonce_compare(&b, bytes, NONCE_SIZE), NONCE_OTHER);
	for (size_t at = 0; at < NONCE_SIZE; at++) {
		bytes[at] ^= 1;
		assert_int_equal(nonce_compare(&a, bytes, at), NONCE_MORE);
		for (size_t n = at + 1; n <= NONCE_SIZE; n++)
			assert_int_equal(nonce_compare(&a, bytes, n),
			    NONCE_OTHER);
		bytes[at] ^= 1;
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_banners),
		cmocka_unit_test(test_addresses_are_all_different),
		cmocka_unit_test(test_near),
		cmocka_unit_test(test_nonce),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
