/* SPDX-License-Identifier: ISC */
/*
 * Keys from files and from an agent, with and without certificates, against
 * OpenSSH's server and OpenSSH's agent. Without them the tests are skipped.
 */
#include <pwd.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/evp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/str.h"
#include "ssh/auth.h"
#include "ssh/keyring.h"
#include "ssh/packet.h"
#include "ssh/transport.h"
#include "sshd.h"

#define DEADLINE_MS	20000

static char *user;
static char *agent_socket;
static pid_t agent_pid;

static const struct {
	const char *name;
	const char *type;
	const char *bits;
	const char *format;
} keys[] = {
	{ "ed25519", "ed25519", "256", "RFC4716" },
	{ "ecdsa256", "ecdsa", "256", "RFC4716" },
	{ "ecdsa384", "ecdsa", "384", "PEM" },
	{ "ecdsa521", "ecdsa", "521", "RFC4716" },
	{ "rsa", "rsa", "2048", "RFC4716" },
	{ "rsa.pem", "rsa", "2048", "PEM" },
};
#define KEY_COUNT	(sizeof(keys) / sizeof(keys[0]))

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

/* ssh-add with one argument, or two. */
static void
add(const char *option, const char *name)
{
	char *path = name != NULL ? sshd_path(name) : NULL;
	char *argv[] = { "ssh-add", "-q", (char *)option, path, NULL };

	sshd_run(argv);
	free(path);
}

static void
agent_empty(void)
{
	add("-D", NULL);
}

/* What auth_run() returns with what source gives. */
static int
attempt(const char *options, const struct keyring_source *source,
    struct err *err)
{
	struct keyring_source s = *source;
	struct keyring ring = { 0 };
	const struct algorithm_list allowed = { .names = SSHD_USER_KEYS };
	struct auth_request request = { .user = user, .allowed = &allowed,
	    .keys = &ring };
	struct server server;
	int rc;

	s.agent_deadline_ms = clock_now_ms() + DEADLINE_MS;
	sshd_configure("host_ed25519", options);
	keyring_load(&ring, &s);
	sshd_start_session(&server, "ssh-ed25519");
	request.deadline_ms = clock_now_ms() + DEADLINE_MS;
	rc = auth_run(server.transport, &request, err);
	sshd_stop(&server);
	return rc;
}

/* The same with one key file, in the folder. */
static int
attempt_file(const char *options, const char *name, const char *agent,
    bool only, struct err *err)
{
	char *path = sshd_path(name);
	struct keyring_source source = { .key_files = &path,
	    .key_file_count = 1, .agent_path = agent, .only = only };
	int rc = attempt(options, &source, err);

	free(path);
	return rc;
}

static void
every_key_in_the_agent(void **state)
{
	struct keyring_source source = { .agent_path = agent_socket };
	struct err err;

	(void)state;
	for (size_t i = 0; i < KEY_COUNT; i++) {
		agent_empty();
		add("-k", keys[i].name);
		if (attempt("", &source, &err) == -1)
			fail_msg("%s: %s", keys[i].name, err.text);
	}
	assert_in_log("pkalg rsa-sha2-512");
}

/* The public half of a key file chooses the agent's key. */
static void
identities_only(void **state)
{
	char *path = sshd_path("half"), *pub = sshd_path("half.pub");
	char *text = sshd_public_half("ecdsa256");
	struct err err;

	(void)state;
	agent_empty();
	add("-k", "ed25519");
	add("-k", "ecdsa256");
	sshd_write("half.pub", text);
	if (attempt_file("", "half", agent_socket, true, &err) == -1)
		fail_msg("%s", err.text);
	assert_in_log("Accepted key ECDSA");
	/* IdentityFile may name the public half itself. */
	if (attempt_file("", "half.pub", agent_socket, true, &err) == -1)
		fail_msg("%s", err.text);
	/* Others of the agent are not offered. */
	agent_empty();
	add("-k", "ed25519");
	assert_int_equal(attempt_file("", "half", agent_socket, true, &err),
	    -1);
	assert_text(&err, ERR_NOTFOUND, "/half does not exist");
	assert_int_equal(attempt_file("", "half.pub", agent_socket, true,
	    &err), -1);
	assert_text(&err, ERR_NOTFOUND, "is a public key, and no agent has");
	/* Without IdentitiesOnly they are. */
	assert_int_equal(attempt_file("", "half", agent_socket, false, &err),
	    0);
	unlink(pub);
	free(text);
	free(pub);
	free(path);
}

