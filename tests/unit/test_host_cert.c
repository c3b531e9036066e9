/* SPDX-License-Identifier: ISC */
/* Certificates of hosts that ssh-keygen makes, and what is left of them. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base64.h"
#include "base/fdio.h"
#include "base/str.h"
#include "ssh/host_cert.h"

#define NOW	1600000000	/* 2020-09-13 */
#define ALL	"ssh-ed25519,ecdsa-sha2-nistp256,rsa-sha2-512,ssh-rsa"
#define VALID	"-V 20200101:20210101"

static char dir[] = "/tmp/hawser-cert-XXXXXX";

static void
run(const char *command)
{
	char *whole = str_dupf("cd %s && TZ=UTC && export TZ && %s", dir,
	    command);

	if (system(whole) != 0)
		fail_msg("%s", command);
	free(whole);
}

/* New: the blob in the second word of a file. */
static uint8_t *
slurp(const char *name, size_t *len)
{
	char *path = str_dupf("%s/%s", dir, name), *text, *word;
	int fd = open(path, O_RDONLY);
	uint8_t *blob;
	struct err err;
	ssize_t size;
	size_t n;

	assert_int_not_equal(fd, -1);
	assert_non_null(text = fd_read_all(fd, 1 << 20, &n, &err));
	close(fd);
	word = strchr(text, ' ') + 1;
	n = strcspn(word, " \n");
	blob = mem_alloc(n);
	size = base64_decode(word, n, blob, n);
	assert_true(size > 0);
	*len = (size_t)size;
	free(text);
	free(path);
	return blob;
}

/* New: a certificate of the key by the CA, as ssh-keygen is told. */
static uint8_t *
make(const char *ca, const char *options, const char *key, size_t *len)
{
	char *command = str_dupf("ssh-keygen -q -s %s -I id %s %s.pub", ca,
	    options, key), *name = str_dupf("%s-cert.pub", key);
	uint8_t *blob;

	run(command);
	blob = slurp(name, len);
	free(name);
	free(command);
	return blob;
}

/* 0, or -1 with why. */
static int
check(const uint8_t *blob, size_t len, const char *name, int64_t now,
    struct err *err)
{
	struct host_cert c;
	int rc;

	if (host_cert_parse(&c, blob, len, err) == -1)
		return -1;
	rc = host_cert_check(&c, name, now, ALL, err);
	host_cert_fini(&c);
	return rc;
}

static int
setup(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(dir));
	run("for i in ed25519 ecdsa 'rsa -b 2048'; do ssh-keygen -q -t $i "
	    "-N '' -f ${i%% *}; done");
	return 0;
}

static int
teardown(void **state)
{
	char *command = str_dupf("rm -rf %s", dir);

	(void)state;
	assert_int_equal(system(command), 0);
	free(command);
	return 0;
}

/* Of each kind by each kind; the key and the CA are those. */
static void
certificates(void **state)
{
	static const char *const kinds[] = { "ed25519", "ecdsa", "rsa" };

	(void)state;
	for (size_t i = 0; i < 9; i++) {
		const char *ca = kinds[i / 3], *key = kinds[i % 3];
		size_t len, ca_len, key_len;
		uint8_t *blob = make(ca, "-h -n h,x " VALID, key, &len);
		char *ca_name = str_dupf("%s.pub", ca);
		char *key_name = str_dupf("%s.pub", key);
		uint8_t *ca_blob = slurp(ca_name, &ca_len);
		uint8_t *key_blob = slurp(key_name, &key_len);
		struct host_cert c;
		struct err err;

		assert_true(host_cert_is(blob, len));
		assert_false(host_cert_is(key_blob, key_len));
		assert_int_equal(host_cert_parse(&c, key_blob, key_len, &err),
		    -1);
		assert_int_equal(host_cert_parse(&c, blob, len, &err), 0);
		assert_int_equal(c.ca_len, ca_len);
		assert_memory_equal(c.ca, ca_blob, ca_len);
		assert_int_equal(c.key.len, key_len);
		assert_memory_equal(c.key.blob, key_blob, key_len);
		if (host_cert_check(&c, "h", NOW, ALL, &err) == -1)
			fail_msg("%s by %s: %s", key, ca, err.text);
		assert_int_equal(host_cert_check(&c, "x", NOW, ALL, &err), 0);
		host_cert_fini(&c);
		free(key_blob);
		free(ca_blob);
		free(key_name);
		free(ca_name);
		free(blob);
	}
}

