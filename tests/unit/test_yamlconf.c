/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "config/yamlconf.h"

static struct yamlconf file;
static struct config *report;

static void
end(void)
{
	document_free(file.hosts);
	document_free(file.defaults);
	config_free(report);
	file = (struct yamlconf){ 0 };
	report = NULL;
}

static int
tear_down(void **state)
{
	(void)state;
	end();
	return 0;
}

static void
parse_n(const char *text, size_t n)
{
	end();
	report = mem_alloc(sizeof(*report));
	file = yamlconf_parse("f", text, n, report);
}

static void
parse(const char *text)
{
	parse_n(text, strlen(text));
}

/* All complaints, "line:column: text", one line each. Borrowed. */
static const char *
complaints(void)
{
	static struct str s;

	str_fini(&s);
	str_init(&s);
	str_append(&s, "");
	for (size_t i = 0; i < report->diagnostic_count; i++) {
		const struct diagnostic *d = &report->diagnostics[i];

		assert_int_equal(d->severity, SEVERITY_ERROR);
		assert_string_equal(d->file, "f");
		str_printf(&s, "%d:%d: %s\n", d->line, d->column, d->text);
	}
	return s.p != NULL ? s.p : "";
}

/* The entries of a block: "Keyword text|text @line:column", one line each. */
static const char *
entries(const struct block *b)
{
	static struct str s;

	str_fini(&s);
	str_init(&s);
	for (size_t i = 0; i < b->count; i++) {
		const struct entry *e = &b->entries[i];

		str_append(&s, e->keyword->name);
		for (size_t j = 0; j < e->value.count; j++)
			str_printf(&s, "%c%s", j == 0 ? ' ' : '|',
			    e->value.texts[j]);
		str_printf(&s, " @%d:%d\n", e->line, e->column);
	}
	return s.p != NULL ? s.p : "";
}

/* text is refused with exactly these complaints. */
static void
refuse(const char *text, const char *wanted)
{
	parse(text);
	assert_string_equal(complaints(), wanted);
}

/* A host's keywords; b is its block. */
static const char *
host(const char *keywords)
{
	char *text = str_dupf("hosts:\n  h:\n%s", keywords);

	parse(text);
	free(text);
	assert_string_equal(complaints(), "");
	assert_int_equal(file.hosts->count, 2);
	return entries(&file.hosts->blocks[1]);
}

static void
hosts_are_blocks(void **state)
{
	(void)state;
	parse("# a comment\n"
	    "hosts:\n"
	    "  vps:\n"
	    "    hostname: vps.example.net\n"
	    "    user: tunnel\n"
	    "  'na s':\n"
	    "  \"192.0.2.1\": {port: 2222}\n"
	    "defaults:\n"
	    "  server_alive_interval: 15s\n");
	assert_string_equal(complaints(), "");
	assert_true(file.hosts->is_sole);
	assert_false(file.hosts->lends);
	assert_int_equal(file.hosts->count, 4);
	assert_int_equal(file.hosts->blocks[1].kind, BLOCK_HOST);
	assert_int_equal(file.hosts->blocks[1].line, 3);
	assert_int_equal(file.hosts->blocks[1].patterns.count, 1);
	assert_string_equal(file.hosts->blocks[1].patterns.texts[0], "vps");
	assert_string_equal(entries(&file.hosts->blocks[1]),
	    "HostName vps.example.net @4:15\n"
	    "User tunnel @5:11\n");
	assert_string_equal(file.hosts->blocks[2].patterns.texts[0], "na s");
	assert_int_equal(file.hosts->blocks[2].count, 0);
	assert_string_equal(entries(&file.hosts->blocks[3]),
	    "Port 2222 @7:23\n");
	assert_false(file.defaults->is_sole);
	assert_int_equal(file.defaults->count, 1);
	assert_string_equal(entries(&file.defaults->blocks[0]),
	    "ServerAliveInterval 15 @9:26\n");
}

static void
nothing_is_fine(void **state)
{
	static const char *const texts[] = { "", "\n", "# x\n", "---\n",
	    "--- ~\n", "hosts:\n", "hosts: {}\n", "hosts: null\ndefaults:\n",
	    "%YAML 1.1\n---\nhosts:\n...\n", "\xef\xbb\xbfhosts:\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		refuse(texts[i], "");
		assert_int_equal(file.hosts->count, 1);
		assert_int_equal(file.defaults->blocks[0].count, 0);
	}
}

