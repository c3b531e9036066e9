/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "config/assemble.h"
#include "config/document.h"

/*
 * The arithmetic of lists, with the lists of OpenSSH 9.2 (ssh -Q, ssh -G): what
 * is wanted here is what "ssh -G -o Ciphers=…" printed.
 */
#define CIPHERS \
	"chacha20-poly1305@openssh.com,aes128-ctr,aes192-ctr,aes256-ctr," \
	"aes128-gcm@openssh.com,aes256-gcm@openssh.com"
#define ALL_CIPHERS \
	"3des-cbc,aes128-cbc,aes192-cbc,aes256-cbc,aes128-ctr,aes192-ctr," \
	"aes256-ctr,aes128-gcm@openssh.com,aes256-gcm@openssh.com," \
	"chacha20-poly1305@openssh.com"
#define MACS \
	"umac-64-etm@openssh.com,umac-128-etm@openssh.com," \
	"hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com," \
	"hmac-sha1-etm@openssh.com,umac-64@openssh.com,umac-128@openssh.com," \
	"hmac-sha2-256,hmac-sha2-512,hmac-sha1"
#define KEX \
	"sntrup761x25519-sha512,sntrup761x25519-sha512@openssh.com," \
	"curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256," \
	"ecdh-sha2-nistp384,ecdh-sha2-nistp521," \
	"diffie-hellman-group-exchange-sha256," \
	"diffie-hellman-group16-sha512,diffie-hellman-group18-sha512," \
	"diffie-hellman-group14-sha256"
/* A shorter list than ssh's, in the order of ssh -Q HostKeyAlgorithms. */
#define ALL_KEYS	"ssh-ed25519,ecdsa-sha2-nistp256,ssh-rsa," \
			"rsa-sha2-256,rsa-sha2-512"
#define KEYS		"ssh-ed25519,ecdsa-sha2-nistp256,rsa-sha2-512," \
			"rsa-sha2-256"

static const struct {
	const char *usual, *all, *text, *want, *dropped;
} rows[] = {
	{ CIPHERS, ALL_CIPHERS, "aes128-ctr,aes128-ctr", "aes128-ctr", NULL },
	{ CIPHERS, ALL_CIPHERS, "aes128-ctr,", "aes128-ctr", NULL },
	{ CIPHERS, ALL_CIPHERS, ",aes128-ctr", "aes128-ctr", NULL },
	{ CIPHERS, ALL_CIPHERS, "+aes128-ctr", CIPHERS, NULL },
	{ CIPHERS, ALL_CIPHERS, "+aes128-cbc,aes128-cbc,aes256-cbc",
	    CIPHERS ",aes128-cbc,aes256-cbc", NULL },
	{ CIPHERS, ALL_CIPHERS, "^aes256-ctr,aes128-cbc",
	    "aes256-ctr,aes128-cbc,chacha20-poly1305@openssh.com,aes128-ctr,"
	    "aes192-ctr,aes128-gcm@openssh.com,aes256-gcm@openssh.com", NULL },
	{ CIPHERS, ALL_CIPHERS, "-aes*", "chacha20-poly1305@openssh.com",
	    NULL },
	{ CIPHERS, ALL_CIPHERS, "-*", "", NULL },
	{ CIPHERS, ALL_CIPHERS, "-", CIPHERS, NULL },
	{ CIPHERS, ALL_CIPHERS, "-nosuch", CIPHERS, NULL },
	{ CIPHERS, ALL_CIPHERS, "-AES128-CTR", CIPHERS, NULL },
	{ CIPHERS, ALL_CIPHERS, "-aes1?8-*", "chacha20-poly1305@openssh.com,"
	    "aes192-ctr,aes256-ctr,aes256-gcm@openssh.com", NULL },
	{ CIPHERS, ALL_CIPHERS, "-!aes*,*", "aes128-ctr,aes192-ctr,"
	    "aes256-ctr,aes128-gcm@openssh.com,aes256-gcm@openssh.com", NULL },
	{ MACS, MACS, "-*sha1*,umac*", "hmac-sha2-256-etm@openssh.com,"
	    "hmac-sha2-512-etm@openssh.com,hmac-sha2-256,hmac-sha2-512",
	    NULL },
	{ KEX, KEX, "-!curve*,sntrup*", "curve25519-sha256,"
	    "curve25519-sha256@libssh.org,ecdh-sha2-nistp256,"
	    "ecdh-sha2-nistp384,ecdh-sha2-nistp521,"
	    "diffie-hellman-group-exchange-sha256,"
	    "diffie-hellman-group16-sha512,diffie-hellman-group18-sha512,"
	    "diffie-hellman-group14-sha256", NULL },
	{ KEYS, ALL_KEYS, "ssh-rsa,ssh-*,rsa*",
	    "ssh-rsa,ssh-ed25519,rsa-sha2-256,rsa-sha2-512", NULL },
	{ KEYS, ALL_KEYS, "^ssh-rsa,*ed25519*", "ssh-rsa,ssh-ed25519,"
	    "ecdsa-sha2-nistp256,rsa-sha2-512,rsa-sha2-256", NULL },
	{ KEYS, ALL_KEYS, "+ssh-rsa", KEYS ",ssh-rsa", NULL },
	/* Names that exist, but that nobody here can do. */
	{ KEYS, ALL_KEYS, "ssh-dss,ssh-ed25519,sk-*,ssh-dss", "ssh-ed25519",
	    "ssh-dss" },
	{ KEYS, ALL_KEYS, "+ssh-dss,a,ssh-rsa", KEYS ",ssh-rsa",
	    "ssh-dss,a" },
	{ KEYS, ALL_KEYS, "ssh-dss", "", "ssh-dss" },
	{ CIPHERS, ALL_CIPHERS, "AES128-CTR", "", "AES128-CTR" },
};

