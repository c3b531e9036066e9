/* SPDX-License-Identifier: ISC */
/*
 * A server's list of host keys, its proof, and signatures by each kind of key,
 * which ssh-keygen makes.
 */
#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base64.h"
#include "base/str.h"
#include "ssh/key_list.h"
#include "ssh/key_verify.h"
#include "ssh/packet.h"

static char dir[] = "/tmp/hawser-list-XXXXXX";

static void
run(char *command)
{
	if (system(command) != 0)
		fail_msg("%s", command);
	free(command);
}

/* New: what the base64 text of a file, without its first and last line, is. */
static uint8_t *
read_armour(const char *path, size_t *len)
{
	FILE *f = fopen(path, "r");
	uint8_t *bytes = mem_alloc(8192);
	struct str text;
	char line[512];
	ssize_t n;

	assert_non_null(f);
	str_init(&text);
	while (fgets(line, sizeof(line), f) != NULL)
		if (line[0] != '-')
			str_append(&text, line);
	fclose(f);
	n = base64_decode(text.p, text.len, bytes, 8192);
	assert_true(n > 0);
	*len = (size_t)n;
	str_fini(&text);
	return bytes;
}

static void
put(struct str *s, const void *bytes, size_t n)
{
	uint8_t len[4];

	packet_store_u32(len, (uint32_t)n);
	str_append_n(s, len, 4);
	str_append_n(s, bytes, n);
}

/* A key, a signature of it, and what was signed. */
struct sample {
	uint8_t *armour;
	const uint8_t *key, *signature;
	size_t key_len, signature_len;
	struct str data;
};

/* ssh-keygen -Y sign (PROTOCOL.sshsig) by a new key of this kind. */
static void
sign(struct sample *s, const char *kind, const char *digest, const EVP_MD *md)
{
	static const char text[] = "some text";
	unsigned char hash[EVP_MAX_MD_SIZE];
	char *path = str_dupf("%s/text.sig", dir);
	unsigned hash_len;
	struct reader r;
	size_t len;

	run(str_dupf("cd %s && rm -f key* text.sig && printf '%s' >text && "
	    "ssh-keygen -q -t %s -N '' -f key && ssh-keygen -q -Y sign "
	    "-O hashalg=%s -f key -n test text 2>/dev/null", dir, text, kind,
	    digest));
	s->armour = read_armour(path, &len);
	assert_memory_equal(s->armour, "SSHSIG", 6);
	reader_init(&r, s->armour + 6, len - 6);
	assert_int_equal(reader_u32(&r), 1);
	s->key = reader_string(&r, &s->key_len);
	reader_string(&r, &len);
	reader_string(&r, &len);
	reader_string(&r, &len);
	s->signature = reader_string(&r, &s->signature_len);
	assert_false(r.broken);
	assert_int_equal(EVP_Digest(text, strlen(text), hash, &hash_len, md,
	    NULL), 1);
	str_init(&s->data);
	str_append_n(&s->data, "SSHSIG", 6);
	put(&s->data, "test", 4);
	put(&s->data, "", 0);
	put(&s->data, digest, strlen(digest));
	put(&s->data, hash, hash_len);
	free(path);
}

static void
sample_fini(struct sample *s)
{
	str_fini(&s->data);
	free(s->armour);
}

static int
verify(const struct sample *s)
{
	struct err err;

	return key_verify(s->key, s->key_len, s->signature, s->signature_len,
	    (const uint8_t *)s->data.p, s->data.len, &err);
}

/* No byte can be another one, and none can be missing. */
static void
assert_strict(struct sample *s)
{
	uint8_t *signature = (uint8_t *)(uintptr_t)s->signature;
	size_t len = s->signature_len;

	assert_int_equal(verify(s), 0);
	for (size_t i = 0; i < len; i += len > 200 ? 7 : 1) {
		signature[i] ^= 1;
		assert_int_equal(verify(s), -1);
		signature[i] ^= 1;
	}
	for (s->signature_len = 0; s->signature_len < len;
	    s->signature_len += len > 200 ? 7 : 1)
		assert_int_equal(verify(s), -1);
	s->signature_len = len;
	for (size_t i = 0; i < s->data.len; i++) {
		s->data.p[i] ^= 1;
		assert_int_equal(verify(s), -1);
		s->data.p[i] ^= 1;
	}
	assert_int_equal(verify(s), 0);
}