static void
forwards_are_texts_or_maps(void **state)
{
	(void)state;
	assert_string_equal(host(
	    "    remote_forward: [8080:localhost:80, \"*:2222:localhost:22\","
	    " '1080']\n"
	    "    local_forward: '[::1]:80:/run/x.sock'\n"
	    "    dynamic_forward: 1080\n"),
	    "RemoteForward 8080 [localhost]:80 @3:22\n"
	    "RemoteForward [*]:2222 [localhost]:22 @3:41\n"
	    "RemoteForward 1080 [socks]:0 @3:64\n"
	    "LocalForward [::1]:80 /run/x.sock @4:20\n"
	    "DynamicForward 1080 @5:22\n");
	assert_int_equal(file.hosts->blocks[1].entries[2].value.forward.kind,
	    FORWARD_REMOTE_DYNAMIC);
	assert_string_equal(file.hosts->blocks[1].entries[1].value.forward.id,
	    "R:*:2222");
	assert_string_equal(host(
	    "    local_forward:\n"
	    "      - {listen: 8080, target: localhost:80}\n"
	    "      - target: /run/x.sock\n"
	    "        listen: \"[::1]:81\"\n"
	    "      - 82 localhost:80\n"
	    "    remote_forward: {listen: '*:1080'}\n"
	    "    dynamic_forward: {listen: 127.0.0.1:1081}\n"),
	    "LocalForward 8080 [localhost]:80 @4:9\n"
	    "LocalForward [::1]:81 /run/x.sock @5:9\n"
	    "LocalForward 82 [localhost]:80 @7:9\n"
	    "RemoteForward [*]:1080 [socks]:0 @8:21\n"
	    "DynamicForward [127.0.0.1]:1081 @9:22\n");
}

static void
values_have_the_rows_kinds(void **state)
{
	(void)state;
	assert_string_equal(host(
	    "    hawser_backoff: 1s 5m\n"
	    "    hawser_enabled: yes\n"
	    "    batch_mode: false\n"
	    "    identity_file: [~/.ssh/a, /k/my key]\n"
	    "    user_known_hosts_file: ~/a \"~/b c\"\n"
	    "    global_known_hosts_file: [/a b, /c]\n"
	    "    remote_command: echo \"a b\" # c\n"
	    "    connect_timeout: none\n"
	    "    ciphers: [aes128-ctr, aes256-ctr]\n"
	    "    proxy_jump: [a, b:22]\n"
	    "    identities_only: 'yes'\n"
	    "    ipqos: [af21, cs1]\n"
	    "    certificate_file: []\n"),
	    "HawserBackoff 1s|5m @3:21\n"
	    "HawserEnabled yes @4:21\n"
	    "BatchMode no @5:17\n"
	    "IdentityFile ~/.ssh/a @6:21\n"
	    "IdentityFile /k/my key @6:31\n"
	    "UserKnownHostsFile ~/a|~/b c @7:28\n"
	    "GlobalKnownHostsFile /a b|/c @8:30\n"
	    "RemoteCommand echo \"a b\" @9:21\n"
	    "ConnectTimeout @10:22\n"
	    "Ciphers aes128-ctr,aes256-ctr @11:14\n"
	    "ProxyJump a,b:22 @12:17\n"
	    "IdentitiesOnly yes @13:22\n"
	    "IPQoS af21|cs1 @14:12\n");
}

static void
names_stand_once(void **state)
{
	(void)state;
	refuse("hosts:\n  a: {user: x, user: y}\n  b:\n  a:\n    user: z\n"
	    "hosts:\n  c:\n",
	    "2:16: user stands here twice, first in line 2\n"
	    "4:3: the host \"a\" stands here twice, first in line 2\n"
	    "6:1: hosts stands here twice, first in line 1\n");
	assert_int_equal(file.hosts->count, 3);
	refuse("hosts:\n  a:\n    local_forward:\n"
	    "      {listen: 1, listen: 2, target: a:1}\n",
	    "4:19: listen stands here twice\n");
	/* The same host in another spelling is the same host. */
	refuse("hosts: {a: , \"a\": , 'a': }\n",
	    "1:14: the host \"a\" stands here twice, first in line 1\n"
	    "1:21: the host \"a\" stands here twice, first in line 1\n");
}