static void
lists_are_as_ssh_makes_them(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct str got, dropped;

		str_init(&got);
		str_init(&dropped);
		assemble_names(&got, rows[i].text, rows[i].usual, rows[i].all,
		    &dropped);
		if (!str_equal(got.p != NULL ? got.p : "", rows[i].want))
			fail_msg("%s: %s", rows[i].text, got.p);
		if (!str_equal(dropped.p, rows[i].dropped))
			fail_msg("%s drops %s", rows[i].text, dropped.p);
		str_fini(&got);
		str_fini(&dropped);
	}
}

/* The list that lines of a file f make; what is said goes to report. */
static void
build(const char *lines, enum keyword_id id, bool lends,
    struct algorithm_list *out, struct config *report)
{
	struct document_list list = { 0 };
	struct expand_user user = { .name = (char *)"u", .home = (char *)"/h",
	    .machine = (char *)"m" };
	struct resolve_source source = { .documents = &list, .user = &user };
	struct resolution r = { 0 };

	document_list_add(&list, document_parse("f", lines, strlen(lines),
	    lends, report));
	assert_int_equal(resolve_name(&source, "h", &r, report), 0);
	assemble_list(out, keyword_get(id), &r, report);
	resolution_fini(&r);
	document_list_fini(&list);
}

static void
assert_list(const char *lines, enum keyword_id id, const char *names,
    bool is_arranged, const char *text)
{
	struct config *report = mem_alloc(sizeof(*report));
	struct algorithms a = { 0 };

	build(lines, id, false, &a.lists[0], report);
	assert_string_equal(a.lists[0].names, names);
	assert_string_equal(a.lists[0].origin, "f:1");
	assert_int_equal(a.lists[0].is_arranged, is_arranged);
	assert_int_equal(report->diagnostic_count, text != NULL);
	if (text != NULL) {
		assert_string_equal(report->diagnostics[0].text, text);
		assert_int_equal(report->diagnostics[0].severity,
		    SEVERITY_WARNING);
		assert_int_equal(report->diagnostics[0].line, 1);
	}
	algorithms_fini(&a);
	config_free(report);
}

#define CERT(type)	type "-cert-v01@openssh.com,"

