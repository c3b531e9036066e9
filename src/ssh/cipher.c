/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "ssh/cipher.h"

#include <libssh2_priv.h>
#include <mac.h>

#include <assert.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#include "base/str.h"
#include "ssh/cipher_impl.h"
#include "ssh/packet.h"

#define LENGTH_SIZE	CIPHER_LENGTH_SIZE
#define TAG_SIZE	CIPHER_TAG_SIZE
#define GCM_BLOCK	16
#define CHACHA_BLOCK	8
#define CHACHA_KEY	32
/* libssh2's receive buffer holds 35,000 bytes, and a packet must fit whole. */
#define PACKET_LENGTH_MAX	(35000 - LENGTH_SIZE - TAG_SIZE)

struct gcm {
	EVP_CIPHER_CTX *ctx;
	uint8_t iv[12];		/* fixed part, then a 64-bit counter */
};

struct chacha {
	EVP_CIPHER_CTX *body;	/* K_2 of PROTOCOL.chacha20poly1305 */
	EVP_CIPHER_CTX *length;	/* K_1 */
	EVP_MAC_CTX *poly;
	bool encrypt;
};

static EVP_MAC *poly1305;
static const LIBSSH2_CRYPT_METHOD **table;
static bool live;

/*
 * A packet_length that libssh2 can hold and the cipher can have made: whole
 * blocks, at least one.
 */
static int
check_length(uint32_t n, uint32_t block, unsigned *out)
{
	if (n < block || n % block != 0 || n > PACKET_LENGTH_MAX)
		return LIBSSH2_ERROR_OUT_OF_BOUNDARY;
	*out = n;
	return 0;
}

static uint32_t
load_u32(const uint8_t *p)
{
	struct reader r;

	reader_init(&r, p, 4);
	return reader_u32(&r);
}

/* AES-GCM (RFC 5647) */

static void
gcm_free(struct gcm *g)
{
	EVP_CIPHER_CTX_free(g->ctx);
	OPENSSL_cleanse(g, sizeof(*g));
	free(g);
}

static int
gcm_init(LIBSSH2_SESSION *session, const LIBSSH2_CRYPT_METHOD *method,
    unsigned char *iv, int *free_iv, unsigned char *secret,
    int *free_secret, int encrypt, void **abstract)
{
	struct gcm *g = mem_alloc(sizeof(*g));
	const EVP_CIPHER *type = method->secret_len == 16 ?
	    EVP_aes_128_gcm() : EVP_aes_256_gcm();

	(void)session;
	memcpy(g->iv, iv, sizeof(g->iv));
	g->ctx = EVP_CIPHER_CTX_new();
	if (g->ctx == NULL || EVP_CipherInit_ex(g->ctx, type, NULL, secret,
	    iv, encrypt) != 1) {
		gcm_free(g);
		return -1;
	}
	*free_iv = 1;
	*free_secret = 1;
	*abstract = g;
	return 0;
}

static int
gcm_dtor(LIBSSH2_SESSION *session, void **abstract)
{
	(void)session;
	if (*abstract != NULL)
		gcm_free(*abstract);
	*abstract = NULL;
	return 0;
}

static int
gcm_get_len(LIBSSH2_SESSION *session, unsigned seqno, unsigned char *data,
    size_t n, unsigned *len, void **abstract)
{
	(void)session;
	(void)seqno;
	(void)n;
	(void)abstract;
	return check_length(load_u32(data), GCM_BLOCK, len);
}

/* The counter of RFC 5647 7.1: the last eight bytes, network order. */
static void
gcm_next_iv(struct gcm *g)
{
	for (size_t i = sizeof(g->iv); i-- > 4;)
		if (++g->iv[i] != 0)
			return;
}

static int
gcm_seal(struct gcm *g, uint8_t *buf, int n)
{
	int out;

	if (EVP_EncryptUpdate(g->ctx, NULL, &out, buf, LENGTH_SIZE) != 1 ||
	    EVP_EncryptUpdate(g->ctx, buf + LENGTH_SIZE, &out,
	    buf + LENGTH_SIZE, n) != 1 ||
	    EVP_EncryptFinal_ex(g->ctx, buf + LENGTH_SIZE + n, &out) != 1 ||
	    EVP_CIPHER_CTX_ctrl(g->ctx, EVP_CTRL_AEAD_GET_TAG, TAG_SIZE,
	    buf + LENGTH_SIZE + n) != 1)
		return -1;
	return 0;
}

