/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "config/document.h"
#include "config/host.h"
#include "config/jump.h"
#include "config/plan.h"
#include "config/resolve.h"

/* A model with a host for each letter of names, out of one text. */
static struct config *
model(const char *text, const char *names)
{
	struct config *c = mem_alloc(sizeof(*c));
	struct document_list list = { 0 };
	struct expand_user user = { .name = (char *)"u",
	    .home = (char *)"/h", .machine = (char *)"m" };
	struct resolve_source source = { .documents = &list,
	    .user = &user };

	document_list_add(&list,
	    document_parse("f", text, strlen(text), false, c));
	c->hosts = mem_alloc(strlen(names) * sizeof(*c->hosts));
	for (; *names != '\0'; names++) {
		char name[] = { *names, '\0' };
		struct resolution r = { 0 };

		assert_int_equal(resolve_name(&source, name, &r, c), 0);
		host_build(&c->hosts[c->host_count], &r, "f", 1, c);
		jump_build(&c->hosts[c->host_count++], &r, &source, c);
		resolution_fini(&r);
	}
	assert_int_equal(c->diagnostic_count, 0);
	document_list_fini(&list);
	return c;
}

/*
 * Plans against tests/unit/golden/plan.txt. After a change that is meant, run
 * the test with HAWSER_WRITE_GOLDEN=1 and read the difference.
 */

#define A	"Host a\nLocalForward 1 x:1\n"
#define B	"Host b\nLocalForward 2 x:1\n"

static const struct {
	const char *title, *old, *old_names, *new_, *new_names;
} cases[] = {
	{ "the first load", NULL, "", A B, "ab" },
	{ "nothing, as before", "", "", "", "" },
	{ "only other lines", A B, "ab", "# a comment\n\n" A B, "ab" },
	{ "a host goes", A B, "ab", B, "b" },
	{ "hosts come and go", A B, "ab", A "Host c\nDynamicForward 3\n",
	    "ca" },
	{ "the last one goes", A, "a", "", "" },
	{ "hosts change places", A B, "ab", B A, "ba" },
	{ "forwards are added", A B, "ab",
	    A B "LocalForward 3 y:1\nDynamicForward 4\n", "ab" },
	{ "a forward goes", A "RemoteForward 5 z:1\n", "a", A, "a" },
	{ "a forward gets another target", A, "a",
	    "Host a\nLocalForward 1 y:1\n", "a" },
	{ "a forward gets another port", A, "a",
	    "Host a\nLocalForward 9 x:1\n", "a" },
	{ "a forward gets another address", A, "a",
	    "Host a\nLocalForward *:1 x:1\n", "a" },
	{ "all forwards get another address", A "LocalForward 2 x:1\n", "a",
	    A "LocalForward 2 x:1\nGatewayPorts yes\n", "a" },
	{ "a target becomes SOCKS", "Host a\nRemoteForward 1 x:1\n", "a",
	    "Host a\nRemoteForward 1\n", "a" },
	{ "another kind on the same port", A, "a",
	    "Host a\nDynamicForward 1\n", "a" },
	{ "forwards change places", A "LocalForward 3 x:1\n", "a",
	    "Host a\nLocalForward 3 x:1\nLocalForward 1 x:1\n", "a" },
	{ "a second port of the server's choice",
	    "Host a\nRemoteForward 0 x:1\n", "a",
	    "Host a\nRemoteForward 0 x:1\nRemoteForward 0 x:2\n", "a" },
	{ "the first port of the server's choice goes",
	    "Host a\nRemoteForward 0 x:1\nRemoteForward 0 x:2\n", "a",
	    "Host a\nRemoteForward 0 x:2\n", "a" },
	{ "settings of a live link", A, "a",
	    A "ServerAliveInterval 9\nHawserHold 9s\n", "a" },
	{ "settings and forwards", A, "a",
	    A "ServerAliveInterval 9\nLocalForward 3 x:1\n", "a" },
	{ "another server", A, "a", A "HostName y\nPort 23\n", "a" },
	{ "another server and forwards", A, "a",
	    "Host a\nHostName y\nLocalForward 3 x:1\nServerAliveInterval 9\n",
	    "a" },
	{ "other algorithms", A, "a", A "Ciphers -*gcm*\nMACs hmac-sha2-512\n",
	    "a" },
	{ "the same algorithms, said in another way",
	    A "Ciphers aes256-ctr,aes128-ctr\n", "a",
	    A "Ciphers aes256-ctr,aes128-ctr,aes256-ctr\n", "a" },
	{ "a host is switched off", A, "a", A "HawserEnabled no\n", "a" },
	{ "a hop's pings", A "ProxyJump b\n" B, "a",
	    A "ProxyJump b\n" B "ServerAliveCountMax 9\n", "a" },
	{ "a hop's wait, which nobody waits", A "ProxyJump b\n" B, "a",
	    A "ProxyJump b\n" B "HawserHold 9s\n", "a" },
	{ "a hop's port", A "ProxyJump b\n" B, "a",
	    A "ProxyJump b\n" B "Port 9\nServerAliveCountMax 9\n", "a" },
	{ "defaults for all", A B, "ab", A B "Host *\nUser x\n", "ab" },
};