static void
encrypted_key_in_the_agent(void **state)
{
	struct err err;

	(void)state;
	agent_empty();
	add("-k", "ed25519");
	assert_int_equal(attempt_file("", "ed25519.enc", NULL, true, &err),
	    -1);
	assert_text(&err, ERR_NOTFOUND, "protected by a passphrase");
	if (attempt_file("", "ed25519.enc", agent_socket, true, &err) == -1)
		fail_msg("%s", err.text);
}

static void
agent_that_went_away(void **state)
{
	struct err err;

	(void)state;
	if (attempt_file("", "ed25519", "/nonexistent/agent", false,
	    &err) == -1)
		fail_msg("%s", err.text);
	assert_int_equal(attempt_file("", "stranger", "/nonexistent/agent",
	    false, &err), -1);
	assert_text(&err, ERR_REFUSED, "no agent at /nonexistent/agent");
}

/* It lists the key, but will not sign: the next key is tried. */
static void
agent_without_a_signature(void **state)
{
	char *other = sshd_path("ecdsa256");
	struct keyring_source source = { .agent_path = agent_socket,
	    .key_files = &other, .key_file_count = 1 };
	struct err err;

	(void)state;
	agent_empty();
	/* It asks before each use, and there is nobody to ask. */
	add("-c", "ed25519");
	if (attempt("", &source, &err) == -1)
		fail_msg("%s", err.text);
	assert_in_log("Accepted key ED25519");
	assert_in_log("Accepted publickey for");
	source.key_file_count = 0;
	assert_int_equal(attempt("", &source, &err), -1);
	assert_text(&err, ERR_REFUSED, "was not usable: the agent at ");
	assert_text(&err, ERR_REFUSED, ": it refused");
	free(other);
}

/* Security keys: an agent that plays one, for there is none to touch. */

#define SK_TYPE		"sk-ssh-ed25519@openssh.com"
#define SK_APPLICATION	"ssh:"
#define SK_TOUCHED	1		/* PROTOCOL.u2f: a user was there */

/* New: the key's blob, behind one byte. */
static struct packet *
sk_blob(EVP_PKEY *key)
{
	struct packet *p = packet_new(0);
	uint8_t point[32];
	size_t len = sizeof(point);

	assert_int_equal(EVP_PKEY_get_raw_public_key(key, point, &len), 1);
	packet_cstring(p, SK_TYPE);
	packet_string(p, point, len);
	packet_cstring(p, SK_APPLICATION);
	return p;
}

/* SHA256(application) + flags + counter + SHA256(message), signed. */
static struct packet *
sk_signature(EVP_PKEY *key, const uint8_t *data, size_t len)
{
	struct packet *inner = packet_new(0), *p;
	uint8_t text[32 + 1 + 4 + 32] = { 0 }, sig[64];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t sig_len = sizeof(sig);

	EVP_Digest(SK_APPLICATION, strlen(SK_APPLICATION), text, NULL,
	    EVP_sha256(), NULL);
	text[32] = SK_TOUCHED;
	text[36] = 7;
	EVP_Digest(data, len, text + 37, NULL, EVP_sha256(), NULL);
	if (EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) != 1 ||
	    EVP_DigestSign(ctx, sig, &sig_len, text, sizeof(text)) != 1)
		_exit(1);
	EVP_MD_CTX_free(ctx);
	packet_cstring(inner, SK_TYPE);
	packet_string(inner, sig, sig_len);
	packet_u8(inner, SK_TOUCHED);
	packet_u32(inner, 7);
	p = packet_new(AGENT_SIGN_RESPONSE);
	packet_string(p, inner->bytes + 1, inner->len - 1);
	packet_free(inner);
	return p;
}

