/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "supervisor/hostkeys.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "base/base64.h"
#include "base/fdio.h"
#include "base/places.h"
#include "base/sha256.h"
#include "config/sha1.h"
#include "supervisor/instance.h"
#include "supervisor/rewrite.h"

#define SSH_PORT	22
#define HASH_MARK	"|1|"	/* of a hashed name: |1|SALT|HASH */
#define HASH_TEXT	28	/* SHA1_SIZE bytes as base64 */
#define HMAC_BLOCK	64	/* bytes: SHA-1's, RFC 2104 */

/* The bytes of a base64 text: new; NULL if it is none. */
static uint8_t *
decode(const char *text, size_t n, size_t *len)
{
	size_t size = BASE64_DECODED_MAX(n) + 1;
	uint8_t *bytes = mem_alloc(size);
	ssize_t rc = base64_decode(text, n, bytes, size);

	*len = rc == -1 ? 0 : (size_t)rc;
	if (rc > 0)
		return bytes;
	free(bytes);
	return NULL;
}

static void
fingerprint(const uint8_t *blob, size_t len, char *out, size_t size)
{
	uint8_t hash[SHA256_SIZE];
	char *text;

	sha256(hash, blob, len);
	text = base64_encode(hash, sizeof(hash));
	snprintf(out, size, "SHA256:%s", text);
	out[strcspn(out, "=")] = '\0';
	free(text);
}

int
hostkeys_check(const struct hostkey *k, struct err *err)
{
	size_t len = 0, n = strlen(k->type);
	uint8_t *blob = decode(k->key, strlen(k->key), &len);
	char print[64] = "";
	bool fits = false;

	/* A blob begins with its type as a string (RFC 4253 6.6). */
	if (blob != NULL && len > n + 4)
		fits = blob[0] == 0 && blob[1] == 0 &&
		    (size_t)blob[2] * 256 + blob[3] == n &&
		    memcmp(blob + 4, k->type, n) == 0;
	if (fits)
		fingerprint(blob, len, print, sizeof(print));
	free(blob);
	if (fits && strcmp(print, k->fingerprint) == 0)
		return 0;
	return err_set(err, ERR_PROTOCOL,
	    "the worker reports a host key that is none");
}

char *
hostkeys_name(const struct host *h)
{
	char *name = h->host_key_alias[0] != '\0' ?
	    str_dup(h->host_key_alias) : h->port == SSH_PORT ?
	    str_dup(h->hostname) : str_dupf("[%s]:%u", h->hostname, h->port);

	for (char *p = name; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	return name;
}

char *
hostkeys_own_file(struct err *err)
{
	char *dir = place_state_dir(err), *path;

	if (dir == NULL)
		return NULL;
	path = str_dupf("%s/known_hosts", dir);
	free(dir);
	return path;
}

/* HMAC-SHA1 (RFC 2104) of a text, by a key no longer than a block. */
static void
hmac(uint8_t out[SHA1_SIZE], const uint8_t key[SHA1_SIZE], const char *text)
{
	size_t n = strlen(text);
	uint8_t *inner = mem_alloc(HMAC_BLOCK + n);
	uint8_t outer[HMAC_BLOCK + SHA1_SIZE];

	memset(inner, 0x36, HMAC_BLOCK);
	memset(outer, 0x5c, HMAC_BLOCK);
	for (int i = 0; i < SHA1_SIZE; i++) {
		inner[i] ^= key[i];
		outer[i] ^= key[i];
	}
	memcpy(inner + HMAC_BLOCK, text, n);
	sha1(outer + HMAC_BLOCK, inner, HMAC_BLOCK + n);
	sha1(out, outer, sizeof(outer));
	free(inner);
}

/* "|1|SALT|HASH" of a name, with that salt. */
static void
hash_name(const char *name, const uint8_t salt[SHA1_SIZE], struct str *out)
{
	uint8_t hash[SHA1_SIZE];
	char *salt64 = base64_encode(salt, SHA1_SIZE), *hash64;

	hmac(hash, salt, name);
	hash64 = base64_encode(hash, SHA1_SIZE);
	str_printf(out, HASH_MARK "%s|%s", salt64, hash64);
	free(hash64);
	free(salt64);
}

/* Is this first field of a line the one name, as text or hashed? */
static bool
is_name(const char *field, size_t n, const char *name)
{
	size_t mark = strlen(HASH_MARK), len;
	uint8_t *salt;
	struct str text;
	bool same;

	if (n != mark + HASH_TEXT + 1 + HASH_TEXT ||
	    memcmp(field, HASH_MARK, mark) != 0)
		return n == strlen(name) && strncasecmp(field, name, n) == 0;
	salt = decode(field + mark, HASH_TEXT, &len);
	if (salt == NULL || len != SHA1_SIZE) {
		free(salt);
		return false;
	}
	str_init(&text);
	hash_name(name, salt, &text);
	same = memcmp(text.p, field, n) == 0;
	str_fini(&text);
	free(salt);
	return same;
}

struct field {
	const char *p;
	size_t n;
};

static struct field
next_field(const char **p, const char *end)
{
	struct field f;

	while (*p < end && (**p == ' ' || **p == '\t'))
		(*p)++;
	f.p = *p;
	while (*p < end && **p != ' ' && **p != '\t' && **p != '\r')
		(*p)++;
	f.n = (size_t)(*p - f.p);
	return f;
}

static bool
field_is(struct field f, const char *text)
{
	return f.n == strlen(text) && memcmp(f.p, text, f.n) == 0;
}

enum line_kind { LINE_OTHER, LINE_SAME_KEY, LINE_OTHER_KEY };

/* What a line says of this host alone, and of keys of this type. */
static enum line_kind
judge(const char *p, const char *end, const char *name,
    const struct hostkey *k)
{
	struct field host = next_field(&p, end);
	struct field type = next_field(&p, end);
	struct field key = next_field(&p, end);

	if (!field_is(type, k->type) || !is_name(host.p, host.n, name))
		return LINE_OTHER;
	return field_is(key, k->key) ? LINE_SAME_KEY : LINE_OTHER_KEY;
}

bool
hostkeys_add(const char *text, size_t len, const char *name, bool hash,
    const struct hostkey *k, struct str *out)
{
	const char *p = text, *end = text + len;
	uint8_t salt[SHA1_SIZE];

	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		const char *stop = nl != NULL ? nl : end;

		switch (judge(p, stop, name, k)) {
		case LINE_SAME_KEY:
			str_fini(out);
			return false;
		case LINE_OTHER:
			str_append_n(out, p, (size_t)(stop - p));
			str_append(out, "\n");
			break;
		case LINE_OTHER_KEY:
			break;
		}
		p = stop + 1;
	}
	if (hash && getrandom(salt, sizeof(salt), 0) == sizeof(salt))
		hash_name(name, salt, out);
	else
		str_append(out, name);
	str_printf(out, " %s %s\n", k->type, k->key);
	return true;
}