static void
print_case(struct str *out, size_t i)
{
	struct config *old = cases[i].old != NULL ?
	    model(cases[i].old, cases[i].old_names) : NULL;
	struct config *new_ = model(cases[i].new_, cases[i].new_names);
	struct plan *p = plan_make(old, new_);

	str_printf(out, "# %s\n", cases[i].title);
	plan_format(p, out);
	plan_free(p);
	config_free(old);
	config_free(new_);
}

static void
plans_are_as_documented(void **state)
{
	const char *top = getenv("HAWSER_SOURCE_DIR");
	char *path = str_dupf("%s/tests/unit/golden/plan.txt",
	    top != NULL ? top : "."), *want;
	struct str got;
	size_t n;
	FILE *f;

	(void)state;
	str_init(&got);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		print_case(&got, i);
	if (getenv("HAWSER_WRITE_GOLDEN") != NULL) {
		f = fopen(path, "w");
		assert_non_null(f);
		fputs(got.p, f);
		fclose(f);
	}
	f = fopen(path, "r");
	assert_non_null(f);
	want = mem_alloc(65536);
	n = fread(want, 1, 65535, f);
	want[n] = '\0';
	fclose(f);
	assert_string_equal(got.p, want);
	free(want);
	free(path);
	str_fini(&got);
}

/* A kept host has a step too: its new model has to take the old one's place. */
static void
every_host_has_a_step(void **state)
{
	struct config *old = model(A B, "ab"), *new_ = model(B, "b");
	struct plan *p = plan_make(old, new_);

	(void)state;
	assert_int_equal(p->step_count, 2);
	assert_int_equal(p->steps[0].action, PLAN_REMOVE);
	assert_ptr_equal(p->steps[0].old, &old->hosts[0]);
	assert_int_equal(p->steps[1].action, PLAN_KEEP);
	assert_ptr_equal(p->steps[1].old, &old->hosts[1]);
	assert_ptr_equal(p->steps[1].new_, &new_->hosts[0]);
	plan_free(p);
	config_free(old);
	config_free(new_);
}

static bool
names_row(const struct plan_step *s, const struct keyword *row)
{
	for (size_t i = 0; i < s->row_count; i++)
		if (s->rows[i] == row)
			return true;
	return false;
}

/* Each row's reload class is the one that the plan obeys. */
static void
every_row_has_its_effect(void **state)
{
	static const char *const lines[] = {
		"ProxyJump x", "ProxyCommand x",
		"User x", "HostName x", "Port 3", "IdentitiesOnly yes",
		"AddressFamily inet", "BindAddress x", "BindInterface x",
		"IPQoS none", "TCPKeepAlive no",
		"StrictHostKeyChecking no", "ServerAliveCountMax 9",
		"ServerAliveInterval 9", "DynamicForward 9",
		"LocalForward 9 h:9", "RemoteForward 9 h:9",
		"IdentityFile /x", "CertificateFile /x",
		"IdentityAgent /x", "HostKeyAlias x", "HashKnownHosts yes",
		"UpdateHostKeys no", "RevokedHostKeys /x",
		"GlobalKnownHostsFile /x",
		"UserKnownHostsFile /x", "ConnectTimeout 9",
		"ExitOnForwardFailure yes",
		"StreamLocalBindMask 0111", "StreamLocalBindUnlink yes",
		"KexAlgorithms curve25519-sha256",
		"HostKeyAlgorithms rsa-sha2-256", "Ciphers -aes*",
		"MACs ^hmac-sha2-512", "PubkeyAcceptedAlgorithms ssh-ed25519",
		"CASignatureAlgorithms ssh-ed25519",
		"Compression yes", "RequiredRSASize 2048",
		"HawserEnabled no", "HawserBackoff 2s 3s", "HawserStable 9s",
		"HawserHold 9s", "HawserDrain 9s", "HawserVerify no",
		"HawserPassphraseCommand x", "BatchMode yes",
		"KbdInteractiveAuthentication no", "PasswordAuthentication no",
		"PubkeyAuthentication no", "NumberOfPasswordPrompts 1",
		"PreferredAuthentications publickey",
		"PermitRemoteOpen none", "HawserProxyProtocol v1",
		"HawserTakeover x", "HawserOnChange x",
	};
	bool tried[KEYWORD_COUNT] = { false };

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		char *name = str_dup(lines[i]), *text;
		const struct keyword *k;
		struct config *old = model(A B, "b"), *new_;
		struct plan *p;

		*strchr(name, ' ') = '\0';
		k = keyword_find(name);
		text = str_dupf(A B "%s\n", lines[i]);
		new_ = model(text, "b");
		p = plan_make(old, new_);
		if (p->steps[0].action != (k->reload == RELOAD_LIVE ?
		    PLAN_LIVE : PLAN_REPLACE))
			fail_msg("%s: %d", lines[i], p->steps[0].action);
		if (k->field == FIELD_FORWARDS)
			assert_int_equal(p->steps[0].change_count, 1);
		else
			assert_true(names_row(&p->steps[0], k));
		plan_free(p);
		config_free(old);
		config_free(new_);
		free(text);
		free(name);
		tried[keyword_id(k)] = true;
	}
	for (int i = 0; i < KEYWORD_COUNT; i++) {
		const struct keyword *k = keyword_get((enum keyword_id)i);

		if (k->field != FIELD_NONE && !tried[i])
			fail_msg("no line with %s here", k->name);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plans_are_as_documented),
		cmocka_unit_test(every_host_has_a_step),
		cmocka_unit_test(every_row_has_its_effect),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