/* Answers on one connection until it ends. */
static void
play_sk_agent(int fd, EVP_PKEY *key)
{
	static uint8_t bytes[65536];
	struct packet *blob = sk_blob(key), *reply;
	const uint8_t *data;
	struct reader r;
	uint8_t head[4];
	size_t n;

	while (read(fd, head, 4) == 4) {
		reader_init(&r, head, 4);
		n = reader_u32(&r);
		if (n == 0 || recv(fd, bytes, n, MSG_WAITALL) != (ssize_t)n)
			_exit(1);
		reader_init(&r, bytes + 1, n - 1);
		if (bytes[0] == AGENT_REQUEST_IDENTITIES) {
			reply = packet_new(AGENT_IDENTITIES_ANSWER);
			packet_u32(reply, 1);
			packet_string(reply, blob->bytes + 1, blob->len - 1);
			packet_cstring(reply, "a token");
		} else {
			reader_string(&r, &n);
			data = reader_string(&r, &n);
			reply = sk_signature(key, data, n);
		}
		packet_store_u32(head, (uint32_t)reply->len);
		if (write(fd, head, 4) != 4 || write(fd, reply->bytes,
		    reply->len) != (ssize_t)reply->len)
			_exit(1);
		packet_free(reply);
	}
	packet_free(blob);
}

static void
security_key_in_the_agent(void **state)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	char *path = sshd_path("sk.socket"), text[512];
	struct keyring_source source = { .agent_path = path };
	struct packet *blob = sk_blob(key);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), status;
	struct err err;
	pid_t pid;

	(void)state;
	strcpy(text, SK_TYPE " ");
	EVP_EncodeBlock((unsigned char *)text + strlen(text), blob->bytes + 1,
	    (int)blob->len - 1);
	packet_free(blob);
	sshd_write("sk_authorized", text);
	memcpy(sun.sun_path, path, strlen(path) + 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	assert_int_equal(listen(fd, 1), 0);
	if ((pid = fork()) == 0) {
		play_sk_agent(accept(fd, NULL, NULL), key);
		_exit(0);
	}
	close(fd);
	snprintf(text, sizeof(text), "AuthorizedKeysFile %s/sk_authorized\n",
	    sshd_folder());
	if (attempt(text, &source, &err) == -1)
		fail_msg("%s", err.text);
	assert_in_log("Accepted key ED25519-SK");
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	EVP_PKEY_free(key);
	free(path);
}

/* Certificates */

static char *
ca_options(void)
{
	return str_dupf("TrustedUserCAKeys %s/ca.pub\nAuthorizedKeysFile "
	    "none\n", sshd_folder());
}

static void
sign_key(const char *name, const char *valid)
{
	char *ca = sshd_path("ca"), *pub = str_dupf("%s/%s.pub",
	    sshd_folder(), name);
	char *argv[] = { "ssh-keygen", "-q", "-s", ca, "-I", "test", "-n",
	    user, "-V", (char *)valid, pub, NULL };

	sshd_run(argv);
	free(pub);
	free(ca);
}

static void
every_certificate_beside_its_key(void **state)
{
	char *options = ca_options();
	struct err err;

	(void)state;
	for (size_t i = 0; i < KEY_COUNT; i++) {
		sign_key(keys[i].name, "-1h:+1h");
		if (attempt_file(options, keys[i].name, NULL, true,
		    &err) == -1)
			fail_msg("%s: %s", keys[i].name, err.text);
	}
	free(options);
}

static void
every_certificate_with_the_agents_key(void **state)
{
	char *options = ca_options();
	struct err err;

	(void)state;
	for (size_t i = 0; i < KEY_COUNT; i++) {
		char *cert = str_dupf("%s/%s-cert.pub", sshd_folder(),
		    keys[i].name);
		struct keyring_source source = { .certificate_files = &cert,
		    .certificate_file_count = 1, .agent_path = agent_socket };

		agent_empty();
		add("-k", keys[i].name);
		if (attempt(options, &source, &err) == -1)
			fail_msg("%s: %s", keys[i].name, err.text);
		free(cert);
	}
	free(options);
}

static void
every_certificate_in_the_agent(void **state)
{
	struct keyring_source source = { .agent_path = agent_socket };
	char *options = ca_options();
	struct err err;

	(void)state;
	for (size_t i = 0; i < KEY_COUNT; i++) {
		agent_empty();
		/* Without -k it takes the certificate, too. */
		add("-q", keys[i].name);
		if (attempt(options, &source, &err) == -1)
			fail_msg("%s: %s", keys[i].name, err.text);
	}
	free(options);
}