/* Does one of the names, separated by commas, mean this host? */
static bool
are_of(struct field names, const char *name)
{
	while (names.n > 0) {
		const char *comma = memchr(names.p, ',', names.n);
		size_t n = comma != NULL ? (size_t)(comma - names.p) : names.n;
		char *pattern = str_dupf("%.*s", (int)n, names.p);
		bool hit;

		for (char *p = pattern; *p != '\0'; p++)
			*p = (char)tolower((unsigned char)*p);
		hit = is_name(names.p, n, name) || str_match(name, pattern);
		free(pattern);
		if (hit)
			return true;
		names.p += comma != NULL ? n + 1 : n;
		names.n -= comma != NULL ? n + 1 : n;
	}
	return false;
}

bool
hostkeys_contradict(const char *text, size_t len, const char *name,
    const struct hostkey *k)
{
	const char *p = text, *end = text + len;
	bool other = false;

	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		const char *stop = nl != NULL ? nl : end;
		struct field names = next_field(&p, stop), type, key;

		type = next_field(&p, stop);
		key = next_field(&p, stop);
		p = stop + 1;
		/* Neither comments nor @markers: those list no server. */
		if (names.n == 0 || names.p[0] == '#' || names.p[0] == '@' ||
		    !are_of(names, name))
			continue;
		if (field_is(type, k->type) && field_is(key, k->key))
			return false;
		other = true;
	}
	return other;
}

/* 0 if the file lists no other key of name, or does not exist. */
static int
check_file(const char *path, const char *name, const struct hostkey *k,
    struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	bool other;
	size_t len;
	char *text;

	if (fd == -1)
		return errno == ENOENT || errno == ENOTDIR ? 0 :
		    err_sys(err, "%s cannot be read", path);
	text = fd_read_all(fd, HOSTKEYS_FILE_MAX, &len, err);
	fd_close(&fd);
	if (text == NULL)
		return err_prefix(err, "%s", path);
	other = hostkeys_contradict(text, len, name, k);
	free(text);
	return other ? err_set(err, ERR_REFUSED, "%s lists another key of %s",
	    path, name) : 0;
}

int
hostkeys_check_new(const struct host *h, const struct hostkey *k,
    struct err *err)
{
	char *name = hostkeys_name(h), *own = hostkeys_own_file(NULL);
	int rc = own != NULL ? check_file(own, name, k, err) : 0;

	for (size_t i = 0; i < h->known_hosts_file_count && rc == 0; i++)
		rc = check_file(h->known_hosts_files[i], name, k, err);
	free(own);
	free(name);
	return rc;
}

struct addition {
	char *name;
	bool hash;
	const struct hostkey *key;
};

static bool
edit(void *arg, const char *text, size_t len, struct str *out)
{
	const struct addition *a = arg;

	return hostkeys_add(text, len, a->name, a->hash, a->key, out);
}

static int
record_in_own_file(struct addition *a, char **file, struct err *err)
{
	char *dir = place_state_dir(err);
	int rc = dir != NULL ? instance_make_dir(dir, err) : -1;

	free(dir);
	if (rc == -1 || (*file = hostkeys_own_file(err)) == NULL)
		return -1;
	if (rewrite_file(*file, HOSTKEYS_FILE_MAX, edit, a, err) == 0)
		return 0;
	free(*file);
	*file = NULL;
	return -1;
}

int
hostkeys_record(const struct host *h, const struct hostkey *k, char **file,
    struct err *err)
{
	struct addition a = { .name = hostkeys_name(h),
	    .hash = h->hash_known_hosts, .key = k };
	int rc = -1;

	*file = NULL;
	for (int i = 0; i < h->user_known_hosts_count && rc == -1; i++) {
		rc = rewrite_file(h->known_hosts_files[i], HOSTKEYS_FILE_MAX,
		    edit, &a, err);
		if (rc == 0)
			*file = str_dup(h->known_hosts_files[i]);
	}
	if (rc == -1)
		rc = record_in_own_file(&a, file, err);
	free(a.name);
	return rc;
}
