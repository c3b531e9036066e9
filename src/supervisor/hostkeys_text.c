/* SPDX-License-Identifier: ISC */
#include "supervisor/hostkeys_text.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "base/base64.h"
#include "base/sha256.h"
#include "config/sha1.h"

#define HASH_MARK	"|1|"	/* of a hashed name: |1|SALT|HASH */
#define HASH_TEXT	28	/* SHA1_SIZE bytes as base64 */
#define HMAC_BLOCK	64	/* bytes: SHA-1's, RFC 2104 */
#define REPLACES	"replaces="

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

bool
hostkeys_text_fingerprint(const char *type, const char *key, size_t n,
    char out[HOSTKEYS_PRINT_SIZE])
{
	size_t len = 0, type_len = strlen(type);
	uint8_t *blob = decode(key, n, &len), hash[SHA256_SIZE];
	bool fits = blob != NULL && len > type_len + 4 && blob[0] == 0 &&
	    blob[1] == 0 && (size_t)blob[2] * 256 + blob[3] == type_len &&
	    memcmp(blob + 4, type, type_len) == 0;
	char *text;

	out[0] = '\0';
	if (fits) {
		sha256(hash, blob, len);
		text = base64_encode(hash, sizeof(hash));
		snprintf(out, HOSTKEYS_PRINT_SIZE, "SHA256:%s", text);
		out[strcspn(out, "=")] = '\0';
		free(text);
	}
	free(blob);
	return fits;
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

/* A line, without its end. */
static void
put_key(struct str *out, const char *name, bool hash, const struct hostkey *k)
{
	uint8_t salt[SHA1_SIZE];

	if (hash && getrandom(salt, sizeof(salt), 0) == sizeof(salt))
		hash_name(name, salt, out);
	else
		str_append(out, name);
	str_printf(out, " %s %s", k->type, k->key);
}

bool
hostkeys_text_add(const char *text, size_t len, const char *name, bool hash,
    const struct hostkey *k, struct str *out)
{
	const char *p = text, *end = text + len;

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
	put_key(out, name, hash, k);
	str_append(out, "\n");
	return true;
}

/* How a line means a host. */
enum naming { NAMES_OTHERS, NAMES_PATTERN, NAMES_HOST };

/* By the names, patterns and "!patterns" that commas separate. */
static enum naming
find_name(struct field names, const char *name)
{
	enum naming how = NAMES_OTHERS;

	while (names.n > 0) {
		const char *comma = memchr(names.p, ',', names.n);
		size_t n = comma != NULL ? (size_t)(comma - names.p) : names.n;
		char *pattern = str_dupf("%.*s", (int)n, names.p);
		bool no = pattern[0] == '!', hit;

		for (char *p = pattern; *p != '\0'; p++)
			*p = (char)tolower((unsigned char)*p);
		hit = str_match(name, pattern + no);
		free(pattern);
		if (hit && no)
			return NAMES_OTHERS;
		if (is_name(names.p, n, name))
			how = NAMES_HOST;
		else if (hit && how == NAMES_OTHERS)
			how = NAMES_PATTERN;
		names.p += comma != NULL ? n + 1 : n;
		names.n -= comma != NULL ? n + 1 : n;
	}
	return how;
}

bool
hostkeys_text_contradict(const char *text, size_t len, const char *name,
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
		    find_name(names, name) == NAMES_OTHERS)
			continue;
		if (field_is(type, k->type) && field_is(key, k->key))
			return false;
		other = true;
	}
	return other;
}

/* Which of the keys it is; count if it is none. */
static size_t
find_key(const struct hostkey_list *l, struct field type, struct field key)
{
	size_t i = 0;

	while (i < l->count && !(field_is(type, l->keys[i].type) &&
	    field_is(key, l->keys[i].key)))
		i++;
	return i;
}

/* Notes what the line's end says that its key has replaced. */
static void
look_for_replaced(struct hostkeys_update *u, const char *p, const char *end)
{
	size_t mark = strlen(REPLACES);
	struct field f;

	while ((f = next_field(&p, end)).n > 0)
		if (f.n > mark && memcmp(f.p, REPLACES, mark) == 0) {
			str_append_n(&u->replaced, f.p + mark, f.n - mark);
			str_append(&u->replaced, " ");
		}
}