static void
lines_make_lists(void **state)
{
	(void)state;
	assert_list("Ciphers aes256-ctr,aes256-gcm@openssh.com\n", KW_CIPHERS,
	    "aes256-ctr,aes256-gcm@openssh.com", true, NULL);
	assert_list("Ciphers -*-ctr,aes*\n", KW_CIPHERS,
	    "chacha20-poly1305@openssh.com", false, NULL);
	assert_list("MACs umac-64@openssh.com,hmac-sha2-512\n", KW_MACS,
	    "hmac-sha2-512", true,
	    "MACs: hawser can't do umac-64@openssh.com and goes on without");
	assert_list("MACs +hmac-sha1\n", KW_MACS,
	    "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,"
	    "hmac-sha2-256,hmac-sha2-512,hmac-sha1", false,
	    "MACs allows hmac-sha1, which is no longer safe: only for a "
	    "server that can do nothing better");
	assert_list("HostKeyAlgorithms ^rsa-sha2-256\n", KW_HOSTKEYALGORITHMS,
	    "rsa-sha2-256," CERT("ssh-ed25519") CERT("ecdsa-sha2-nistp256")
	    CERT("ecdsa-sha2-nistp384") CERT("ecdsa-sha2-nistp521")
	    CERT("rsa-sha2-512") CERT("rsa-sha2-256")
	    "ssh-ed25519,ecdsa-sha2-nistp256,"
	    "ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,rsa-sha2-512", true,
	    NULL);
	assert_list("PubkeyAcceptedKeyTypes ssh-rsa*\n",
	    KW_PUBKEYACCEPTEDALGORITHMS,
	    "ssh-rsa-cert-v01@openssh.com,ssh-rsa", true,
	    "PubkeyAcceptedAlgorithms allows ssh-rsa-cert-v01@openssh.com,"
	    "ssh-rsa, which is no longer safe: only for a server that can do "
	    "nothing better");
	assert_list("KexAlgorithms curve25519-sha256\n"
	    "KexAlgorithms ecdh-sha2-nistp256\n", KW_KEXALGORITHMS,
	    "curve25519-sha256", true, NULL);
}

static void
nothing_left_is_an_error(void **state)
{
	static const char *const lines[] = { "Ciphers -*\n",
	    "KexAlgorithms sntrup761x25519-sha512@openssh.com\n",
	    "HostKeyAlgorithms *dss*\n" };
	static const enum keyword_id ids[] = { KW_CIPHERS, KW_KEXALGORITHMS,
	    KW_HOSTKEYALGORITHMS };

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct config *report = mem_alloc(sizeof(*report));
		struct algorithms a = { 0 };

		build(lines[i], ids[i], i == 1, &a.lists[0], report);
		assert_int_equal(report->diagnostic_count, 1);
		assert_int_equal(report->diagnostics[0].severity,
		    SEVERITY_ERROR);
		assert_int_equal(report->diagnostics[0].line, 1);
		assert_non_null(strstr(report->diagnostics[0].text,
		    " leaves nothing that hawser can do; at least one of "
		    "these is needed: "));
		assert_null(a.lists[0].names);
		config_free(report);
	}
}

/* ssh's own files, and no line at all. */
static void
lent_lists_make_no_noise(void **state)
{
	struct config *report = mem_alloc(sizeof(*report));
	struct algorithms a = { 0 };
	struct str names;

	(void)state;
	build("Ciphers 3des-cbc,rijndael-cbc@lysator.liu.se\n", KW_CIPHERS,
	    true, &a.lists[0], report);
	assert_string_equal(a.lists[0].names, "3des-cbc");
	build("", KW_CIPHERS, false, &a.lists[1], report);
	assert_null(a.lists[1].names);
	assert_int_equal(report->diagnostic_count, 0);
	str_init(&names);
	assemble_append(&names, keyword_get(KW_CIPHERS), &a.lists[1]);
	assert_string_equal(names.p, "aes128-gcm@openssh.com,"
	    "aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,aes128-ctr,"
	    "aes192-ctr,aes256-ctr");
	str_fini(&names);
	algorithms_fini(&a);
	config_free(report);
}

/* Every name is one that lines may have, and the same lists have it. */
static void
every_algorithm_can_be_written(void **state)
{
	static const enum keyword_id ids[] = { KW_KEXALGORITHMS,
	    KW_HOSTKEYALGORITHMS, KW_CIPHERS, KW_MACS,
	    KW_PUBKEYACCEPTEDALGORITHMS, KW_CASIGNATUREALGORITHMS };

	(void)state;
	for (int i = 0; i < ALGORITHM_KIND_COUNT; i++) {
		const struct keyword *k = keyword_get(ids[i]);
		enum algorithm_kind kind = (enum algorithm_kind)i;
		struct str all;
		const char *p, *name;
		size_t n;

		assert_string_equal(k->name, algorithm_keyword(kind));
		str_init(&all);
		algorithm_append(&all, kind, true);
		for (p = all.p; (n = algorithm_next(&p, &name)) > 0;) {
			char *text = str_dupf("%.*s", (int)n, name);

			if (words_find(k->words, text) == NULL)
				fail_msg("%s %s", k->name, text);
			free(text);
		}
		str_fini(&all);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_are_as_ssh_makes_them),
		cmocka_unit_test(lines_make_lists),
		cmocka_unit_test(nothing_left_is_an_error),
		cmocka_unit_test(lent_lists_make_no_noise),
		cmocka_unit_test(every_algorithm_can_be_written),
	};

	return cmocka_run_group_tests_name("assemble", tests, NULL, NULL);
}