static void
signatures_of_every_kind(void **state)
{
	static const char *const kinds[] = { "ed25519", "ecdsa -b 256",
	    "ecdsa -b 384", "ecdsa -b 521", "rsa -b 2048" };
	uint8_t *first = NULL;
	size_t first_len = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct sample s;
		struct err err;

		sign(&s, kinds[i], i % 2 == 0 ? "sha512" : "sha256",
		    i % 2 == 0 ? EVP_sha512() : EVP_sha256());
		assert_strict(&s);
		/* Another's key. */
		if (first != NULL)
			assert_int_equal(key_verify(first, first_len,
			    s.signature, s.signature_len,
			    (const uint8_t *)s.data.p, s.data.len, &err), -1);
		free(first);
		first = mem_alloc(s.key_len);
		memcpy(first, s.key, s.key_len);
		first_len = s.key_len;
		sample_fini(&s);
	}
	free(first);
}

/* The names in RSA's signatures count: SHA-1's is none that we take. */
static void
rsa_needs_sha2(void **state)
{
	struct sample s;
	struct str other;
	size_t whole, skip;
	const uint8_t *all;
	struct err err;

	(void)state;
	sign(&s, "rsa -b 2048", "sha256", EVP_sha256());
	all = s.signature;
	whole = s.signature_len;
	skip = 4 + strlen("rsa-sha2-512");
	str_init(&other);
	put(&other, "ssh-rsa", 7);
	str_append_n(&other, all + skip, whole - skip);
	s.signature = (const uint8_t *)other.p;
	s.signature_len = other.len;
	assert_int_equal(key_verify(s.key, s.key_len, s.signature,
	    s.signature_len, (const uint8_t *)s.data.p, s.data.len, &err), -1);
	assert_string_equal(err.text,
	    "a key of type ssh-rsa cannot sign by ssh-rsa");
	str_fini(&other);
	sample_fini(&s);
}

/* A key whose private half we have. */
static EVP_PKEY *
new_key(uint8_t blob[51])
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	size_t len = 32;

	assert_non_null(key);
	memcpy(blob, "\0\0\0\13ssh-ed25519\0\0\0\40", 19);
	assert_int_equal(EVP_PKEY_get_raw_public_key(key, blob + 19, &len), 1);
	return key;
}

/* Appends the proof of a key, for this session, by whatever key. */
static void
prove(struct str *out, EVP_PKEY *by, const uint8_t blob[51],
    const char *session, const char *name)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char bytes[64];
	size_t len = sizeof(bytes);
	struct str data, signature;

	str_init(&data);
	str_init(&signature);
	put(&data, name, strlen(name));
	put(&data, session, strlen(session));
	put(&data, blob, 51);
	assert_int_equal(EVP_DigestSignInit(ctx, NULL, NULL, NULL, by), 1);
	assert_int_equal(EVP_DigestSign(ctx, bytes, &len,
	    (const unsigned char *)data.p, data.len), 1);
	put(&signature, "ssh-ed25519", 11);
	put(&signature, bytes, len);
	put(out, signature.p, signature.len);
	EVP_MD_CTX_free(ctx);
	str_fini(&signature);
	str_fini(&data);
}

#define PROVE	"hostkeys-prove-00@openssh.com"

static int
check(const struct key_list *l, const struct str *answer)
{
	struct err err;

	return key_list_check(l, (const uint8_t *)"the id", 6,
	    (const uint8_t *)answer->p, answer->len, &err);
}