/* Not a byte may be missing, more or another one. */
static void
every_byte_counts(void **state)
{
	static const char *const kinds[] = { "ed25519", "ecdsa", "rsa" };

	(void)state;
	for (size_t k = 0; k < 3; k++) {
		size_t len;
		uint8_t *blob = make(kinds[k], "-h -n h " VALID, kinds[k],
		    &len), *more = mem_alloc(len + 1);
		struct err err;

		memcpy(more, blob, len);
		assert_int_equal(check(more, len, "h", NOW, &err), 0);
		for (size_t i = 0; i < len; i++) {
			more[i] ^= 1;
			if (check(more, len, "h", NOW, &err) == 0)
				fail_msg("byte %zu of %zu", i, len);
			more[i] ^= 1;
		}
		for (size_t n = 0; n < len; n++)
			assert_int_equal(check(more, n, "h", NOW, &err), -1);
		assert_int_equal(check(more, len + 1, "h", NOW, &err), -1);
		free(more);
		free(blob);
	}
}

static void
what_it_is_for(void **state)
{
	static const struct {
		const char *options;
		const char *name;
		int64_t now;
		const char *why;	/* NULL: it is good */
	} rows[] = {
		{ "-h -n h " VALID, "h", 1577836800, NULL },
		{ "-h -n h " VALID, "h", 1577836799, "not valid yet" },
		{ "-h -n h " VALID, "h", 1609459199, NULL },
		{ "-h -n h " VALID, "h", 1609459200, "expired" },
		{ "-h -n h", "h", INT64_MAX, NULL },
		{ "-n h " VALID, "h", NOW, "not a host's" },
		{ "-h -n h " VALID, "hh", NOW, "not for hh" },
		{ "-h -n h,i " VALID, "h,i", NOW, "not for h,i" },
		{ "-h -n '*.example,?' " VALID, "a.example", NOW, NULL },
		{ "-h -n '*.example,?' " VALID, "x", NOW, NULL },
		{ "-h -n '*.example,?' " VALID, "example", NOW, "not for" },
		{ "-h " VALID, "anything", NOW, NULL },
		{ "-h -n h -O critical:x=y " VALID, "h", NOW, "critical" },
		{ "-h -n h -O extension:x=y " VALID, "h", NOW, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t len;
		uint8_t *blob = make("ed25519", rows[i].options, "ecdsa",
		    &len);
		struct err err = { .text = "" };
		int rc = check(blob, len, rows[i].name, rows[i].now, &err);

		assert_int_equal(rc, rows[i].why == NULL ? 0 : -1);
		if (rc == -1)
			assert_int_equal(err.code, ERR_REFUSED);
		if (rc == -1 && strstr(err.text, rows[i].why) == NULL)
			fail_msg("%s: %s", rows[i].options, err.text);
		free(blob);
	}
}

static void
how_it_is_signed(void **state)
{
	size_t len;
	uint8_t *blob = make("rsa", "-h -n h -t rsa-sha2-256 " VALID,
	    "ecdsa", &len);
	struct host_cert c;
	struct err err;

	(void)state;
	assert_int_equal(host_cert_parse(&c, blob, len, &err), 0);
	assert_int_equal(host_cert_check(&c, "h", NOW, ALL, &err), -1);
	assert_non_null(strstr(err.text, "CASignatureAlgorithms"));
	assert_int_equal(host_cert_check(&c, "h", NOW, "ssh-rsa", &err), -1);
	assert_int_equal(host_cert_check(&c, "h", NOW,
	    "ssh-ed25519,rsa-sha2-256", &err), 0);
	host_cert_fini(&c);
	free(blob);
}

/* RSA's SHA-1 is a signature that anybody may have made. */
static void
sha1(void **state)
{
	size_t len;
	uint8_t *blob = make("rsa", "-h -n h -t ssh-rsa " VALID, "ecdsa",
	    &len);
	struct err err;

	(void)state;
	assert_int_equal(check(blob, len, "h", NOW, &err), -1);
	assert_non_null(strstr(err.text, "cannot sign by ssh-rsa"));
	free(blob);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(certificates),
		cmocka_unit_test(every_byte_counts),
		cmocka_unit_test(what_it_is_for),
		cmocka_unit_test(how_it_is_signed),
		cmocka_unit_test(sha1),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
