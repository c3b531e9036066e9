/* SPDX-License-Identifier: ISC */
/*
 * Host key and authentication against OpenSSH's server. Without an sshd the
 * tests are skipped.
 */
#include <pwd.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/str.h"
#include "ssh/auth.h"
#include "ssh/keyring.h"
#include "ssh/known_hosts.h"
#include "ssh/transport.h"
#include "sshd.h"

#define DEADLINE_MS	20000

#define HOST_KEYS \
	"ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384," \
	"ecdsa-sha2-nistp521,rsa-sha2-512,rsa-sha2-256"

static char *user;

/* What the next requests allow. */
static struct algorithm_list allowed = { .names = SSHD_USER_KEYS };
static int required_rsa_bits;

/* Keys: the file's name is what the test calls it. */
static const struct {
	const char *name;
	const char *type;	/* as ssh-keygen -t wants it */
	const char *bits;
	const char *format;	/* as ssh-keygen -m wants it */
} keys[] = {
	{ "ed25519", "ed25519", "256", "RFC4716" },
	{ "ecdsa256", "ecdsa", "256", "RFC4716" },
	{ "ecdsa384", "ecdsa", "384", "RFC4716" },
	{ "ecdsa521", "ecdsa", "521", "RFC4716" },
	{ "rsa", "rsa", "3072", "RFC4716" },
	{ "rsa.pem", "rsa", "2048", "PEM" },
	{ "rsa.pkcs8", "rsa", "2048", "PKCS8" },
	{ "ecdsa256.pem", "ecdsa", "256", "PEM" },
	{ "ecdsa384.pkcs8", "ecdsa", "384", "PKCS8" },
	{ "ecdsa521.pem", "ecdsa", "521", "PEM" },
	{ "stranger", "ed25519", "256", "RFC4716" },
	{ "stranger2", "ecdsa", "256", "RFC4716" },
	{ "stranger_rsa", "rsa", "2048", "RFC4716" },
};
#define KEY_COUNT	(sizeof(keys) / sizeof(keys[0]))
#define AUTHORIZED	10	/* that many of them may log in */

/* A keyring of the files with these names, up to NULL. */
static void
load(struct keyring *ring, const char *const names[])
{
	char *paths[8];
	struct keyring_source source = { .key_files = paths };

	for (size_t i = 0; names[i] != NULL; i++)
		paths[source.key_file_count++] = names[i][0] == '/' ?
		    str_dup(names[i]) : sshd_path(names[i]);
	keyring_load(ring, &source);
	for (size_t i = 0; i < source.key_file_count; i++)
		free(paths[i]);
}

/* What auth_run() returns with these keys, which it leaves wiped. */
static int
run(struct server *s, const char *name, struct keyring *ring,
    int64_t deadline_ms, struct err *err)
{
	struct auth_request request = { .user = name, .allowed = &allowed,
	    .required_rsa_bits = required_rsa_bits, .keys = ring,
	    .deadline_ms = deadline_ms };
	int rc = auth_run(s->transport, &request, err);

	assert_int_equal(ring->count, 0);
	assert_null(ring->keys);
	assert_null(ring->identities);
	assert_null(ring->problems.p);
	return rc;
}

/*
 * One connection on which the keys with these names (up to NULL) are offered:
 * what auth_run() returns.
 */
static int
attempt(const char *options, const char *const names[], struct err *err)
{
	struct keyring ring = { 0 };
	struct server s;
	int rc;

	sshd_configure("host_ed25519", options);
	load(&ring, names);
	sshd_start_session(&s, "ssh-ed25519");
	rc = run(&s, user, &ring, clock_now_ms() + DEADLINE_MS, err);
	sshd_stop(&s);
	return rc;
}

static int
attempt_one(const char *options, const char *name, struct err *err)
{
	const char *const names[] = { name, NULL };

	return attempt(options, names, err);
}

static void
assert_text(const struct err *err, enum err_code code, const char *want)
{
	if (err->code != code || strstr(err->text, want) == NULL)
		fail_msg("code %d: \"%s\" has no \"%s\"", err->code, err->text,
		    want);
}

static void
assert_in_log(const char *want)
{
	char *log = sshd_read("log");

	if (strstr(log, want) == NULL)
		fail_msg("no \"%s\" in the server's log:\n%s", want, log);
	free(log);
}

static void
every_key_logs_in(void **state)
{
	struct err err;

	(void)state;
	for (size_t i = 0; i < AUTHORIZED; i++)
		if (attempt_one("", keys[i].name, &err) == -1)
			fail_msg("%s: %s", keys[i].name, err.text);
	if (attempt_one("", "ed25519.pkcs8", &err) == -1)
		fail_msg("ed25519.pkcs8: %s", err.text);
}

