/* SPDX-License-Identifier: ISC */
/* Files of RevokedHostKeys: lines of keys, and lists that ssh-keygen makes. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fdio.h"
#include "base/str.h"
#include "ssh/host_key.h"
#include "ssh/revoked_keys.h"

static char dir[] = "/tmp/hawser-revoked-XXXXXX";

/* Two keys, as lines and as blobs. */
static char *lines[2];
static uint8_t *blobs[2];
static size_t lens[2];

static void
run(const char *command)
{
	char *whole = str_dupf("cd %s && %s", dir, command);

	if (system(whole) != 0)
		fail_msg("%s", command);
	free(whole);
}

static char *
slurp(const char *name, size_t *len)
{
	char *path = str_dupf("%s/%s", dir, name), *text;
	int fd = open(path, O_RDONLY);
	struct err err;

	assert_int_not_equal(fd, -1);
	assert_non_null(text = fd_read_all(fd, 1 << 20, len, &err));
	close(fd);
	free(path);
	return text;
}

static int
setup(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(dir));
	run("ssh-keygen -q -t ed25519 -N '' -f 0 && "
	    "ssh-keygen -q -t ecdsa -N '' -f 1");
	for (int i = 0; i < 2; i++) {
		char type[HOST_KEY_TYPE_SIZE];
		const char *why;
		size_t n;

		lines[i] = slurp(i == 0 ? "0.pub" : "1.pub", &n);
		blobs[i] = host_key_parse(lines[i], n - 1, &lens[i], type,
		    &why);
		assert_non_null(blobs[i]);
	}
	return 0;
}

static int
teardown(void **state)
{
	char *command = str_dupf("rm -rf %s", dir);

	(void)state;
	for (int i = 0; i < 2; i++) {
		free(lines[i]);
		free(blobs[i]);
	}
	assert_int_equal(system(command), 0);
	free(command);
	return 0;
}

/* Key 0 is revoked by these bytes, by that line, and key 1 is not. */
static void
assert_revokes(const char *bytes, size_t len, unsigned line)
{
	struct err err;
	struct revoked_keys *k = revoked_keys_parse("f", bytes, len, &err);
	unsigned at;

	if (k == NULL)
		fail_msg("%s", err.text);
	assert_true(revoked_keys_have(k, blobs[0], lens[0], &at));
	assert_int_equal(at, line);
	assert_false(revoked_keys_have(k, blobs[1], lens[1], &at));
	assert_false(revoked_keys_have(k, blobs[0], lens[0] - 1, &at));
	assert_string_equal(revoked_keys_name(k), "f");
	revoked_keys_free(k);
}

static void
assert_refused(const char *bytes, size_t len, const char *why)
{
	struct err err;

	assert_null(revoked_keys_parse("f", bytes, len, &err));
	assert_int_equal(err.code, ERR_INPUT);
	if (strstr(err.text, why) == NULL)
		fail_msg("%s", err.text);
}

static void
keys_in_lines(void **state)
{
	char *texts[] = { str_dup(lines[0]),
	    str_dupf("# %s\n%s", lines[1], lines[0]),
	    str_dupf(" \t%s\n\n#x", lines[0]),
	    str_dupf("\n\r\n%s", lines[0]) };
	static const unsigned at[] = { 1, 3, 1, 3 };
	struct err err;
	struct revoked_keys *k;
	unsigned line;

	(void)state;
	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		assert_revokes(texts[i], strlen(texts[i]), at[i]);
		free(texts[i]);
	}
	assert_non_null(k = revoked_keys_parse("f", "", 0, &err));
	assert_false(revoked_keys_have(k, blobs[0], lens[0], &line));
	revoked_keys_free(k);
}