static int
gcm_open(struct gcm *g, uint8_t *buf, int n)
{
	int out;

	if (EVP_CIPHER_CTX_ctrl(g->ctx, EVP_CTRL_AEAD_SET_TAG, TAG_SIZE,
	    buf + LENGTH_SIZE + n) != 1 ||
	    EVP_DecryptUpdate(g->ctx, NULL, &out, buf, LENGTH_SIZE) != 1 ||
	    EVP_DecryptUpdate(g->ctx, buf + LENGTH_SIZE, &out,
	    buf + LENGTH_SIZE, n) != 1 ||
	    EVP_DecryptFinal_ex(g->ctx, buf + LENGTH_SIZE + n, &out) != 1)
		return -1;
	return 0;
}

static int
gcm_transform(void *state, uint32_t seqno, uint8_t *buf, size_t n)
{
	struct gcm *g = state;
	int rc;

	(void)seqno;
	if (EVP_CipherInit_ex(g->ctx, NULL, NULL, NULL, g->iv, -1) != 1)
		return -1;
	if (EVP_CIPHER_CTX_is_encrypting(g->ctx))
		rc = gcm_seal(g, buf, (int)n);
	else
		rc = gcm_open(g, buf, (int)n);
	gcm_next_iv(g);
	return rc;
}

/* chacha20-poly1305@openssh.com (OpenSSH's PROTOCOL.chacha20poly1305) */

static void
chacha_free(struct chacha *c)
{
	EVP_CIPHER_CTX_free(c->body);
	EVP_CIPHER_CTX_free(c->length);
	EVP_MAC_CTX_free(c->poly);
	free(c);
}

static int
chacha_init(LIBSSH2_SESSION *session, const LIBSSH2_CRYPT_METHOD *method,
    unsigned char *iv, int *free_iv, unsigned char *secret,
    int *free_secret, int encrypt, void **abstract)
{
	struct chacha *c = mem_alloc(sizeof(*c));

	(void)session;
	(void)method;
	(void)iv;
	c->encrypt = encrypt;
	c->body = EVP_CIPHER_CTX_new();
	c->length = EVP_CIPHER_CTX_new();
	c->poly = EVP_MAC_CTX_new(poly1305);
	if (c->body == NULL || c->length == NULL || c->poly == NULL ||
	    EVP_EncryptInit_ex(c->body, EVP_chacha20(), NULL, secret,
	    NULL) != 1 ||
	    EVP_EncryptInit_ex(c->length, EVP_chacha20(), NULL,
	    secret + CHACHA_KEY, NULL) != 1) {
		chacha_free(c);
		return -1;
	}
	*free_iv = 1;
	*free_secret = 1;
	*abstract = c;
	return 0;
}

static int
chacha_dtor(LIBSSH2_SESSION *session, void **abstract)
{
	(void)session;
	if (*abstract != NULL)
		chacha_free(*abstract);
	*abstract = NULL;
	return 0;
}

/* OpenSSL's IV: a little-endian block counter, then the sequence number. */
static int
chacha_xor(EVP_CIPHER_CTX *ctx, uint32_t seqno, uint8_t block, uint8_t *buf,
    int n)
{
	uint8_t iv[16] = { block };
	int out;

	packet_store_u32(iv + 12, seqno);
	if (EVP_EncryptInit_ex(ctx, NULL, NULL, NULL, iv) != 1 ||
	    EVP_EncryptUpdate(ctx, buf, &out, buf, n) != 1)
		return -1;
	return 0;
}

static int
chacha_tag(struct chacha *c, uint32_t seqno, const uint8_t *buf, size_t n,
    uint8_t *tag)
{
	uint8_t key[32] = { 0 };
	size_t out;
	int rc = -1;

	if (chacha_xor(c->body, seqno, 0, key, sizeof(key)) == 0 &&
	    EVP_MAC_init(c->poly, key, sizeof(key), NULL) == 1 &&
	    EVP_MAC_update(c->poly, buf, n) == 1 &&
	    EVP_MAC_final(c->poly, tag, &out, TAG_SIZE) == 1)
		rc = 0;
	OPENSSL_cleanse(key, sizeof(key));
	return rc;
}

static int
chacha_get_len(LIBSSH2_SESSION *session, unsigned seqno, unsigned char *data,
    size_t n, unsigned *len, void **abstract)
{
	struct chacha *c = *abstract;
	uint8_t bytes[LENGTH_SIZE];

	(void)session;
	(void)n;
	memcpy(bytes, data, sizeof(bytes));
	if (chacha_xor(c->length, seqno, 0, bytes, sizeof(bytes)) == -1)
		return LIBSSH2_ERROR_DECRYPT;
	return check_length(load_u32(bytes), CHACHA_BLOCK, len);
}

