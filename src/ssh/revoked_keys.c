/* SPDX-License-Identifier: ISC */
#include "ssh/revoked_keys.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "ssh/host_key.h"
#include "ssh/packet.h"
#include "ssh/trusted_file.h"

#define SHA1_SIZE	20
#define SHA256_SIZE	32
#define KRL_VERSION	1

/* PROTOCOL.krl: the types of sections. */
enum {
	KRL_CERTIFICATES = 1,
	KRL_EXPLICIT_KEY = 2,
	KRL_FINGERPRINT_SHA1 = 3,
	KRL_FINGERPRINT_SHA256 = 5,
};

struct hash {
	uint8_t bytes[SHA256_SIZE];
	size_t len;		/* SHA256_SIZE or SHA1_SIZE */
	unsigned line;
};

struct revoked_keys {
	char *name;
	struct hash *hashes;
	size_t count;
	size_t size;
	bool has_certs;
};

/* Always 0. */
static int
add_hash(struct revoked_keys *k, const uint8_t *bytes, size_t len,
    unsigned line)
{
	struct hash *h;

	if (k->count == k->size) {
		k->size = k->size * 2 + 16;
		k->hashes = mem_grow(k->hashes, k->size, sizeof(*k->hashes));
	}
	h = &k->hashes[k->count++];
	memcpy(h->bytes, bytes, len);
	h->len = len;
	h->line = line;
	return 0;
}

static int
add_key(struct revoked_keys *k, const uint8_t *blob, size_t len,
    unsigned line, struct err *err)
{
	uint8_t hash[SHA256_SIZE];

	if (EVP_Digest(blob, len, hash, NULL, EVP_sha256(), NULL) != 1)
		return err_set(err, ERR_NOMEM,
		    "%s: OpenSSL cannot compute SHA-256", k->name);
	return add_hash(k, hash, sizeof(hash), line);
}

/* Lines of public keys */

static int
read_line(struct revoked_keys *k, const char *p, size_t n, unsigned line,
    struct err *err)
{
	char type[HOST_KEY_TYPE_SIZE];
	const char *why;
	uint8_t *blob;
	size_t len;
	int rc;

	while (n > 0 && (*p == ' ' || *p == '\t')) {
		p++;
		n--;
	}
	if (n == 0 || *p == '#')
		return 0;
	if ((blob = host_key_parse(p, n, &len, type, &why)) == NULL)
		return err_set(err, ERR_INPUT, "%s:%u: %s", k->name, line,
		    why);
	rc = add_key(k, blob, len, line, err);
	free(blob);
	return rc;
}

static int
read_lines(struct revoked_keys *k, const char *bytes, size_t len,
    struct err *err)
{
	const char *p = bytes, *end = bytes + len;

	for (unsigned line = 1; p < end; line++) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		const char *stop = nl != NULL ? nl : end;
		size_t n = (size_t)(stop - p);

		if (n > 0 && p[n - 1] == '\r')
			n--;
		if (read_line(k, p, n, line, err) == -1)
			return -1;
		p = stop + 1;
	}
	return 0;
}

/* OpenSSH's format */

static int
damaged(const struct revoked_keys *k, struct err *err)
{
	return err_set(err, ERR_INPUT, "%s: the key revocation list is damaged",
	    k->name);
}

static int
read_section(struct revoked_keys *k, uint8_t type, const uint8_t *bytes,
    size_t len, struct err *err)
{
	struct reader r;

	if (type == KRL_CERTIFICATES) {
		k->has_certs = true;
		return 0;
	}
	if (type != KRL_EXPLICIT_KEY && type != KRL_FINGERPRINT_SHA1 &&
	    type != KRL_FINGERPRINT_SHA256)
		return err_set(err, ERR_INPUT, "%s: the key revocation list "
		    "has a section of type %u, which is not understood",
		    k->name, type);
	reader_init(&r, bytes, len);
	while (r.left > 0) {
		size_t n;
		const uint8_t *p = reader_string(&r, &n);
		int rc;

		if (r.broken)
			return damaged(k, err);
		if (type == KRL_EXPLICIT_KEY)
			rc = add_key(k, p, n, 0, err);
		else if (n == (type == KRL_FINGERPRINT_SHA1 ? SHA1_SIZE :
		    SHA256_SIZE))
			rc = add_hash(k, p, n, 0);
		else
			rc = damaged(k, err);
		if (rc == -1)
			return -1;
	}
	return 0;
}

/* What follows the magic. */
static int
read_krl(struct revoked_keys *k, const uint8_t *bytes, size_t len,
    struct err *err)
{
	struct reader r;
	size_t n;

	reader_init(&r, bytes, len);
	if (reader_u32(&r) != KRL_VERSION)
		return err_set(err, ERR_INPUT, "%s: the key revocation list "
		    "is of a version that is not understood", k->name);
	reader_skip(&r, 3 * 8);		/* its number, date and flags */
	reader_string(&r, &n);		/* reserved */
	reader_string(&r, &n);		/* a comment */
	while (r.left > 0 && !r.broken) {
		uint8_t type = reader_u8(&r);
		const uint8_t *p = reader_string(&r, &n);

		if (!r.broken && read_section(k, type, p, n, err) == -1)
			return -1;
	}
	return r.broken ? damaged(k, err) : 0;
}

struct revoked_keys *
revoked_keys_parse(const char *name, const char *bytes, size_t len,
    struct err *err)
{
	static const char magic[8] = "SSHKRL\n";	/* and its NUL */
	struct revoked_keys *k = mem_alloc(sizeof(*k));
	int rc;

	k->name = str_dup(name);
	if (len >= sizeof(magic) && memcmp(bytes, magic, sizeof(magic)) == 0)
		rc = read_krl(k, (const uint8_t *)bytes + sizeof(magic),
		    len - sizeof(magic), err);
	else
		rc = read_lines(k, bytes, len, err);
	if (rc == 0)
		return k;
	revoked_keys_free(k);
	return NULL;
}

struct revoked_keys *
revoked_keys_load(const char *path, struct err *err)
{
	struct revoked_keys *k;
	size_t len;
	char *bytes = trusted_file_read(path, REVOKED_KEYS_FILE_MAX, &len,
	    err);

	if (bytes == NULL)
		return NULL;
	k = revoked_keys_parse(path, bytes, len, err);
	free(bytes);
	return k;
}

void
revoked_keys_free(struct revoked_keys *k)
{
	if (k == NULL)
		return;
	free(k->hashes);
	free(k->name);
	free(k);
}

bool
revoked_keys_have(const struct revoked_keys *k, const uint8_t *blob,
    size_t len, unsigned *line)
{
	uint8_t sha256[SHA256_SIZE], sha1[SHA1_SIZE];
	bool has_sha1 = EVP_Digest(blob, len, sha1, NULL, EVP_sha1(),
	    NULL) == 1;

	*line = 0;
	/* What can't be compared may be the one. */
	if (EVP_Digest(blob, len, sha256, NULL, EVP_sha256(), NULL) != 1)
		return true;
	for (size_t i = 0; i < k->count; i++) {
		const struct hash *h = &k->hashes[i];

		if (h->len == SHA1_SIZE ? !has_sha1 ||
		    memcmp(h->bytes, sha1, SHA1_SIZE) == 0 :
		    memcmp(h->bytes, sha256, SHA256_SIZE) == 0) {
			*line = h->line;
			return true;
		}
	}
	return false;
}

bool
revoked_keys_have_certs(const struct revoked_keys *k)
{
	return k->has_certs;
}

const char *
revoked_keys_name(const struct revoked_keys *k)
{
	return k->name;
}