static void
proofs(void **state)
{
	uint8_t a[51], b[51];
	EVP_PKEY *key_a = new_key(a), *key_b = new_key(b);
	struct str list, answer, request;
	struct key_list l;
	struct err err;

	(void)state;
	str_init(&list);
	str_init(&answer);
	str_init(&request);
	put(&list, a, sizeof(a));
	put(&list, "\0\0\0\6foobar\0\0\0\1x", 15);	/* not for us */
	put(&list, b, sizeof(b));
	assert_int_equal(key_list_parse(&l, (const uint8_t *)list.p, list.len,
	    &err), 0);
	assert_int_equal(l.count, 2);
	l.keys[1].asked = true;
	key_list_request(&l, &request);
	assert_int_equal(request.len, 55);
	assert_memory_equal(request.p + 4, b, 51);

	prove(&answer, key_b, b, "the id", PROVE);
	assert_int_equal(check(&l, &answer), 0);
	/* Every beginning, and anything behind it. */
	for (size_t n = answer.len; answer.len-- > 0;)
		if (check(&l, &answer) == 0)
			fail_msg("cut to %zu of %zu", answer.len, n);
	str_fini(&answer);
	prove(&answer, key_b, b, "the id", PROVE);
	put(&answer, "", 0);
	assert_int_equal(check(&l, &answer), -1);
	str_fini(&answer);

	/* Of another session, key or purpose; by another key. */
	prove(&answer, key_b, b, "an id ", PROVE);
	assert_int_equal(check(&l, &answer), -1);
	str_fini(&answer);
	prove(&answer, key_b, a, "the id", PROVE);
	assert_int_equal(check(&l, &answer), -1);
	str_fini(&answer);
	prove(&answer, key_b, b, "the id", "hostkeys-prove-01@openssh.com");
	assert_int_equal(check(&l, &answer), -1);
	str_fini(&answer);
	prove(&answer, key_a, b, "the id", PROVE);
	assert_int_equal(check(&l, &answer), -1);
	str_fini(&answer);

	/* All or none, in order. */
	l.keys[0].asked = true;
	prove(&answer, key_b, b, "the id", PROVE);
	prove(&answer, key_a, a, "the id", PROVE);
	assert_int_equal(check(&l, &answer), -1);
	str_fini(&answer);
	prove(&answer, key_a, a, "the id", PROVE);
	prove(&answer, key_b, b, "the id", PROVE);
	assert_int_equal(check(&l, &answer), 0);
	str_fini(&answer);

	key_list_fini(&l);
	str_fini(&request);
	str_fini(&list);
	EVP_PKEY_free(key_a);
	EVP_PKEY_free(key_b);
}

static int
parse(const struct str *list, size_t len, enum err_code *code)
{
	struct key_list l;
	struct err err = { .code = ERR_NONE };
	int rc = key_list_parse(&l, (const uint8_t *)list->p, len, &err);

	*code = err.code;
	key_list_fini(&l);
	return rc;
}

static void
lists_that_are_none(void **state)
{
	uint8_t blob[51];
	enum err_code code;
	struct str list;

	(void)state;
	str_init(&list);
	assert_int_equal(parse(&list, 0, &code), 0);
	memcpy(blob, "\0\0\0\13ssh-ed25519\0\0\0\40", 19);
	memset(blob + 19, 'x', 32);
	put(&list, blob, sizeof(blob));
	for (size_t n = 1; n < list.len; n++) {
		assert_int_equal(parse(&list, n, &code), -1);
		assert_int_equal(code, ERR_PROTOCOL);
	}
	put(&list, blob, sizeof(blob));
	assert_int_equal(parse(&list, list.len, &code), -1);
	assert_int_equal(code, ERR_PROTOCOL);
	str_fini(&list);
	for (uint8_t i = 0; i < KEY_LIST_MAX; i++) {
		blob[50] = i;
		put(&list, blob, sizeof(blob));
	}
	assert_int_equal(parse(&list, list.len, &code), 0);
	/* What isn't a key of ours doesn't count. */
	put(&list, blob, sizeof(blob) - 1);
	put(&list, "", 0);
	assert_int_equal(parse(&list, list.len, &code), 0);
	blob[50] = KEY_LIST_MAX;
	put(&list, blob, sizeof(blob));
	assert_int_equal(parse(&list, list.len, &code), -1);
	assert_int_equal(code, ERR_INPUT);
	str_fini(&list);
}

static int
setup(void **state)
{
	(void)state;
	return mkdtemp(dir) != NULL ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	run(str_dupf("rm -rf %s", dir));
	return 0;
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(signatures_of_every_kind),
		cmocka_unit_test(rsa_needs_sha2),
		cmocka_unit_test(proofs),
		cmocka_unit_test(lists_that_are_none),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
