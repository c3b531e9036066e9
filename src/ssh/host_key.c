/* SPDX-License-Identifier: ISC */
#include "ssh/host_key.h"

#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "base/base64.h"
#include "base/str.h"
#include "ssh/packet.h"

#define SHA256_SIZE	32

/* How many strings follow the name (RFC 4253 6.6, RFC 5656 3.1, RFC 8709 4). */
static const struct {
	const char *type;
	size_t parts;
} known_types[] = {
	{ .type = "ssh-ed25519", .parts = 1 },
	{ .type = "ecdsa-sha2-nistp256", .parts = 2 },
	{ .type = "ecdsa-sha2-nistp384", .parts = 2 },
	{ .type = "ecdsa-sha2-nistp521", .parts = 2 },
	{ .type = "ssh-rsa", .parts = 2 },
};
#define KNOWN_TYPE_COUNT	(sizeof(known_types) / sizeof(known_types[0]))

static bool
has_all_parts(const char *type, size_t parts)
{
	for (size_t i = 0; i < KNOWN_TYPE_COUNT; i++)
		if (strcmp(type, known_types[i].type) == 0)
			return parts == known_types[i].parts;
	return parts > 0;
}

int
host_key_type(const uint8_t *blob, size_t len, char out[HOST_KEY_TYPE_SIZE])
{
	struct reader r;
	const uint8_t *name;
	size_t name_len, n, parts = 0;

	out[0] = '\0';
	reader_init(&r, blob, len);
	name = reader_string(&r, &name_len);
	if (r.broken || name_len == 0 || name_len >= HOST_KEY_TYPE_SIZE)
		return -1;
	/* RFC 4251 6: names are printable US-ASCII without white space. */
	for (size_t i = 0; i < name_len; i++)
		if (name[i] <= ' ' || name[i] > '~')
			return -1;
	for (; r.left > 0 && !r.broken; parts++)
		reader_string(&r, &n);
	if (r.broken)
		return -1;
	memcpy(out, name, name_len);
	out[name_len] = '\0';
	if (!has_all_parts(out, parts)) {
		out[0] = '\0';
		return -1;
	}
	return 0;
}

void
host_key_type_of(const char *algorithm, size_t n,
    char out[HOST_KEY_TYPE_SIZE])
{
	if (n >= HOST_KEY_TYPE_SIZE)
		n = HOST_KEY_TYPE_SIZE - 1;
	memcpy(out, algorithm, n);
	out[n] = '\0';
	if (strncmp(out, "rsa-sha2-", 9) == 0)
		memcpy(out, "ssh-rsa", sizeof("ssh-rsa"));
}

/* Takes the next word, which may be empty, and the blanks before it. */
static const char *
take_word(const char **p, const char *end, size_t *n)
{
	const char *word;

	while (*p < end && (**p == ' ' || **p == '\t'))
		(*p)++;
	word = *p;
	while (*p < end && **p != ' ' && **p != '\t')
		(*p)++;
	*n = (size_t)(*p - word);
	return word;
}

uint8_t *
host_key_parse(const char *text, size_t n, size_t *len,
    char type[HOST_KEY_TYPE_SIZE], const char **why)
{
	const char *end = text + n, *name, *key;
	size_t name_len, key_len;
	uint8_t *blob;
	ssize_t size;

	name = take_word(&text, end, &name_len);
	key = take_word(&text, end, &key_len);
	if (name_len == 0 || key_len == 0) {
		*why = "the line ends before the key";
		return NULL;
	}
	blob = mem_alloc(BASE64_DECODED_MAX(key_len));
	size = base64_decode(key, key_len, blob, BASE64_DECODED_MAX(key_len));
	*len = size == -1 ? 0 : (size_t)size;
	/* base64_decode() skips ends of lines; in a line there are none. */
	if (size == -1 || memchr(key, '\r', key_len) != NULL ||
	    host_key_type(blob, *len, type) == -1)
		*why = "the key is damaged";
	else if (strlen(type) != name_len || memcmp(type, name, name_len) != 0)
		*why = "the key is not of the type that the line names";
	else
		return blob;
	free(blob);
	return NULL;
}

unsigned
host_key_rsa_bits(const uint8_t *blob, size_t len)
{
	char type[HOST_KEY_TYPE_SIZE];
	const uint8_t *modulus;
	struct reader r;
	unsigned bits;
	size_t n;

	reader_init(&r, blob, len);
	reader_text(&r, type, sizeof(type));
	if (r.broken || strncmp(type, "ssh-rsa", strlen("ssh-rsa")) != 0)
		return 0;
	if (strcmp(type, "ssh-rsa") != 0)
		reader_string(&r, &n);	/* PROTOCOL.certkeys: the nonce */
	reader_string(&r, &n);		/* the exponent */
	modulus = reader_string(&r, &n);
	if (r.broken)
		return 0;
	for (; n > 0 && *modulus == 0; n--)
		modulus++;
	if (n == 0)
		return 0;
	bits = (unsigned)n * 8;
	for (uint8_t top = *modulus; (top & 0x80) == 0; top <<= 1)
		bits--;
	return bits;
}

void
host_key_fingerprint(const uint8_t *blob, size_t len,
    char out[HOST_KEY_FINGERPRINT_SIZE])
{
	uint8_t hash[SHA256_SIZE];
	/* 32 bytes are 43 characters, 1 of padding and the NUL. */
	unsigned char text[45];

	if (EVP_Digest(blob, len, hash, NULL, EVP_sha256(), NULL) != 1) {
		snprintf(out, HOST_KEY_FINGERPRINT_SIZE, "SHA256:unavailable");
		return;
	}
	EVP_EncodeBlock(text, hash, sizeof(hash));
	snprintf(out, HOST_KEY_FINGERPRINT_SIZE, "SHA256:%.43s", text);
}
