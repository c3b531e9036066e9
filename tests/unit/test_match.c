/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "config/match.h"
#include "config/sha1.h"
#include "config/sshconf.h"

static const struct expand_user user = { .name = (char *)"me",
    .home = (char *)"/home/me", .machine = (char *)"box.example" };

static const char *ran;

static int
pretend_to_run(void *arg, const char *command, struct err *err)
{
	(void)arg;
	(void)err;
	ran = command;
	return strcmp(command, "true vps") == 0;
}

static bool
pretend_network(const char *networks)
{
	return strcmp(networks, "10.0.0.0/8") == 0;
}

/* Cuts the criteria into words, as the line's parser does, and parses them. */
static int
parse(struct match *out, const char *criteria, struct err *err)
{
	char *text = str_dupf("Match %s", criteria);
	struct sshconf_line line;
	int rc = sshconf_parse_line(&line, text, strlen(text), err);

	if (rc == 0)
		rc = match_parse(out, line.argv, line.argc, err);
	sshconf_line_fini(&line);
	free(text);
	return rc;
}

static int
holds_in(const char *criteria, bool final)
{
	struct match_subject s = { .host = "Vps.Example", .original = "vps",
	    .user = "root", .local_user = "me", .tag = "blue",
	    .final = final, .is_local = pretend_network,
	    .exec = pretend_to_run };
	struct match m = { 0 };
	struct err err;
	int rc;

	s.tokens = (struct expand_tokens){ .user = &user, .original = "vps",
	    .host = "vps", .port = "22", .remote_user = "root",
	    .alias = "vps", .jump = "" };
	if (parse(&m, criteria, &err) == -1) {
		match_fini(&m);
		return -1;
	}
	rc = match_holds(&m, &s, &err);
	match_fini(&m);
	return rc;
}

static void
criteria_hold_or_not(void **state)
{
	static const struct {
		const char *criteria;
		int first, final;
	} rows[] = {
		{ "all", 1, 1 },
		{ "!all", 0, 0 },
		{ "final", 0, 1 },
		{ "!final", 1, 0 },
		{ "canonical all", 0, 1 },
		{ "final user root # comment", 0, 1 },
		{ "host vps.example", 1, 1 },
		{ "host VPS.*", 1, 1 },
		{ "host=vps.*", 1, 1 },
		{ "!host vps.*", 0, 0 },
		{ "host vps", 0, 0 },
		{ "host *,!vps*", 0, 0 },
		{ "originalhost vps", 1, 1 },
		{ "originalhost a,b,v?s", 1, 1 },
		{ "user root", 1, 1 },
		{ "user Root", 0, 0 },
		{ "localuser me user root", 1, 1 },
		{ "localuser you user root", 0, 0 },
		{ "tagged blue", 1, 1 },
		{ "tagged red", 0, 0 },
		{ "localnetwork 10.0.0.0/8", 1, 1 },
		{ "localnetwork 192.0.2.0/24", 0, 0 },
		{ "exec \"true %n\"", 1, 1 },
		{ "!exec \"true %n\"", 0, 0 },
		{ "sessiontype none", 1, 1 },
		{ "command \"\"", 1, 1 },
		{ "command *", 0, 0 },
		{ "tagged \"\"", 0, 0 },
		{ "host 'vps.example'", 1, 1 },
		{ "localnetwork 10.0.0.1/8", -1, -1 },
		{ "localnetwork !10.0.0.0/8", -1, -1 },
		{ "all=x", -1, -1 },
		{ "version OpenSSH*", 0, 0 },
		{ "", -1, -1 },
		{ "# comment", -1, -1 },
		{ "all host vps", -1, -1 },
		{ "host", -1, -1 },
		{ "hots vps", -1, -1 },
		{ "host \"vps", -1, -1 },
		{ "exec \"%x\"", -1, -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (holds_in(rows[i].criteria, false) != rows[i].first ||
		    holds_in(rows[i].criteria, true) != rows[i].final)
			fail_msg("Match %s", rows[i].criteria);
}

static void
commands_run_only_if_they_decide(void **state)
{
	(void)state;
	ran = NULL;
	assert_int_equal(holds_in("user nobody exec true", false), 0);
	assert_null(ran);
}

static void
host_lines_have_patterns(void **state)
{
	char *patterns[] = { (char *)"*.example", (char *)"!b.example",
	    (char *)"c" };

	(void)state;
	assert_true(match_host_line(patterns, 3, "a.example"));
	assert_false(match_host_line(patterns, 3, "b.example"));
	assert_true(match_host_line(patterns, 3, "c"));
	assert_false(match_host_line(patterns, 3, "d"));
	assert_false(match_host_line(patterns, 0, "d"));
}

static void
the_hash_of_tokens_is_sha1(void **state)
{
	static const char long_text[] = "abcdbcdecdefdefgefghfghighijhijkijk"
	    "ljklmklmnlmnomnopnopq";
	char hex[SHA1_HEX_SIZE];

	(void)state;
	/* FIPS 180-4's examples. */
	sha1_hex(hex, "abc", 3);
	assert_string_equal(hex, "a9993e364706816aba3e25717850c26c9cd0d89d");
	sha1_hex(hex, "", 0);
	assert_string_equal(hex, "da39a3ee5e6b4b0d3255bfef95601890afd80709");
	sha1_hex(hex, long_text, strlen(long_text));
	assert_string_equal(hex, "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(criteria_hold_or_not),
		cmocka_unit_test(commands_run_only_if_they_decide),
		cmocka_unit_test(host_lines_have_patterns),
		cmocka_unit_test(the_hash_of_tokens_is_sha1),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
