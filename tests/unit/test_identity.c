/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fdio.h"
#include "base/str.h"
#include "ssh/identity.h"

extern char **environ;

/* The folder of this test's files. */
static char dir[] = "/tmp/hawser-identity-XXXXXX";

static void
run(char *const argv[])
{
	posix_spawn_file_actions_t to_null;
	pid_t pid;
	int status;

	posix_spawn_file_actions_init(&to_null);
	posix_spawn_file_actions_addopen(&to_null, 1, "/dev/null", O_WRONLY,
	    0);
	assert_int_equal(posix_spawnp(&pid, argv[0], &to_null, NULL, argv,
	    environ), 0);
	posix_spawn_file_actions_destroy(&to_null);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* New: the path of name in the folder. */
static char *
at(const char *name)
{
	return str_dupf("%s/%s", dir, name);
}

static void
write_key(const char *name, const char *bytes, size_t len, mode_t mode)
{
	char *path = at(name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_not_equal(fd, -1);
	assert_int_equal(fd_write_all(fd, bytes, len), 0);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
	free(path);
}

/* Runs ssh-keygen; format is RFC4716 (its own), PEM or PKCS8. */
static void
make_key(const char *name, const char *type, const char *bits,
    const char *format, const char *passphrase)
{
	char *path = at(name);
	char *argv[] = { "ssh-keygen", "-q", "-t", (char *)type, "-b",
	    (char *)bits, "-m", (char *)format, "-N", (char *)passphrase,
	    "-C", "", "-f", path, NULL };

	run(argv);
	free(path);
}

/* ssh-keygen writes ed25519 keys in its own format only; openssl knows PEM. */
static void
make_ed25519_pkcs8(const char *name)
{
	char *path = at(name);
	char *argv[] = { "openssl", "genpkey", "-algorithm", "ED25519",
	    "-out", path, NULL };

	run(argv);
	assert_int_equal(chmod(path, 0600), 0);
	free(path);
}

static char *
read_key(const char *name, size_t *len)
{
	char *path = at(name), *bytes;
	int fd = open(path, O_RDONLY);
	struct err err;

	assert_int_not_equal(fd, -1);
	assert_non_null(bytes = fd_read_all(fd, 1 << 20, len, &err));
	close(fd);
	free(path);
	return bytes;
}

static void
assert_loads(const char *name, const char *type)
{
	struct identity id;
	struct err err;
	char *path = at(name), *bytes;
	size_t len;

	if (identity_load(&id, path, &err) == -1)
		fail_msg("%s: %s", name, err.text);
	assert_string_equal(id.path, path);
	assert_string_equal(id.public.type, type);
	assert_false(id.encrypted);
	bytes = read_key(name, &len);
	assert_int_equal(id.len, len);
	assert_memory_equal(id.key, bytes, len);
	identity_fini(&id);
	assert_null(id.key);
	assert_null(id.public.blob);
	free(bytes);
	free(path);
}

/* The public half is the one that ssh-keygen wrote beside the key. */
static void
assert_public_half(const char *name)
{
	struct public_key want;
	struct identity id;
	struct err err;
	char *path = at(name), *pub = str_dupf("%s.pub", path);

	assert_int_equal(identity_load(&id, path, &err), 0);
	assert_int_equal(public_key_load(&want, pub, &err), 0);
	assert_true(public_key_equal(&id.public, &want));
	public_key_fini(&want);
	identity_fini(&id);
	free(pub);
	free(path);
}

static void
assert_refused(const char *name, enum err_code code, const char *why)
{
	struct identity id;
	struct err err;
	char *path = at(name);

	assert_int_equal(identity_load(&id, path, &err), -1);
	if (err.code != code || strstr(err.text, why) == NULL)
		fail_msg("%s: code %d, \"%s\", not \"%s\"", name, err.code,
		    err.text, why);
	assert_non_null(strstr(err.text, path));
	assert_null(id.key);
	assert_null(id.path);
	identity_fini(&id);
	free(path);
}

static void
assert_encrypted(const char *name, const char *type)
{
	struct identity id;
	struct err err;
	char *path = at(name);

	if (identity_load(&id, path, &err) == -1)
		fail_msg("%s: %s", name, err.text);
	assert_true(id.encrypted);
	assert_string_equal(id.public.type, type);
	identity_fini(&id);
	free(path);
}

static void
every_type_in_openssh_format(void **state)
{
	(void)state;
	assert_loads("ed25519", "ssh-ed25519");
	assert_loads("ecdsa256", "ecdsa-sha2-nistp256");
	assert_loads("ecdsa384", "ecdsa-sha2-nistp384");
	assert_loads("ecdsa521", "ecdsa-sha2-nistp521");
	assert_loads("rsa", "ssh-rsa");
}

static void
every_type_in_pem_and_pkcs8(void **state)
{
	(void)state;
	assert_loads("ecdsa256.pem", "ecdsa-sha2-nistp256");
	assert_loads("ecdsa384.pkcs8", "ecdsa-sha2-nistp384");
	assert_loads("ecdsa521.pkcs8", "ecdsa-sha2-nistp521");
	assert_loads("rsa.pem", "ssh-rsa");
	assert_loads("rsa.pkcs8", "ssh-rsa");
	assert_loads("ed25519.pkcs8", "ssh-ed25519");
}

static void
public_halves(void **state)
{
	static const char *const names[] = { "ed25519", "ecdsa256",
	    "ecdsa384", "ecdsa521", "rsa", "ecdsa256.pem", "ecdsa384.pkcs8",
	    "ecdsa521.pkcs8", "rsa.pem", "rsa.pkcs8", "ed25519.enc" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_public_half(names[i]);
}

static void
encrypted_keys_are_kept(void **state)
{
	(void)state;
	assert_encrypted("ed25519.enc", "ssh-ed25519");
	/* These say nothing before they are opened. */
	assert_encrypted("rsa.pem.enc", "");
	assert_encrypted("ecdsa.pkcs8.enc", "");
}

static void
carriage_returns_and_no_last_newline(void **state)
{
	struct str crlf;
	char *bytes;
	size_t len;

	(void)state;
	bytes = read_key("ed25519", &len);
	write_key("cut", bytes, len - 1, 0600);
	assert_loads("cut", "ssh-ed25519");
	str_init(&crlf);
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] == '\n')
			str_append(&crlf, "\r");
		str_append_n(&crlf, bytes + i, 1);
	}
	write_key("crlf", crlf.p, crlf.len, 0600);
	assert_loads("crlf", "ssh-ed25519");
	str_fini(&crlf);
	free(bytes);
}