static void
rsa_signs_by_sha2(void **state)
{
	struct err err;
	char *log;

	(void)state;
	assert_int_equal(attempt_one("", "rsa", &err), 0);
	assert_in_log("pkalg rsa-sha2-512");
	/*
	 * Never SHA-1, even where the server wants nothing else. OpenSSH 10
	 * says so beforehand, and the key isn't even offered.
	 */
	assert_int_equal(attempt_one("PubkeyAcceptedAlgorithms ssh-rsa\n",
	    "rsa", &err), -1);
	assert_text(&err, ERR_REFUSED, "/rsa ");
	log = sshd_read("log");
	assert_null(strstr(log, "pkalg ssh-rsa "));
	free(log);
}

/* One key with these signatures allowed, on a server that takes SHA-1, too. */
static int
attempt_allowed(const char *names, const char *name, struct err *err)
{
	int rc;

	allowed.names = (char *)names;
	rc = attempt_one("PubkeyAcceptedAlgorithms +ssh-rsa\n", name, err);
	allowed.names = (char *)SSHD_USER_KEYS;
	return rc;
}

static void
keys_and_signatures_are_those_allowed(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(attempt_allowed("rsa-sha2-256,rsa-sha2-512", "rsa",
	    &err), 0);
	assert_in_log("pkalg rsa-sha2-256");
	assert_int_equal(attempt_allowed("ssh-rsa", "rsa", &err), 0);
	assert_in_log("pkalg ssh-rsa ");
	allowed.origin = (char *)"/etc/f:7";
	assert_int_equal(attempt_allowed("ssh-ed25519", "rsa", &err), -1);
	assert_text(&err, ERR_REFUSED, "/rsa was not offered: "
	    "PubkeyAcceptedAlgorithms at /etc/f:7 does not allow ssh-rsa");
	allowed.origin = NULL;
	assert_int_equal(attempt_allowed("ecdsa-sha2-nistp521,rsa-sha2-512",
	    "ed25519", &err), -1);
	assert_text(&err, ERR_REFUSED, "offered nothing; it allows publickey,"
	    "password; ");
	assert_text(&err, ERR_REFUSED, "/ed25519 was not offered: "
	    "PubkeyAcceptedAlgorithms does not allow ssh-ed25519");
}

static void
short_rsa_keys_are_not_offered(void **state)
{
	struct err err;

	(void)state;
	required_rsa_bits = 3072;
	assert_int_equal(attempt_one("", "rsa", &err), 0);
	required_rsa_bits = 3073;
	assert_int_equal(attempt_one("", "rsa", &err), -1);
	assert_text(&err, ERR_REFUSED, "/rsa was not offered: it has 3072 "
	    "bits, and RequiredRSASize is 3073");
	required_rsa_bits = 0;
}

static void
second_key_logs_in(void **state)
{
	static const char *const names[] = { "stranger_rsa", "stranger", "rsa",
	    "stranger2", NULL };
	struct err err;

	(void)state;
	if (attempt("", names, &err) == -1)
		fail_msg("%s", err.text);
}

static void
unusable_rsa_key_does_no_harm(void **state)
{
	static const char *const names[] = { "rsa", "rsa.pem", "ed25519",
	    NULL };
	struct err err;

	(void)state;
	assert_int_equal(attempt("PubkeyAcceptedAlgorithms "
	    "ssh-ed25519\n", names, &err), 0);
	assert_int_equal(attempt("PubkeyAcceptedAlgorithms "
	    "ecdsa-sha2-nistp521\n", names, &err), -1);
	assert_text(&err, ERR_REFUSED, "/ed25519 (ssh-ed25519)");
	assert_text(&err, ERR_REFUSED, "/rsa ");
}

static void
banner_before_login(void **state)
{
	char *options = str_dupf("Banner %s/banner\n", sshd_folder());
	struct err err;

	(void)state;
	sshd_write("banner", "Authorised use only.\n");
	if (attempt_one(options, "ed25519", &err) == -1)
		fail_msg("%s", err.text);
	free(options);
}

static void
refused_keys_are_named(void **state)
{
	static const char *const names[] = { "stranger", "stranger2", NULL };
	char *want;
	struct err err;

	(void)state;
	assert_int_equal(attempt("", names, &err), -1);
	want = str_dupf("the server refused user \"%s\": offered %s/stranger "
	    "(ssh-ed25519), %s/stranger2 (ecdsa-sha2-nistp256); it allows "
	    "publickey,password; is one of them in authorized_keys there?",
	    user, sshd_folder(), sshd_folder());
	assert_int_equal(err.code, ERR_REFUSED);
	assert_string_equal(err.text, want);
	free(want);
}

