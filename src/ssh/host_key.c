/* SPDX-License-Identifier: ISC */
#include "ssh/host_key.h"

#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

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