static void
unknown_names_are_refused(void **state)
{
	(void)state;
	refuse("host:\n  a:\nextra: [1, {b: c}]\ndefaults:\n  usr: me\n"
	    "  server_alive_intervall: 3\n  ServerAliveInterval: 4\n"
	    "  qwertyuiop: 1\n  include: x\n  ignore_unknown: x\n"
	    "  <<: x\n",
	    "1:1: a file has hosts and defaults, but no \"host\"; did you mean "
	    "hosts?\n"
	    "3:1: a file has hosts and defaults, but no \"extra\"\n"
	    "5:3: there is no keyword \"usr\"; did you mean user?\n"
	    "6:3: there is no keyword \"server_alive_intervall\"; did you "
	    "mean server_alive_interval?\n"
	    "7:3: there is no keyword \"ServerAliveInterval\"; did you mean "
	    "server_alive_interval?\n"
	    "8:3: there is no keyword \"qwertyuiop\"\n"
	    "9:3: there is no keyword \"include\"\n"
	    "10:3: there is no keyword \"ignore_unknown\"\n"
	    "11:3: there is no keyword \"<<\"\n");
	refuse("hosts:\n  a:\n    local_forward: {port: 1}\n",
	    "3:21: a forward has listen and target, but no \"port\"\n");
}

static void
wrong_types_are_refused(void **state)
{
	(void)state;
	refuse("- a\n",
	    "1:1: the file has to be a map with hosts and defaults\n");
	refuse("just text\n",
	    "1:1: the file has to be a map with hosts and defaults\n");
	refuse("hosts: [a]\ndefaults: x\n",
	    "1:8: hosts has to be a map from names to their keywords\n"
	    "2:11: defaults has to be a map of keywords\n");
	refuse("hosts:\n  a: x\n  b: [user]\n  c:\n    user: [x]\n"
	    "    port: {x: y}\n    hostname:\n    tag: ~\n"
	    "    identity_file: [[x], {a: b}, y]\n"
	    "    ciphers: [[aes128-ctr]]\n"
	    "    dynamic_forward: [[1]]\n"
	    "    local_forward: {target: a:1}\n"
	    "    remote_forward: {listen: [1], target: }\n",
	    "2:6: a has to be a map of keywords\n"
	    "3:6: b has to be a map of keywords\n"
	    "5:11: user takes one value, not a list\n"
	    "6:11: port has to be a text, a number, or yes or no\n"
	    "7:14: hostname has no value\n"
	    "8:10: tag has no value\n"
	    "9:21: identity_file has to be a text, a number, or yes or no\n"
	    "9:26: identity_file has to be a text, a number, or yes or no\n"
	    "10:15: each item of ciphers has to be a text\n"
	    "11:23: dynamic_forward has to be a text or a map with listen "
	    "and target\n"
	    "12:20: local_forward needs listen: here\n"
	    "13:30: listen has to be a text\n"
	    "13:43: target has no value\n");
	assert_string_equal(entries(&file.hosts->blocks[3]),
	    "IdentityFile y @9:34\n");
	refuse("hosts:\n  ? [a]\n  : x\n  ~: y\n",
	    "2:5: a name has to stand here\n"
	    "4:3: this name has no value\n");
	refuse("hosts:\n  '*': {user: x}\n  'a?b': x\n  '!a':\n  '':\n",
	    "2:3: \"*\" is no host's name; defaults: holds what all hosts "
	    "share\n"
	    "3:3: \"a?b\" is no host's name; defaults: holds what all hosts "
	    "share\n"
	    "4:3: \"!a\" is no host's name; defaults: holds what all hosts "
	    "share\n"
	    "5:3: \"\" is no host's name; defaults: holds what all hosts "
	    "share\n");
}

static void
wrong_values_are_refused(void **state)
{
	(void)state;
	refuse("defaults:\n  port: 0\n  server_alive_interval: soon\n"
	    "  hawser_backoff: 1s\n  hawser_hold: -3\n  user: \"a\\nb\"\n"
	    "  hostname: \"a\\0b\"\n  tag: ''\n  batch_mode: on\n"
	    "  local_forward: ['80', 'a:b:c', '80:x:90']\n",
	    "2:9: port can't be 0\n"
	    "3:26: server_alive_interval needs a time (seconds, or 30s, 5m, "
	    "1h30m), not \"soon\"\n"
	    "4:19: hawser_backoff needs an argument\n"
	    "5:16: hawser_hold needs a time from 0 to 1d, not \"-3\"\n"
	    "6:9: user can't hold the end of a line or another control "
	    "character\n"
	    "7:13: hostname holds a NUL byte\n"
	    "8:8: tag needs a value\n"
	    "9:15: batch_mode can't be \"on\"; it is one of true, false, "
	    "yes, no\n"
	    "10:19: local_forward 80: it is not [bind:]port host:hostport\n"
	    "10:25: local_forward a:b:c: \"a\" is not a port (0 to "
	    "65535)\n");
	assert_string_equal(entries(&file.defaults->blocks[0]),
	    "LocalForward 80 [x]:90 @10:34\n");
}

