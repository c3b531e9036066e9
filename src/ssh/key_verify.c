/* SPDX-License-Identifier: ISC */
#include "ssh/key_verify.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "ssh/host_key.h"
#include "ssh/packet.h"

#define RSA_BITS_MIN	1024
#define RSA_BITS_MAX	16384
#define ED25519_SIZE	32	/* bytes of a public key */

struct scheme;
typedef EVP_PKEY *make_key(const struct scheme *, struct reader *);

/* New: the signature's bytes as OpenSSL wants them; NULL if they are none. */
typedef uint8_t *make_signature(const EVP_PKEY *, const uint8_t *bytes,
    size_t len, size_t *out_len);

struct scheme {
	const char *name;	/* of the signature */
	const char *type;	/* of the key */
	const char *curve;	/* as the key names it */
	const char *group;	/* as OpenSSL does */
	const char *digest;	/* NULL: the algorithm has its own */
	make_key *key;
	make_signature *signature;
};

static EVP_PKEY *
key_from(const char *algorithm, OSSL_PARAM_BLD *build)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, algorithm, NULL);
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
	EVP_PKEY *key = NULL;

	if (ctx == NULL || params == NULL ||
	    EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		key = NULL;
	OSSL_PARAM_free(params);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

/* New: an mpint (RFC 4251 5); NULL if it is negative or missing. */
static BIGNUM *
take_number(struct reader *r)
{
	size_t len;
	const uint8_t *p = reader_string(r, &len);

	if (r->broken || len == 0 || len > RSA_BITS_MAX / 8 + 1 ||
	    (*p & 0x80) != 0)
		return NULL;
	return BN_bin2bn(p, (int)len, NULL);
}

static EVP_PKEY *
make_rsa(const struct scheme *s, struct reader *r)
{
	BIGNUM *e = take_number(r), *n = take_number(r);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY *key = NULL;

	(void)s;
	if (e != NULL && n != NULL && build != NULL &&
	    BN_num_bits(n) >= RSA_BITS_MIN && BN_num_bits(n) <= RSA_BITS_MAX &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1)
		key = key_from("RSA", build);
	OSSL_PARAM_BLD_free(build);
	BN_free(e);
	BN_free(n);
	return key;
}

/* RFC 5656 3.1 */
static EVP_PKEY *
make_ecdsa(const struct scheme *s, struct reader *r)
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY *key = NULL;
	const uint8_t *point;
	char curve[16];
	size_t len;

	reader_text(r, curve, sizeof(curve));
	point = reader_string(r, &len);
	if (!r->broken && strcmp(curve, s->curve) == 0 && build != NULL &&
	    OSSL_PARAM_BLD_push_utf8_string(build,
	    OSSL_PKEY_PARAM_GROUP_NAME, s->group, 0) == 1 &&
	    OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY,
	    point, len) == 1)
		key = key_from("EC", build);
	OSSL_PARAM_BLD_free(build);
	return key;
}

static EVP_PKEY *
make_ed25519(const struct scheme *s, struct reader *r)
{
	size_t len;
	const uint8_t *p = reader_string(r, &len);

	(void)s;
	if (len != ED25519_SIZE)
		return NULL;
	return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, p, len);
}

/* RFC 8332 3; some leave out zeros at the beginning. */
static uint8_t *
rsa_signature(const EVP_PKEY *key, const uint8_t *bytes, size_t len,
    size_t *out_len)
{
	size_t size = (size_t)EVP_PKEY_get_size(key);
	uint8_t *out;

	if (len > size)
		return NULL;
	out = mem_alloc(size);
	memcpy(out + size - len, bytes, len);
	*out_len = size;
	return out;
}

/* RFC 5656 3.1.2 */
static uint8_t *
ecdsa_signature(const EVP_PKEY *key, const uint8_t *bytes, size_t len,
    size_t *out_len)
{
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r, *s;
	uint8_t *out = NULL, *der = NULL;
	struct reader reader;
	int n;

	(void)key;
	reader_init(&reader, bytes, len);
	r = take_number(&reader);
	s = take_number(&reader);
	if (sig == NULL || r == NULL || s == NULL || reader.left > 0 ||
	    ECDSA_SIG_set0(sig, r, s) != 1) {
		BN_free(r);
		BN_free(s);
	} else if ((n = i2d_ECDSA_SIG(sig, &der)) > 0) {
		out = mem_alloc((size_t)n);
		memcpy(out, der, (size_t)n);
		*out_len = (size_t)n;
	}
	OPENSSL_free(der);
	ECDSA_SIG_free(sig);
	return out;
}