static void
modes_and_owners(void **state)
{
	static const mode_t bad[] = { 0644, 0640, 0604, 0620, 0601, 0777 };
	char *bytes, *path = at("mode"), *link_path = at("link");
	size_t len;

	(void)state;
	bytes = read_key("ed25519", &len);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char *mode = str_dupf("(mode %04o); chmod 600 it",
		    (unsigned)bad[i]);

		write_key("mode", bytes, len, bad[i]);
		assert_refused("mode", ERR_PERM, mode);
		free(mode);
	}
	write_key("mode", bytes, len, 0400);
	assert_loads("mode", "ssh-ed25519");
	/* The file is judged, not the link to it. */
	assert_int_equal(symlink(path, link_path), 0);
	assert_loads("link", "ssh-ed25519");
	if (geteuid() == 0) {
		assert_int_equal(chown(path, 12345, (gid_t)-1), 0);
		assert_refused("mode", ERR_PERM, "belongs to user 12345");
	} else {
		assert_int_equal(chmod(path, 0), 0);
		assert_refused("mode", ERR_PERM, "permission denied");
	}
	assert_int_equal(unlink(link_path), 0);
	assert_int_equal(unlink(path), 0);
	free(link_path);
	free(path);
	free(bytes);
}

/* As systemd gives a credential to a user: root's, with an ACL. */
static void
roots_file_for_us(void **state)
{
	char *bytes, *path = at("root");
	size_t len;

	(void)state;
	if (geteuid() != 0)
		skip();
	bytes = read_key("ed25519", &len);
	assert_int_equal(chmod(dir, 0711), 0);
	write_key("root", bytes, len, 0440);
	assert_int_equal(chown(path, 0, 12345), 0);
	assert_refused("root", ERR_PERM, "(mode 0440)");
	assert_int_equal(setegid(12345), 0);
	assert_int_equal(seteuid(12345), 0);
	assert_loads("root", "ssh-ed25519");
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(chmod(path, 0460), 0);
	assert_int_equal(seteuid(12345), 0);
	assert_refused("root", ERR_PERM, "(mode 0460)");
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(chmod(path, 0444), 0);
	assert_int_equal(seteuid(12345), 0);
	assert_refused("root", ERR_PERM, "(mode 0444)");
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(setegid(0), 0);
	assert_int_equal(chmod(dir, 0700), 0);
	assert_int_equal(unlink(path), 0);
	free(path);
	free(bytes);
}