static int
chacha_transform(void *state, uint32_t seqno, uint8_t *buf, size_t n)
{
	struct chacha *c = state;
	uint8_t tag[TAG_SIZE], *text = buf + LENGTH_SIZE;

	if (c->encrypt) {
		if (chacha_xor(c->length, seqno, 0, buf, LENGTH_SIZE) == -1 ||
		    chacha_xor(c->body, seqno, 1, text, (int)n) == -1)
			return -1;
		return chacha_tag(c, seqno, buf, LENGTH_SIZE + n, text + n);
	}
	if (chacha_tag(c, seqno, buf, LENGTH_SIZE + n, tag) == -1 ||
	    CRYPTO_memcmp(tag, text + n, TAG_SIZE) != 0)
		return -1;
	return chacha_xor(c->body, seqno, 1, text, (int)n);
}

/*
 * Both ciphers transform in place: buf is the length field, n bytes and room
 * for the tag. libssh2 calls with the same buf, but n counts the length field
 * when it encrypts and does not when it decrypts, and the plain text must end
 * up four bytes earlier, where the length field was.
 */
static int
crypt_for_libssh2(int (*transform)(void *, uint32_t, uint8_t *, size_t),
    bool encrypt, void *state, uint32_t seqno, uint8_t *buf, size_t n)
{
	if (encrypt)
		return transform(state, seqno, buf, n - LENGTH_SIZE) == 0 ?
		    0 : LIBSSH2_ERROR_ENCRYPT;
	if (transform(state, seqno, buf, n) == -1)
		return LIBSSH2_ERROR_DECRYPT;
	memmove(buf, buf + LENGTH_SIZE, n);
	return 0;
}

static int
gcm_crypt(LIBSSH2_SESSION *session, unsigned seqno, unsigned char *buf,
    size_t n, void **abstract, int firstlast)
{
	struct gcm *g = *abstract;

	(void)session;
	(void)firstlast;
	return crypt_for_libssh2(gcm_transform,
	    EVP_CIPHER_CTX_is_encrypting(g->ctx), g, seqno, buf, n);
}

static int
chacha_crypt(LIBSSH2_SESSION *session, unsigned seqno, unsigned char *buf,
    size_t n, void **abstract, int firstlast)
{
	struct chacha *c = *abstract;

	(void)session;
	(void)firstlast;
	return crypt_for_libssh2(chacha_transform, c->encrypt, c, seqno, buf,
	    n);
}

static const LIBSSH2_CRYPT_METHOD ours[] = {
	{
		.name = "aes128-gcm@openssh.com", .pem_annotation = "",
		.blocksize = GCM_BLOCK, .iv_len = 12, .secret_len = 16,
		.auth_len = TAG_SIZE,
		.flags = LIBSSH2_CRYPT_FLAG_REQUIRES_FULL_PACKET,
		.init = gcm_init, .get_len = gcm_get_len,
		.crypt = gcm_crypt, .dtor = gcm_dtor,
	}, {
		.name = "aes256-gcm@openssh.com", .pem_annotation = "",
		.blocksize = GCM_BLOCK, .iv_len = 12, .secret_len = 32,
		.auth_len = TAG_SIZE,
		.flags = LIBSSH2_CRYPT_FLAG_REQUIRES_FULL_PACKET,
		.init = gcm_init, .get_len = gcm_get_len,
		.crypt = gcm_crypt, .dtor = gcm_dtor,
	}, {
		.name = "chacha20-poly1305@openssh.com", .pem_annotation = "",
		.blocksize = CHACHA_BLOCK, .secret_len = 2 * CHACHA_KEY,
		.auth_len = TAG_SIZE,
		.flags = LIBSSH2_CRYPT_FLAG_REQUIRES_FULL_PACKET,
		.init = chacha_init, .get_len = chacha_get_len,
		.crypt = chacha_crypt, .dtor = chacha_dtor,
	},
};
#define OURS	(sizeof(ours) / sizeof(ours[0]))

/*
 * The MAC method of a cipher that needs none. libssh2's own leaks the key it
 * is given, at each key exchange, and chacha20 has none there.
 */
static int
no_mac_init(LIBSSH2_SESSION *session, unsigned char *key, int *free_key,
    void **abstract)
{
	(void)session;
	(void)key;
	(void)abstract;
	*free_key = 1;
	return 0;
}

static int
no_mac_hash(LIBSSH2_SESSION *session, unsigned char *out, uint32_t seqno,
    const unsigned char *packet, size_t n, const unsigned char *more,
    size_t more_n, void **abstract)
{
	(void)session;
	(void)out;
	(void)seqno;
	(void)packet;
	(void)n;
	(void)more;
	(void)more_n;
	(void)abstract;
	return 0;
}

static int
no_mac_dtor(LIBSSH2_SESSION *session, void **abstract)
{
	(void)session;
	(void)abstract;
	return 0;
}

static const LIBSSH2_MAC_METHOD no_mac = {
	.name = "implicit", .mac_len = TAG_SIZE, .key_len = 16,
	.init = no_mac_init, .hash = no_mac_hash, .dtor = no_mac_dtor,
};

