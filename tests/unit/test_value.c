/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "config/value.h"

/* Parses a whole line; the texts joined by blanks, or NULL. */
static char *
texts(const char *text, struct err *err)
{
	struct sshconf_line line;
	struct value v = { 0 };
	struct str s;
	int rc;

	assert_int_equal(sshconf_parse_line(&line, text, strlen(text), err),
	    0);
	assert_non_null(keyword_find(line.keyword));
	rc = value_parse(keyword_find(line.keyword), &line, &v, err);
	str_init(&s);
	for (size_t i = 0; i < v.count; i++)
		str_printf(&s, "%s%s", i > 0 ? " " : "", v.texts[i]);
	value_fini(&v);
	sshconf_line_fini(&line);
	if (rc == 0)
		return str_take(&s);
	str_fini(&s);
	return NULL;
}

static const struct {
	const char *line, *means;	/* NULL: refused */
} rows[] = {
	{ "Port 22", "22" },
	{ "Port ssh", "22" },
	{ "Port 0", NULL },
	{ "Port 70000", NULL },
	{ "Port 22 23", NULL },
	{ "User \"\"", NULL },
	{ "Compression yes", "yes" },
	{ "Compression true", NULL },
	{ "IdentitiesOnly TRUE", "yes" },
	{ "IdentitiesOnly maybe", NULL },
	{ "StrictHostKeyChecking off", "false" },
	{ "StrictHostKeyChecking accept-new", "accept-new" },
	{ "ConnectTimeout 1m30", "90" },
	{ "ConnectTimeout none", "" },
	{ "ConnectTimeout 1x", NULL },
	{ "ConnectTimeout -1", NULL },
	{ "ConnectTimeout 99999999999", NULL },
	{ "ServerAliveCountMax 3", "3" },
	{ "ServerAliveCountMax x", NULL },
	{ "UserKnownHostsFile a b", "a b" },
	{ "UserKnownHostsFile a none", NULL },
	{ "ProxyCommand ssh  -W \"%h\" # no comment",
	    "ssh  -W \"%h\" # no comment" },
	{ "ProxyCommand=nc %h %p", "nc %h %p" },
	{ "ProxyJump a", "a" },
	{ "ProxyJump u@a:22,ssh://b@c:1 # comment", "u@a:22,b@c:1" },
	{ "ProxyJump ::1", NULL },
	{ "ProxyJump [::1]:3", "[::1]:3" },
	{ "ProxyJump 10.0.0.1", "[10.0.0.1]" },
	{ "ProxyJump u@", NULL },
	{ "ProxyJump a,,b", NULL },
	{ "ProxyJump none", "none" },
	{ "Ciphers aes128-ctr,aes256-ctr", "aes128-ctr,aes256-ctr" },
	{ "Ciphers +aes128-ctr", "+aes128-ctr" },
	{ "Ciphers -whatever*", "-whatever*" },
	{ "Ciphers rot13", NULL },
	{ "HostKeyAlgorithms ssh-ed25519*", "ssh-ed25519*" },
	{ "HostKeyAlgorithms foo*", NULL },
	{ "IPQoS 0x10", "lowdelay lowdelay" },
	{ "IPQoS af21 cs1", "af21 cs1" },
	{ "IPQoS 3", "0x03 0x03" },
	{ "IPQoS 256", NULL },
	{ "RekeyLimit 1G 1h", "1073741824 3600" },
	{ "RekeyLimit default none", "0" },
	{ "RekeyLimit 1.5K", "1536" },
	{ "RekeyLimit 8", NULL },
	{ "RekeyLimit 1Z", NULL },
	{ "EscapeChar ^A", "\\^A" },
	{ "EscapeChar none", "none" },
	{ "EscapeChar ab", NULL },
	{ "HawserVerify No", "0" },
	{ "HawserVerify never", NULL },
	{ "StreamLocalBindMask 0111", "0111" },
	{ "StreamLocalBindMask 01000", NULL },
	{ "TunnelDevice 1", "1:any" },
	{ "TunnelDevice any:2", "any:2" },
	{ "TunnelDevice x", NULL },
	{ "ControlPersist 5m", "300" },
	{ "ControlPersist 0", "yes" },
	{ "AddKeysToAgent confirm 5m", "confirm 300" },
	{ "AddKeysToAgent yes 5m", NULL },
	{ "AddKeysToAgent 1h", "3600" },
	{ "SendEnv LANG LC_*", "LANG LC_*" },
	{ "SendEnv A=B", NULL },
	{ "SetEnv A=1 B=2 A=3", "A=1 B=2" },
	{ "PermitRemoteOpen a:80 [b]:*", "a:80 [b]:*" },
	{ "PermitRemoteOpen a:80 none", NULL },
	{ "PermitRemoteOpen # nothing", NULL },
	{ "CanonicalDomains Example.NET. b", "example.net b" },
	{ "CanonicalDomains -x", NULL },
	{ "CanonicalizePermittedCNAMEs *.A:b", "*.a:b" },
	{ "CanonicalizePermittedCNAMEs x", NULL },
	{ "ChannelTimeout session=1m", "session=1m" },
	{ "ChannelTimeout session", NULL },
	{ "ObscureKeystrokeTiming interval:50", "50" },
	{ "ObscureKeystrokeTiming interval:20", "yes" },
	{ "ObscureKeystrokeTiming interval:", NULL },
	{ "IdentityAgent $SOCK", "$SOCK" },
	{ "IdentityAgent $SO-CK", NULL },
	{ "ForwardAgent True", "yes" },
	{ "LocalForward 80 h:81", "80 [h]:81" },
	{ "LocalForward 80", NULL },
	{ "RemoteForward 80", "80 [socks]:0" },
	{ "DynamicForward 80 90", NULL },
	{ "HawserBackoff 500ms 5m", "500ms 5m" },
	{ "HawserBackoff 5m 1s", NULL },
	{ "HawserBackoff 1s", NULL },
	{ "HawserHold 90", "1m30s" },
	{ "HawserHold 0", "0" },
	{ "HawserHold 2d", NULL },
	{ "Cipher blowfish whatever", "blowfish whatever" },
};

