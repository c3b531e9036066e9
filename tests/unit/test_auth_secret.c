/* SPDX-License-Identifier: ISC */
/*
 * Encrypted keys, and who knows their passphrases, against OpenSSH's server.
 * Without an sshd the tests are skipped.
 */
#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/str.h"
#include "ssh/auth.h"
#include "ssh/keyring.h"
#include "ssh/transport.h"
#include "sshd.h"

#define DEADLINE_MS	20000
#define RIGHT		"correct horse"

static char *user;

/* All of them protected by RIGHT. */
static const struct {
	const char *name;
	const char *type;
	const char *bits;
	const char *format;
	const char *cipher;	/* as ssh-keygen -Z wants it */
} keys[] = {
	{ "ed25519", "ed25519", "256", "RFC4716", "aes256-ctr" },
	{ "ecdsa256", "ecdsa", "256", "RFC4716", "aes128-ctr" },
	{ "ecdsa521", "ecdsa", "521", "RFC4716", "aes256-cbc" },
	{ "rsa", "rsa", "2048", "RFC4716", "aes192-ctr" },
	{ "rsa.pem", "rsa", "2048", "PEM", "aes256-ctr" },
	{ "ecdsa384.pem", "ecdsa", "384", "PEM", "aes256-ctr" },
	{ "rsa.pkcs8", "rsa", "2048", "PKCS8", "aes256-ctr" },
	{ "ecdsa256.pkcs8", "ecdsa", "256", "PKCS8", "aes256-ctr" },
};
#define KEY_COUNT	(sizeof(keys) / sizeof(keys[0]))

/* Whom the tests ask. */
static struct {
	const char *answers[4];		/* in turn; NULL: none is known */
	int asked;
	int tries[8];			/* of each question */
	char key[256];			/* of the last one */
	char prompt[256];
} source;

static int
answer(void *arg, const struct auth_question *q, struct secret *out,
    struct err *err)
{
	const char *text = source.answers[source.asked];

	(void)arg;
	assert_true(source.asked < 4);
	assert_int_equal(q->kind, AUTH_PASSPHRASE);
	source.tries[source.asked++] = q->try_number;
	snprintf(source.key, sizeof(source.key), "%s", q->key);
	snprintf(source.prompt, sizeof(source.prompt), "%s", q->prompt);
	if (text == NULL)
		return err_set(err, ERR_NOTFOUND, "the test is silent");
	out->len = strlen(text);
	memcpy(out->text, text, out->len);
	snprintf(out->source, sizeof(out->source), "the test");
	return 0;
}

/* What auth_run() returns with these key files, up to NULL. */
static int
attempt(const char *const names[], struct err *err)
{
	struct keyring ring = { 0 };
	const struct algorithm_list allowed = { .names = SSHD_USER_KEYS };
	struct auth_request request = { .user = user, .allowed = &allowed,
	    .keys = &ring, .ask = answer, .tries = 3 };
	char *paths[4];
	struct keyring_source from = { .key_files = paths, .can_ask = true };
	struct server server;
	int rc;

	source.asked = 0;
	for (size_t i = 0; names[i] != NULL; i++)
		paths[from.key_file_count++] = sshd_path(names[i]);
	sshd_configure("host_ed25519", "");
	keyring_load(&ring, &from);
	sshd_start_session(&server, "ssh-ed25519");
	request.deadline_ms = clock_now_ms() + DEADLINE_MS;
	rc = auth_run(server.transport, &request, err);
	sshd_stop(&server);
	for (size_t i = 0; i < from.key_file_count; i++)
		free(paths[i]);
	return rc;
}

static int
attempt_one(const char *name, struct err *err)
{
	const char *const names[] = { name, NULL };

	return attempt(names, err);
}

static void
answers(const char *first, const char *second, const char *third)
{
	source.answers[0] = first;
	source.answers[1] = second;
	source.answers[2] = third;
}

static void
assert_text(const struct err *err, enum err_code code, const char *want)
{
	if (err->code != code || strstr(err->text, want) == NULL)
		fail_msg("code %d: \"%s\" has no \"%s\"", err->code, err->text,
		    want);
}

static void
every_format(void **state)
{
	struct err err;

	(void)state;
	answers(RIGHT, NULL, NULL);
	for (size_t i = 0; i < KEY_COUNT; i++) {
		char *path = sshd_path(keys[i].name);

		if (attempt_one(keys[i].name, &err) == -1)
			fail_msg("%s: %s", keys[i].name, err.text);
		assert_int_equal(source.asked, 1);
		assert_int_equal(source.tries[0], 1);
		assert_string_equal(source.key, path);
		assert_non_null(strstr(source.prompt,
		    "Enter passphrase for key '"));
		free(path);
	}
	if (attempt_one("ed25519.pkcs8", &err) == -1)
		fail_msg("%s", err.text);
}