static void
what_else_yaml_has_is_refused(void **state)
{
	(void)state;
	refuse("hosts:\n  a: &x\n    user: u\n  b: *x\n  c: {user: *x}\n"
	    "  d: !t {user: !!str x}\n  *x : {}\n  e: {identity_file: [*x]}\n",
	    "2:6: anchors (&x) aren't taken: defaults: holds what all hosts "
	    "share\n"
	    "4:6: aliases (*x) aren't taken: defaults: holds what all hosts "
	    "share\n"
	    "5:13: aliases (*x) aren't taken: defaults: holds what all hosts "
	    "share\n"
	    "6:6: tags (!t) aren't taken\n"
	    "6:16: tags (tag:yaml.org,2002:str) aren't taken\n"
	    "7:3: aliases (*x) aren't taken: defaults: holds what all hosts "
	    "share\n"
	    "8:23: aliases (*x) aren't taken: defaults: holds what all hosts "
	    "share\n");
	refuse("hosts:\n---\nhosts:\n",
	    "2:1: a second document begins here: a file holds one\n");
	refuse("%TAG !e! tag:example.net,2000:\n---\nhosts:\n",
	    "1:1: tags aren't taken\n");
}

static void
bad_yaml_has_a_place(void **state)
{
	(void)state;
	refuse("hosts:\n  a:\n    user: x\n   port: 22\n",
	    "4:4: it isn't YAML: did not find expected key, while parsing a "
	    "block mapping from line 2 on\n");
	refuse("hosts: {a: [\n",
	    "1:12: a has to be a map of keywords\n"
	    "2:1: it isn't YAML: did not find expected node content, while "
	    "parsing a flow node from line 2 on\n");
	refuse("hosts:\n\ta:\n",
	    "2:1: it isn't YAML: found character that cannot start any token, "
	    "while scanning for the next token from line 2 on\n");
	refuse("hosts:\n  a: {user: \xc3\xa9\xc3\xa9, tag: \xff}\n",
	    "2:22: a byte that can't stand in YAML in UTF-8 (invalid leading "
	    "UTF-8 octet)\n");
	refuse("hosts:\n  a:\n    tag: a\x01\n",
	    "3:11: a byte that can't stand in YAML in UTF-8 (control "
	    "characters are not allowed)\n");
	parse_n("\xff\xfeh\0o\0", 6);
	assert_string_equal(complaints(),
	    "1:1: a byte that can't stand in YAML in UTF-8 (invalid leading "
	    "UTF-8 octet)\n");
}

static void
depth_is_bounded(void **state)
{
	struct str s;

	(void)state;
	str_init(&s);
	str_append(&s, "hosts: ");
	for (int i = 0; i < 200000; i++)
		str_append(&s, "[");
	refuse(s.p, "1:8: hosts has to be a map from names to their keywords\n"
	    "1:23: maps and lists are nested more than 16 deep\n");
	str_fini(&s);
}

static void
values_are_bounded(void **state)
{
	struct str s;

	(void)state;
	str_init(&s);
	str_append(&s, "defaults:\n  identity_file: [");
	for (int i = 0; i <= YAMLCONF_VALUES_MAX; i++)
		str_append(&s, "k,");
	str_append(&s, "]\n");
	assert_true(s.len < YAMLCONF_SIZE_MAX);
	parse(s.p);
	assert_string_equal(complaints(), "2:400019: there are more than "
	    "200000 hosts and values in this file\n");
	str_fini(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(hosts_are_blocks, tear_down),
		cmocka_unit_test_teardown(nothing_is_fine, tear_down),
		cmocka_unit_test_teardown(forwards_are_texts_or_maps,
		    tear_down),
		cmocka_unit_test_teardown(values_have_the_rows_kinds,
		    tear_down),
		cmocka_unit_test_teardown(names_stand_once, tear_down),
		cmocka_unit_test_teardown(unknown_names_are_refused,
		    tear_down),
		cmocka_unit_test_teardown(wrong_types_are_refused, tear_down),
		cmocka_unit_test_teardown(wrong_values_are_refused,
		    tear_down),
		cmocka_unit_test_teardown(what_else_yaml_has_is_refused,
		    tear_down),
		cmocka_unit_test_teardown(bad_yaml_has_a_place, tear_down),
		cmocka_unit_test_teardown(depth_is_bounded, tear_down),
		cmocka_unit_test_teardown(values_are_bounded, tear_down),
	};

	return cmocka_run_group_tests_name("yamlconf", tests, NULL, NULL);
}