static void
files_that_are_no_keys(void **state)
{
	char *big = mem_alloc(IDENTITY_FILE_MAX + 1), *path = at("fifo");
	char *bytes;
	size_t len;

	(void)state;
	assert_refused("absent", ERR_NOTFOUND, "does not exist");
	assert_refused("ed25519/x", ERR_NOTFOUND, "does not exist");
	assert_refused(".", ERR_INPUT, "not a regular file");
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_refused("fifo", ERR_INPUT, "not a regular file");
	write_key("bad", "", 0, 0600);
	assert_refused("bad", ERR_INPUT, "is empty");
	write_key("bad", big, IDENTITY_FILE_MAX + 1, 0600);
	assert_refused("bad", ERR_INPUT, "larger than 65536 bytes");
	write_key("bad", big, IDENTITY_FILE_MAX, 0600);
	assert_refused("bad", ERR_INPUT, "no private key");
	bytes = read_key("ed25519.pub", &len);
	write_key("bad", bytes, len, 0600);
	assert_refused("bad", ERR_INPUT, "is a public key");
	free(bytes);
#define PPK	"PuTTY-User-Key-File-3: ssh-ed25519\r\n"
	write_key("bad", PPK, strlen(PPK), 0600);
	assert_refused("bad", ERR_INPUT, "PuTTY");
#define CERT	"-----BEGIN CERTIFICATE-----\nAAAA\n" \
	"-----END CERTIFICATE-----\n"
	write_key("bad", CERT, strlen(CERT), 0600);
	assert_refused("bad", ERR_INPUT, "damaged");
	free(path);
	free(big);
}

/* No part and no alteration of a key may do harm; most are refused. */
static void
torn_keys(void **state)
{
	static const char *const names[] = { "ed25519", "ecdsa256.pem" };

	(void)state;
	for (size_t k = 0; k < 2; k++) {
		struct identity id;
		struct err err;
		size_t len;
		char *bytes = read_key(names[k], &len), *path = at("torn");

		for (size_t n = 0; n < len - 2; n++) {
			write_key("torn", bytes, n, 0600);
			assert_int_equal(identity_load(&id, path, &err), -1);
			assert_int_equal(err.code, ERR_INPUT);
			identity_fini(&id);
		}
		for (size_t n = 0; n < len; n++) {
			bytes[n] ^= 1;
			write_key("torn", bytes, len, 0600);
			(void)identity_load(&id, path, &err);
			identity_fini(&id);
			bytes[n] ^= 1;
		}
		free(path);
		free(bytes);
	}
}

static void
unsupported_types(void **state)
{
	char *path = at("secp256k1"), *x = at("x25519");
	char *ec[] = { "openssl", "ecparam", "-name", "secp256k1", "-genkey",
	    "-noout", "-out", path, NULL };
	char *x25519[] = { "openssl", "genpkey", "-algorithm", "X25519",
	    "-out", x, NULL };

	(void)state;
	run(ec);
	run(x25519);
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(chmod(x, 0600), 0);
	assert_refused("secp256k1", ERR_INPUT,
	    "of type secp256k1, which is not supported");
	assert_refused("x25519", ERR_INPUT,
	    "of type X25519, which is not supported");
	free(x);
	free(path);
}

static int
setup(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL)
		return -1;
	make_key("ed25519", "ed25519", "256", "RFC4716", "");
	make_key("ecdsa256", "ecdsa", "256", "RFC4716", "");
	make_key("ecdsa384", "ecdsa", "384", "RFC4716", "");
	make_key("ecdsa521", "ecdsa", "521", "RFC4716", "");
	make_key("rsa", "rsa", "3072", "RFC4716", "");
	make_key("ecdsa256.pem", "ecdsa", "256", "PEM", "");
	make_key("ecdsa384.pkcs8", "ecdsa", "384", "PKCS8", "");
	make_key("ecdsa521.pkcs8", "ecdsa", "521", "PKCS8", "");
	make_key("rsa.pem", "rsa", "2048", "PEM", "");
	make_key("rsa.pkcs8", "rsa", "2048", "PKCS8", "");
	make_key("ed25519.enc", "ed25519", "256", "RFC4716", "secret");
	make_key("rsa.pem.enc", "rsa", "2048", "PEM", "secret");
	make_key("ecdsa.pkcs8.enc", "ecdsa", "256", "PKCS8", "secret");
	make_ed25519_pkcs8("ed25519.pkcs8");
	return 0;
}

static int
teardown(void **state)
{
	char *argv[] = { "rm", "-rf", dir, NULL };

	(void)state;
	run(argv);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_in_openssh_format),
		cmocka_unit_test(every_type_in_pem_and_pkcs8),
		cmocka_unit_test(public_halves),
		cmocka_unit_test(encrypted_keys_are_kept),
		cmocka_unit_test(carriage_returns_and_no_last_newline),
		cmocka_unit_test(modes_and_owners),
		cmocka_unit_test(roots_file_for_us),
		cmocka_unit_test(files_that_are_no_keys),
		cmocka_unit_test(torn_keys),
		cmocka_unit_test(unsupported_types),
	};

	return cmocka_run_group_tests_name("identity", tests, setup, teardown);
}