static uint8_t *
same_signature(const EVP_PKEY *key, const uint8_t *bytes, size_t len,
    size_t *out_len)
{
	uint8_t *out = mem_alloc(len);

	(void)key;
	if (len > 0)
		memcpy(out, bytes, len);
	*out_len = len;
	return out;
}

static const struct scheme schemes[] = {
	{ .name = "ssh-ed25519", .type = "ssh-ed25519",
	  .key = make_ed25519, .signature = same_signature },
	{ .name = "ecdsa-sha2-nistp256", .type = "ecdsa-sha2-nistp256",
	  .curve = "nistp256", .group = "P-256", .digest = "SHA256",
	  .key = make_ecdsa, .signature = ecdsa_signature },
	{ .name = "ecdsa-sha2-nistp384", .type = "ecdsa-sha2-nistp384",
	  .curve = "nistp384", .group = "P-384", .digest = "SHA384",
	  .key = make_ecdsa, .signature = ecdsa_signature },
	{ .name = "ecdsa-sha2-nistp521", .type = "ecdsa-sha2-nistp521",
	  .curve = "nistp521", .group = "P-521", .digest = "SHA512",
	  .key = make_ecdsa, .signature = ecdsa_signature },
	{ .name = "rsa-sha2-512", .type = "ssh-rsa", .digest = "SHA512",
	  .key = make_rsa, .signature = rsa_signature },
	{ .name = "rsa-sha2-256", .type = "ssh-rsa", .digest = "SHA256",
	  .key = make_rsa, .signature = rsa_signature },
};
#define SCHEME_COUNT	(sizeof(schemes) / sizeof(schemes[0]))

bool
key_verify_knows(const char *type)
{
	for (size_t i = 0; i < SCHEME_COUNT; i++)
		if (strcmp(schemes[i].type, type) == 0)
			return true;
	return false;
}

static const struct scheme *
find_scheme(const char *name, const char *type)
{
	for (size_t i = 0; i < SCHEME_COUNT; i++)
		if (strcmp(schemes[i].name, name) == 0 &&
		    strcmp(schemes[i].type, type) == 0)
			return &schemes[i];
	return NULL;
}

static bool
is_made_by(const struct scheme *s, EVP_PKEY *key, const uint8_t *bytes,
    size_t bytes_len, const uint8_t *data, size_t len)
{
	size_t n = 0;
	uint8_t *signature = s->signature(key, bytes, bytes_len, &n);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = signature != NULL && ctx != NULL &&
	    EVP_DigestVerifyInit_ex(ctx, NULL, s->digest, NULL, NULL, key,
	    NULL) == 1 && EVP_DigestVerify(ctx, signature, n, data, len) == 1;

	EVP_MD_CTX_free(ctx);
	free(signature);
	return good;
}

int
key_verify(const uint8_t *key, size_t key_len, const uint8_t *signature,
    size_t signature_len, const uint8_t *data, size_t len, struct err *err)
{
	char type[HOST_KEY_TYPE_SIZE], name[HOST_KEY_TYPE_SIZE];
	const struct scheme *s;
	const uint8_t *bytes;
	struct reader r;
	EVP_PKEY *pkey;
	size_t n;
	bool good;

	reader_init(&r, signature, signature_len);
	reader_text(&r, name, sizeof(name));
	bytes = reader_string(&r, &n);
	if (r.broken || r.left > 0)
		return err_set(err, ERR_PROTOCOL, "a signature is malformed");
	if (host_key_type(key, key_len, type) == -1)
		return err_set(err, ERR_PROTOCOL, "a key is malformed");
	if ((s = find_scheme(name, type)) == NULL)
		return err_set(err, ERR_PROTOCOL, "a key of type %s cannot "
		    "sign by %s", type, name);
	reader_init(&r, key, key_len);
	reader_string(&r, &key_len);		/* its type */
	pkey = s->key(s, &r);
	good = pkey != NULL && is_made_by(s, pkey, bytes, n, data, len);
	EVP_PKEY_free(pkey);
	ERR_clear_error();
	return good ? 0 : err_set(err, ERR_PROTOCOL,
	    "a signature by %s is wrong", name);
}