/* What libssh2's own ciphers share. */
static int (*block_crypt)(LIBSSH2_SESSION *, unsigned, unsigned char *,
    size_t, void **, int);

/*
 * A packet is whole blocks (RFC 4253 6), and libssh2 aborts if its length says
 * otherwise: a server can bring that about, and with a MAC that is not "etm"
 * anybody on the line. An "etm" MAC leaves the length in plain text.
 */
static int
check_first_block(LIBSSH2_SESSION *session, unsigned seqno,
    unsigned char *block, size_t n, void **abstract, int which)
{
	int rc = block_crypt(session, seqno, block, n, abstract, which);
	size_t len;

	if (rc != 0 || which != FIRST_BLOCK ||
	    abstract != &session->remote.crypt_abstract)
		return rc;
	len = session->remote.mac->etm ? session->packet.packet_length :
	    load_u32(block) + LENGTH_SIZE;
	return len % n == 0 ? 0 : LIBSSH2_ERROR_DECRYPT;
}

/* New, for good: one of libssh2's ciphers, with that check. */
static const LIBSSH2_CRYPT_METHOD *
check_blocks(const LIBSSH2_CRYPT_METHOD *theirs)
{
	LIBSSH2_CRYPT_METHOD *m = mem_alloc(sizeof(*m));

	*m = *theirs;
	assert(block_crypt == NULL || block_crypt == m->crypt);
	block_crypt = m->crypt;
	m->crypt = check_first_block;
	return m;
}

/* Names that the linker gives and asks for (--wrap). */
const LIBSSH2_CRYPT_METHOD **__real_libssh2_crypt_methods(void);
const LIBSSH2_CRYPT_METHOD **__wrap_libssh2_crypt_methods(void);
const LIBSSH2_MAC_METHOD *__wrap__libssh2_mac_override(
    const LIBSSH2_CRYPT_METHOD *);

static bool
is_ours(const char *name)
{
	for (size_t i = 0; i < OURS; i++)
		if (strcmp(ours[i].name, name) == 0)
			return true;
	return false;
}

const LIBSSH2_CRYPT_METHOD **
__wrap_libssh2_crypt_methods(void)
{
	live = true;
	return table;
}

const LIBSSH2_MAC_METHOD *
__wrap__libssh2_mac_override(const LIBSSH2_CRYPT_METHOD *method)
{
	return is_ours(method->name) ? &no_mac : NULL;
}

int
cipher_init(struct err *err)
{
	const LIBSSH2_CRYPT_METHOD **theirs = __real_libssh2_crypt_methods();
	size_t n = 0, count = 0;

	if (table != NULL)
		return 0;
	poly1305 = EVP_MAC_fetch(NULL, "POLY1305", NULL);
	if (poly1305 == NULL)
		return err_set(err, ERR_NOTFOUND,
		    "OpenSSL has no Poly1305 here");
	while (theirs[count] != NULL)
		count++;
	table = mem_alloc((OURS + count + 1) * sizeof(*table));
	for (size_t i = 0; i < OURS; i++)
		table[n++] = &ours[i];
	for (size_t i = 0; i < count; i++)
		if (!is_ours(theirs[i]->name))
			table[n++] = check_blocks(theirs[i]);
	return 0;
}

bool
cipher_is_ours(const LIBSSH2_CRYPT_METHOD *method)
{
	for (size_t i = 0; i < OURS; i++)
		if (method == &ours[i])
			return true;
	return false;
}

int
cipher_open(const LIBSSH2_CRYPT_METHOD *method, void *state, uint32_t seqno,
    uint8_t *buf, size_t n)
{
	return method->crypt == chacha_crypt ?
	    chacha_transform(state, seqno, buf, n) :
	    gcm_transform(state, seqno, buf, n);
}

bool
cipher_is_live(void)
{
	return live;
}

bool
cipher_has_aes_instructions(void)
{
#if defined(__x86_64__) || defined(__i386__)
	return __builtin_cpu_supports("aes");
#elif defined(__aarch64__)
	return (getauxval(AT_HWCAP) & (1UL << 3)) != 0;	/* HWCAP_AES */
#else
	return false;
#endif
}

void
cipher_arrange(struct algorithm_list *l, bool has_aes)
{
	static const char chacha[] = "chacha20-poly1305@openssh.com";
	const char *rest = l->names, *name;
	struct str names;
	size_t n;

	if (has_aes || l->is_arranged ||
	    !algorithm_is_in(l->names, chacha, strlen(chacha)))
		return;
	str_init(&names);
	str_append(&names, chacha);
	while ((n = algorithm_next(&rest, &name)) > 0)
		if (n != strlen(chacha) || memcmp(name, chacha, n) != 0)
			str_printf(&names, ",%.*s", (int)n, name);
	free(l->names);
	l->names = str_take(&names);
}