static void
asked_again(void **state)
{
	struct err err;

	(void)state;
	for (size_t i = 0; i < KEY_COUNT; i++) {
		answers("wrong", RIGHT, NULL);
		if (attempt_one(keys[i].name, &err) == -1)
			fail_msg("%s: %s", keys[i].name, err.text);
		assert_int_equal(source.asked, 2);
		assert_int_equal(source.tries[1], 2);
	}
	answers("wrong", "worse", "worst");
	assert_int_equal(attempt_one("ed25519", &err), -1);
	assert_int_equal(source.asked, 3);
	assert_text(&err, ERR_REFUSED, "/ed25519 was not usable: the "
	    "passphrase of the test is wrong");
	/* What is said twice is not tried twice. */
	answers("wrong", "wrong", RIGHT);
	assert_int_equal(attempt_one("ed25519", &err), -1);
	assert_int_equal(source.asked, 2);
}

/* The next key is tried. */
static void
nobody_knows(void **state)
{
	static const char *const names[] = { "ed25519", "plain", NULL };
	struct err err;

	(void)state;
	answers(NULL, NULL, NULL);
	if (attempt(names, &err) == -1)
		fail_msg("%s", err.text);
	assert_int_equal(source.asked, 1);
	assert_int_equal(attempt_one("ed25519", &err), -1);
	assert_text(&err, ERR_REFUSED, "/ed25519 was not usable: its "
	    "passphrase is not known: the test is silent");
	answers("", NULL, NULL);
	assert_int_equal(attempt_one("ed25519", &err), -1);
	assert_text(&err, ERR_REFUSED, "the passphrase of the test is "
	    "empty");
}

/* A key that the server doesn't take needs no passphrase. */
static void
asked_late(void **state)
{
	static const char *const names[] = { "stranger", "stranger.pem",
	    NULL };
	struct err err;

	(void)state;
	answers(RIGHT, NULL, NULL);
	assert_int_equal(attempt(names, &err), -1);
	assert_int_equal(source.asked, 0);
	assert_text(&err, ERR_REFUSED, "/stranger (ssh-ed25519), ");
	assert_text(&err, ERR_REFUSED, "/stranger.pem (ssh-rsa)");
}

/* Without KEY.pub, what to offer is in the encrypted part. */
static void
public_half_is_unknown(void **state)
{
	static const char *const names[] = { "alone.pem", "plain", NULL };
	struct err err;

	(void)state;
	answers(RIGHT, NULL, NULL);
	if (attempt_one("alone.pem", &err) == -1)
		fail_msg("%s", err.text);
	assert_int_equal(source.asked, 1);
	answers("wrong", "worse", "worst");
	if (attempt(names, &err) == -1)
		fail_msg("%s", err.text);
	assert_int_equal(attempt_one("alone.pem", &err), -1);
	assert_text(&err, ERR_REFUSED, "/alone.pem was not offered: the "
	    "passphrase of the test is wrong");
}

static void
halves_that_do_not_fit(void **state)
{
	char *text = sshd_public_half("rsa"), *pub;
	struct err err;

	(void)state;
	answers(RIGHT, NULL, NULL);
	sshd_write("alone.pem.pub", text);
	assert_int_equal(attempt_one("alone.pem", &err), -1);
	assert_text(&err, ERR_REFUSED, "/alone.pem.pub is not its public "
	    "half");
	pub = sshd_path("alone.pem.pub");
	unlink(pub);
	free(pub);
	free(text);
}

/* One question for a key and its certificate. */
static void
certificate(void **state)
{
	char *ca = sshd_path("ca"), *pub = sshd_path("ed25519.pub");
	char *cert = sshd_path("ed25519-cert.pub");
	char *argv[] = { "ssh-keygen", "-q", "-s", ca, "-I", "test", "-n",
	    user, pub, NULL };
	struct err err;

	(void)state;
	sshd_run(argv);
	answers(RIGHT, NULL, NULL);
	/* The certificate isn't taken, the key is. */
	if (attempt_one("ed25519", &err) == -1)
		fail_msg("%s", err.text);
	assert_int_equal(source.asked, 1);
	unlink(cert);
	free(cert);
	free(pub);
	free(ca);
}