static void
lines_mean_what_ssh_prints(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err err = { 0 };
		char *got = texts(rows[i].line, &err);

		if (!str_equal(got, rows[i].means))
			fail_msg("%s: got %s (%s)", rows[i].line,
			    got != NULL ? got : "an error", err.text);
		if (got == NULL)
			assert_int_equal(err.code, ERR_INPUT);
		free(got);
	}
}

/* Every default of the table is one that its own row would take. */
static void
defaults_are_what_their_rows_take(void **state)
{
	(void)state;
	for (int i = 0; i < KEYWORD_COUNT; i++) {
		const struct keyword *k = keyword_get((enum keyword_id)i);
		char *line, *got;
		struct err err;

		assert_non_null(k->name);
		assert_non_null(k->help);
		if (k->def == NULL || k->many)
			continue;
		line = str_dupf("%s %s", k->name, k->def);
		got = texts(line, &err);
		if (!str_equal(got, k->def) && i != KW_FINGERPRINTHASH)
			fail_msg("%s became %s", line, got ? got : err.text);
		free(line);
		free(got);
	}
}

static void
names_are_found_in_any_case(void **state)
{
	(void)state;
	assert_ptr_equal(keyword_find("SERVERaliveinterval"),
	    keyword_get(KW_SERVERALIVEINTERVAL));
	assert_ptr_equal(keyword_find("keepalive"),
	    keyword_get(KW_TCPKEEPALIVE));
	assert_null(keyword_find("ServerAliveIntervall"));
	assert_null(keyword_find("deprecated"));
	assert_string_equal(keyword_nearest("ServerAliveIntervall"),
	    "ServerAliveInterval");
	for (int i = 0; i < KW_DEPRECATED; i++) {
		const struct keyword *k = keyword_get((enum keyword_id)i);

		assert_ptr_equal(keyword_find(k->name), k);
		assert_int_equal(keyword_id(k), i);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_mean_what_ssh_prints),
		cmocka_unit_test(defaults_are_what_their_rows_take),
		cmocka_unit_test(names_are_found_in_any_case),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