static void
look_at_line(struct hostkeys_update *u, const char *p, const char *end,
    bool is_users)
{
	struct field names = next_field(&p, end), type, key;
	bool revoked = field_is(names, "@revoked");
	enum naming how, plain = NAMES_OTHERS;
	size_t i;

	if (revoked)
		names = next_field(&p, end);
	type = next_field(&p, end);
	key = next_field(&p, end);
	if (names.n == 0 || names.p[0] == '#' || names.p[0] == '@' ||
	    (i = find_key(u->keys, type, key)) == u->keys->count)
		return;
	how = find_name(names, u->name);
	if (u->plain != NULL)
		plain = find_name(names, u->plain);
	if (revoked) {
		u->revoked[i] |= how != NAMES_OTHERS || plain != NAMES_OTHERS;
		return;
	}
	u->listed[i] |= how != NAMES_OTHERS;
	u->known[i] |= how != NAMES_OTHERS || plain != NAMES_OTHERS;
	if (is_users && (how == NAMES_HOST || plain == NAMES_HOST))
		u->vouched = true;
	if (is_name(names.p, names.n, u->name))
		look_for_replaced(u, p, end);
}

void
hostkeys_text_look(struct hostkeys_update *u, const char *text, size_t len,
    bool is_users)
{
	const char *p = text, *end = text + len;

	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		const char *stop = nl != NULL ? nl : end;

		look_at_line(u, p, stop, is_users);
		p = stop + 1;
	}
}

static bool
is_new(const struct hostkeys_update *u, size_t i)
{
	return !u->listed[i] && !u->revoked[i];
}

bool
hostkeys_text_has_new(const struct hostkeys_update *u)
{
	for (size_t i = 0; i < u->keys->count; i++)
		if (is_new(u, i))
			return true;
	return false;
}

/* Does the line give this host alone a key that the server has replaced? */
static bool
is_replaced(const struct hostkeys_update *u, const char *p, const char *end)
{
	struct field host = next_field(&p, end);
	struct field type = next_field(&p, end);
	struct field key = next_field(&p, end);
	char print[HOSTKEYS_PRINT_SIZE + 1], *name;
	bool fits;

	if (u->replaced.len == 0 || !is_name(host.p, host.n, u->name) ||
	    find_key(u->keys, type, key) < u->keys->count)
		return false;
	name = str_dupf("%.*s", (int)type.n, type.p);
	fits = hostkeys_text_fingerprint(name, key.p, key.n, print);
	free(name);
	strcat(print, " ");
	return fits && strstr(u->replaced.p, print) != NULL;
}

static void
put_new(struct hostkeys_update *u, size_t i, struct str *out)
{
	const struct hostkey *k = &u->keys->keys[i];

	put_key(out, u->name, u->hash, k);
	for (size_t j = 0; j < u->keys->count; j++)
		if (u->known[j] && !u->known[i] &&
		    strcmp(u->keys->keys[j].type, k->type) == 0)
			str_printf(out, " " REPLACES "%s",
			    u->keys->keys[j].fingerprint);
	str_append(out, "\n");
	u->added[i] = true;
}

bool
hostkeys_text_update(struct hostkeys_update *u, const char *text, size_t len,
    struct str *out)
{
	const char *p = text, *end = text + len;
	bool changed;

	u->removed = 0;
	memset(u->added, 0, sizeof(u->added));
	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		const char *stop = nl != NULL ? nl : end;

		if (is_replaced(u, p, stop)) {
			u->removed++;
		} else {
			str_append_n(out, p, (size_t)(stop - p));
			str_append(out, "\n");
		}
		p = stop + 1;
	}
	changed = u->removed > 0;
	for (size_t i = 0; i < u->keys->count && !u->only_remove; i++)
		if (is_new(u, i)) {
			put_new(u, i, out);
			changed = true;
		}
	if (!changed)
		str_fini(out);
	return changed;
}