static void
too_many_keys(void **state)
{
	static const char *const names[] = { "stranger", "stranger2",
	    "ed25519", NULL };
	struct err err;

	(void)state;
	assert_int_equal(attempt("MaxAuthTries 2\n", names, &err), -1);
	assert_text(&err, ERR_REFUSED, "Too many authentication failures");
	assert_text(&err, ERR_REFUSED, "/stranger (ssh-ed25519)");
}

static void
more_than_a_key_is_wanted(void **state)
{
	static const char *const names[] = { "ed25519", "ecdsa256", NULL };
	struct err err;

	(void)state;
	assert_int_equal(attempt("AuthenticationMethods publickey,password\n",
	    names, &err), -1);
	assert_text(&err, ERR_REFUSED, "it allows password; ");
	assert_text(&err, ERR_REFUSED,
	    "/ed25519 was accepted, but is not enough");
	/* Two keys are wanted, and two there are. */
	assert_int_equal(attempt("AuthenticationMethods "
	    "publickey,publickey\n", names, &err), 0);
	assert_int_equal(attempt_one("AuthenticationMethods "
	    "publickey,publickey\n", "ed25519", &err), -1);
	assert_text(&err, ERR_REFUSED, "not enough");
}

static void
no_keys_allowed(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(attempt_one("PubkeyAuthentication no\n", "ed25519",
	    &err), -1);
	assert_text(&err, ERR_REFUSED, "the server takes no keys from user");
	assert_text(&err, ERR_REFUSED, "it allows password");
}

static void
nothing_to_offer(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(attempt_one("", "/nonexistent/key", &err), -1);
	assert_text(&err, ERR_NOTFOUND, "there is no key to offer");
	assert_text(&err, ERR_NOTFOUND,
	    "key file /nonexistent/key does not exist");
}

/* A key that could not be read may be the very one that was meant. */
static void
unusable_files_are_named(void **state)
{
	static const char *const names[] = { "/nonexistent/key", "rsa.pem",
	    "stranger", NULL };
	char *path = sshd_path("rsa.pem");
	struct err err;

	(void)state;
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(attempt("", names, &err), -1);
	assert_int_equal(chmod(path, 0600), 0);
	assert_text(&err, ERR_REFUSED, "/rsa.pem is readable by others");
	assert_null(strstr(err.text, "nonexistent"));
	free(path);
}

static void
user_names_have_bounds(void **state)
{
	static const char *const names[] = { "ed25519", NULL };
	const int64_t deadline = clock_now_ms() + DEADLINE_MS;
	struct keyring ring = { 0 };
	char longest[257];
	struct server s;
	struct err err;

	(void)state;
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	sshd_configure("host_ed25519", "");
	sshd_start_session(&s, "ssh-ed25519");
	load(&ring, names);
	assert_int_equal(run(&s, "", &ring, deadline, &err), -1);
	assert_int_equal(err.code, ERR_INPUT);
	assert_int_equal(run(&s, longest, &ring, deadline, &err), -1);
	assert_int_equal(err.code, ERR_INPUT);
	load(&ring, names);
	assert_int_equal(run(&s, "no\"such\x01user", &ring, deadline, &err),
	    -1);
	assert_int_equal(err.code, ERR_REFUSED);
	sshd_stop(&s);
}

static void
silent_server(void **state)
{
	static const char *const names[] = { "ed25519", NULL };
	struct keyring ring = { 0 };
	struct server s;
	struct err err;
	int64_t begin;

	(void)state;
	sshd_configure("host_ed25519", "");
	sshd_start_session(&s, "ssh-ed25519");
	assert_int_equal(kill(s.pid, SIGSTOP), 0);
	load(&ring, names);
	begin = clock_now_ms();
	assert_int_equal(run(&s, user, &ring, begin + 300, &err), -1);
	assert_text(&err, ERR_TIMEOUT, "authentication of user");
	assert_true(clock_now_ms() - begin >= 300);
	assert_true(clock_now_ms() - begin < 10000);
	sshd_stop(&s);
}

static void
server_goes_away(void **state)
{
	static const char *const names[] = { "ed25519", NULL };
	struct keyring ring = { 0 };
	struct server s;
	struct err err;
	int status;

	(void)state;
	sshd_configure("host_ed25519", "");
	sshd_start_session(&s, "ssh-ed25519");
	assert_int_equal(kill(s.pid, SIGKILL), 0);
	assert_int_equal(waitpid(s.pid, &status, 0), s.pid);
	load(&ring, names);
	assert_int_equal(run(&s, user, &ring, clock_now_ms() + DEADLINE_MS,
	    &err), -1);
	if (err.code != ERR_CLOSED && err.code != ERR_SYS)
		fail_msg("code %d: %s", err.code, err.text);
	transport_free(s.transport);
}