/* Ciphers that libssh2 reads only on the wire. */
static void
unsupported_ciphers(void **state)
{
	static const char *const ciphers[] = { "aes256-gcm@openssh.com",
	    "chacha20-poly1305@openssh.com" };
	char *path = sshd_path("odd");
	struct err err;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		char *argv[] = { "ssh-keygen", "-q", "-t", "ed25519", "-Z",
		    (char *)ciphers[i], "-N", RIGHT, "-f", path, NULL };

		unlink(path);
		sshd_run(argv);
		answers(RIGHT, NULL, NULL);
		assert_int_equal(attempt_one("odd", &err), -1);
		assert_text(&err, ERR_NOTFOUND, "/odd is encrypted by ");
		assert_text(&err, ERR_NOTFOUND, "ssh-keygen -p -Z aes256-ctr");
		assert_int_equal(source.asked, 0);
	}
	free(path);
}

static void
make_key(const char *name, const char *type, const char *bits,
    const char *format, const char *cipher)
{
	char *path = sshd_path(name);
	char *argv[] = { "ssh-keygen", "-q", "-t", (char *)type, "-b",
	    (char *)bits, "-m", (char *)format, "-Z", (char *)cipher, "-a",
	    "2", "-N", RIGHT, "-C", "", "-f", path, NULL };

	sshd_run(argv);
	free(path);
}

/* ssh-keygen cannot write this; the public half is the DER's last 32 bytes. */
static void
make_ed25519_pkcs8(void)
{
	char *key = sshd_path("ed25519.pkcs8");
	char *authorized = sshd_path("authorized_keys");
	char *argv[] = { "sh", "-c", "umask 077; openssl genpkey -algorithm "
	    "ED25519 -aes256 -pass 'pass:" RIGHT "' -out \"$0\" && "
	    "openssl pkey -passin 'pass:" RIGHT "' -in \"$0\" -pubout "
	    "-outform DER | tail -c 32 | { printf "
	    "'\\000\\000\\000\\013ssh-ed25519\\000\\000\\000\\040'; cat; } | "
	    "base64 -w 0 | { printf 'ssh-ed25519 '; cat; echo; } >>\"$1\"",
	    key, authorized, NULL };

	sshd_run(argv);
	free(key);
	free(authorized);
}

static void
make_keys(void)
{
	struct str authorized;
	char *public, *half;

	str_init(&authorized);
	for (size_t i = 0; i < KEY_COUNT; i++) {
		make_key(keys[i].name, keys[i].type, keys[i].bits,
		    keys[i].format, keys[i].cipher);
		public = sshd_public_half(keys[i].name);
		str_printf(&authorized, "%s\n", public);
		free(public);
	}
	make_key("stranger", "ed25519", "256", "RFC4716", "aes256-ctr");
	make_key("stranger.pem", "rsa", "2048", "PEM", "aes256-ctr");
	make_key("alone.pem", "rsa", "2048", "PEM", "aes256-ctr");
	sshd_keygen("plain", "ed25519", "256", "RFC4716");
	sshd_keygen("ca", "ed25519", "256", "RFC4716");
	sshd_keygen("host_ed25519", "ed25519", "256", "RFC4716");
	public = sshd_public_half("plain");
	str_printf(&authorized, "%s\n", public);
	free(public);
	public = sshd_public_half("alone.pem");
	str_printf(&authorized, "%s\n", public);
	free(public);
	half = sshd_path("alone.pem.pub");
	unlink(half);
	free(half);
	sshd_write("authorized_keys", authorized.p);
	str_fini(&authorized);
	make_ed25519_pkcs8();
}

static int
setup(void **state)
{
	const struct passwd *pw = getpwuid(geteuid());

	(void)state;
	if (sshd_setup() == -1 || pw == NULL)
		return -1;
	user = str_dup(pw->pw_name);
	make_keys();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	sshd_teardown();
	free(user);
	return 0;
}

static void
sshd_is_missing(void **state)
{
	(void)state;
	skip();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_format),
		cmocka_unit_test(asked_again),
		cmocka_unit_test(nobody_knows),
		cmocka_unit_test(asked_late),
		cmocka_unit_test(public_half_is_unknown),
		cmocka_unit_test(halves_that_do_not_fit),
		cmocka_unit_test(certificate),
		cmocka_unit_test(unsupported_ciphers),
	};
	const struct CMUnitTest none[] = {
		cmocka_unit_test(sshd_is_missing),
	};

	if (!sshd_is_there())
		return cmocka_run_group_tests_name("auth_secret", none, NULL,
		    NULL);
	return cmocka_run_group_tests_name("auth_secret", tests, setup,
	    teardown);
}