/* What isn't understood might be the key that matters. */
static void
lines_that_are_none(void **state)
{
	char *text = str_dupf("%shello\n", lines[0]);

	(void)state;
	assert_refused(text, strlen(text), "f:2: the line ends before");
	free(text);
	assert_refused("ssh-ed25519 AAAA\n", 17, "f:1: the key is damaged");
	text = str_dupf("ssh-rsa %s", strchr(lines[0], ' ') + 1);
	assert_refused(text, strlen(text), "not of the type");
	free(text);
	text = str_dupf("@revoked * %s", lines[0]);
	assert_refused(text, strlen(text), "damaged");
	free(text);
	assert_refused("SSHKRL", 6, "f:1:");
}

static void
lists_of_openssh(void **state)
{
	static const char *const commands[] = {
		"ssh-keygen -q -k -f krl 0.pub",
		"(printf 'key: '; cat 0.pub) >s && ssh-keygen -q -k -f krl s",
		"(printf 'sha1: '; cat 0.pub) >s && ssh-keygen -q -k -f krl s",
		"(printf 'sha256: '; cat 0.pub) >s && "
		    "ssh-keygen -q -k -f krl s",
		/* With serial numbers of certificates, and a comment. */
		"(printf 'serial: 1-9\\nid: x\\nkey: '; cat 0.pub) >s && "
		    "ssh-keygen -q -k -z 5 -s 1.pub -f krl s",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		char *bytes;
		size_t len;

		run("rm -f krl");
		run(commands[i]);
		bytes = slurp("krl", &len);
		assert_revokes(bytes, len, 0);
		for (size_t n = 1; n < len; n++) {
			struct err err;
			struct revoked_keys *k = revoked_keys_parse("f",
			    bytes, n, &err);

			/* A cut between two sections can't be seen. */
			if (k != NULL && n < 44)
				fail_msg("%zu of %zu", n, len);
			revoked_keys_free(k);
		}
		free(bytes);
	}
}

static void
lists_that_are_none(void **state)
{
#define HEAD	"SSHKRL\n\0" "\0\0\0\1" "12345678" "12345678" "12345678" \
	"\0\0\0\0" "\0\0\0\0"
#define REFUSED(bytes, why)	assert_refused(bytes, sizeof(bytes) - 1, why)

	(void)state;
	REFUSED("SSHKRL\n\0" "\0\0\0\2", "version");
	REFUSED("SSHKRL\n\0" "\0\0\0\1", "damaged");
	REFUSED(HEAD "\4" "\0\0\0\0", "type 4");
	REFUSED(HEAD "\377" "\0\0\0\0", "type 255");
	REFUSED(HEAD "\2", "damaged");
	REFUSED(HEAD "\2" "\377\377\377\377", "damaged");
	REFUSED(HEAD "\2" "\0\0\0\5" "\0\0\0\2x", "damaged");
	REFUSED(HEAD "\3" "\0\0\0\5" "\0\0\0\1x", "damaged");
	REFUSED(HEAD "\5" "\0\0\0\30" "\0\0\0\24" "12345678901234567890",
	    "damaged");
}

static void
files(void **state)
{
	char *path = str_dupf("%s/0.pub", dir), *none = str_dupf("%s/x", dir);
	struct revoked_keys *k;
	struct err err;
	unsigned line;

	(void)state;
	assert_non_null(k = revoked_keys_load(path, &err));
	assert_true(revoked_keys_have(k, blobs[0], lens[0], &line));
	assert_string_equal(revoked_keys_name(k), path);
	revoked_keys_free(k);
	assert_null(revoked_keys_load(none, &err));
	assert_int_equal(err.code, ERR_NOTFOUND);
	assert_null(revoked_keys_load(dir, &err));
	assert_int_equal(err.code, ERR_INPUT);
	assert_int_equal(chmod(path, 0666), 0);
	assert_null(revoked_keys_load(path, &err));
	assert_int_equal(err.code, ERR_PERM);
	free(none);
	free(path);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_in_lines),
		cmocka_unit_test(lines_that_are_none),
		cmocka_unit_test(lists_of_openssh),
		cmocka_unit_test(lists_that_are_none),
		cmocka_unit_test(files),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