static void
useless_certificates(void **state)
{
	char *cert = sshd_path("ed25519-cert.pub"), *options = ca_options();
	char *files[] = { cert, "/nonexistent/cert", NULL };
	struct keyring_source source = { .certificate_files = files,
	    .certificate_file_count = 2 };
	struct err err;

	(void)state;
	assert_int_equal(attempt(options, &source, &err), -1);
	assert_text(&err, ERR_NOTFOUND,
	    "ed25519-cert.pub: neither a key file nor the agent");
	assert_text(&err, ERR_NOTFOUND, "/nonexistent/cert does not exist");
	sign_key("ed25519", "-2h:-1h");
	assert_int_equal(attempt_file(options, "ed25519", NULL, true, &err),
	    -1);
	assert_text(&err, ERR_REFUSED, "is not offered: it expired at 2");
	sign_key("ed25519", "+1h:+2h");
	assert_int_equal(attempt_file(options, "ed25519", NULL, true, &err),
	    -1);
	assert_text(&err, ERR_REFUSED, "is not offered: it is not valid "
	    "before 2");
	sshd_write("ed25519-cert.pub", "ssh-ed25519-cert-v01@openssh.com "
	    "AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29t\n");
	assert_int_equal(attempt_file(options, "ed25519", NULL, true, &err),
	    -1);
	assert_text(&err, ERR_REFUSED, "is not offered: it is damaged");
	unlink(cert);
	free(options);
	free(cert);
}

static void
start_agent(void)
{
	char *command, line[256];
	FILE *f;

	agent_socket = sshd_path("agent.socket");
	command = str_dupf("ssh-agent -a %s", agent_socket);
	f = popen(command, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		const char *pid = strstr(line, "SSH_AGENT_PID=");

		if (pid != NULL)
			agent_pid = (pid_t)atoi(pid + 14);
	}
	assert_int_equal(pclose(f), 0);
	assert_true(agent_pid > 1);
	free(command);
	setenv("SSH_AUTH_SOCK", agent_socket, 1);
	/* Who is asked to confirm says no. */
	setenv("SSH_ASKPASS", "/bin/false", 1);
	unsetenv("DISPLAY");
}

static void
make_encrypted(void)
{
	char *path = sshd_path("ed25519.enc"), *from = sshd_path("ed25519");
	char *pub = sshd_public_half("ed25519");
	char *copy[] = { "cp", "-p", from, path, NULL };
	char *argv[] = { "ssh-keygen", "-q", "-p", "-P", "", "-N",
	    "secret", "-f", path, NULL };

	sshd_run(copy);
	sshd_write("ed25519.enc.pub", pub);
	sshd_run(argv);
	free(pub);
	free(from);
	free(path);
}

static int
setup(void **state)
{
	const struct passwd *pw = getpwuid(geteuid());
	struct str authorized;

	(void)state;
	if (sshd_setup() == -1 || pw == NULL)
		return -1;
	start_agent();
	user = str_dup(pw->pw_name);
	str_init(&authorized);
	for (size_t i = 0; i < KEY_COUNT; i++) {
		char *public;

		sshd_keygen(keys[i].name, keys[i].type, keys[i].bits,
		    keys[i].format);
		public = sshd_public_half(keys[i].name);
		str_printf(&authorized, "%s\n", public);
		free(public);
	}
	sshd_write("authorized_keys", authorized.p);
	str_fini(&authorized);
	sshd_keygen("stranger", "ed25519", "256", "RFC4716");
	sshd_keygen("ca", "ed25519", "256", "RFC4716");
	sshd_keygen("host_ed25519", "ed25519", "256", "RFC4716");
	make_encrypted();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	kill(agent_pid, SIGTERM);
	sshd_teardown();
	free(agent_socket);
	free(user);
	return 0;
}

static void
programs_are_missing(void **state)
{
	(void)state;
	skip();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key_in_the_agent),
		cmocka_unit_test(identities_only),
		cmocka_unit_test(encrypted_key_in_the_agent),
		cmocka_unit_test(agent_that_went_away),
		cmocka_unit_test(agent_without_a_signature),
		cmocka_unit_test(security_key_in_the_agent),
		cmocka_unit_test(every_certificate_beside_its_key),
		cmocka_unit_test(every_certificate_with_the_agents_key),
		cmocka_unit_test(every_certificate_in_the_agent),
		cmocka_unit_test(useless_certificates),
	};
	const struct CMUnitTest none[] = {
		cmocka_unit_test(programs_are_missing),
	};

	if (!sshd_is_there())
		return cmocka_run_group_tests_name("auth_keys", none, NULL,
		    NULL);
	return cmocka_run_group_tests_name("auth_keys", tests, setup,
	    teardown);
}