/*
 * A connection to a server with this host key, and those of options, for whom
 * known_hosts has one line: "[server]:2222", and the public half of known. The
 * verdict on the key that it shows.
 */
static enum known_hosts_verdict
meet(const char *host_key, const char *options, const char *known)
{
	struct known_hosts *kh = known_hosts_new("Server", 2222);
	char *public = sshd_public_half(known), *types;
	char *line = str_dupf("[server]:2222 %s\n", public);
	struct known_hosts_match match;
	const uint8_t *blob;
	struct server s;
	struct err err;
	size_t len;

	sshd_configure(host_key, options);
	assert_int_equal(known_hosts_add_file(kh, "kh", line, strlen(line),
	    &err), 0);
	types = known_hosts_algorithms(kh, HOST_KEYS, false);
	sshd_start_session(&s, types);
	blob = transport_host_key(s.transport, &len);
	assert_non_null(blob);
	known_hosts_check(kh, blob, len, &match);
	sshd_stop(&s);
	free(types);
	free(line);
	free(public);
	known_hosts_free(kh);
	return match.verdict;
}

static void
every_host_key_is_known(void **state)
{
	/* The server prefers another order; the one that is known comes. */
	const char *d = sshd_folder();
	char *all = str_dupf("HostKey %s/rsa\nHostKey %s/ecdsa521\n"
	    "HostKey %s/ecdsa384\nHostKey %s/ecdsa256\n", d, d, d, d);
	static const char *const names[] = { "host_ed25519", "ecdsa256",
	    "ecdsa384", "ecdsa521", "rsa" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_int_equal(meet(names[i], "", names[i]),
		    KNOWN_HOSTS_KNOWN);
		assert_int_equal(meet(names[i], "", "stranger"),
		    KNOWN_HOSTS_CHANGED);
		assert_int_equal(meet("host_ed25519", all, names[i]),
		    KNOWN_HOSTS_KNOWN);
	}
	free(all);
}

static void
make_keys(void)
{
	struct str authorized;

	str_init(&authorized);
	for (size_t i = 0; i < KEY_COUNT; i++) {
		char *public;

		sshd_keygen(keys[i].name, keys[i].type, keys[i].bits,
		    keys[i].format);
		public = sshd_public_half(keys[i].name);
		if (i < AUTHORIZED)
			str_printf(&authorized, "%s\n", public);
		free(public);
	}
	sshd_write("authorized_keys", authorized.p);
	str_fini(&authorized);
	sshd_keygen("host_ed25519", "ed25519", "256", "RFC4716");
}

/* ssh-keygen cannot write this; the public half is the DER's last 32 bytes. */
static void
make_ed25519_pkcs8(void)
{
	char *key = sshd_path("ed25519.pkcs8");
	char *authorized = sshd_path("authorized_keys");
	char *make[] = { "openssl", "genpkey", "-algorithm", "ED25519",
	    "-out", key, NULL };
	char *append[] = { "sh", "-c", "openssl pkey -in \"$0\" -pubout "
	    "-outform DER | tail -c 32 | { printf "
	    "'\\000\\000\\000\\013ssh-ed25519\\000\\000\\000\\040'; cat; } | "
	    "base64 -w 0 | { printf 'ssh-ed25519 '; cat; echo; } >>\"$1\"",
	    key, authorized, NULL };

	sshd_run(make);
	assert_int_equal(chmod(key, 0600), 0);
	sshd_run(append);
	free(authorized);
	free(key);
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
	make_ed25519_pkcs8();
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
		cmocka_unit_test(every_key_logs_in),
		cmocka_unit_test(rsa_signs_by_sha2),
		cmocka_unit_test(keys_and_signatures_are_those_allowed),
		cmocka_unit_test(short_rsa_keys_are_not_offered),
		cmocka_unit_test(second_key_logs_in),
		cmocka_unit_test(unusable_rsa_key_does_no_harm),
		cmocka_unit_test(banner_before_login),
		cmocka_unit_test(refused_keys_are_named),
		cmocka_unit_test(too_many_keys),
		cmocka_unit_test(more_than_a_key_is_wanted),
		cmocka_unit_test(no_keys_allowed),
		cmocka_unit_test(nothing_to_offer),
		cmocka_unit_test(unusable_files_are_named),
		cmocka_unit_test(user_names_have_bounds),
		cmocka_unit_test(silent_server),
		cmocka_unit_test(server_goes_away),
		cmocka_unit_test(every_host_key_is_known),
	};
	const struct CMUnitTest none[] = {
		cmocka_unit_test(sshd_is_missing),
	};

	if (!sshd_is_there())
		return cmocka_run_group_tests_name("auth", none, NULL, NULL);
	return cmocka_run_group_tests_name("auth", tests, setup, teardown);
}
