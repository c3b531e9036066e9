/* SPDX-License-Identifier: ISC */
#include "config/sha1.h"

#include <stdio.h>
#include <string.h>

#define BLOCK	64	/* bytes */

static uint32_t
rotate(uint32_t x, int n)
{
	return x << n | x >> (32 - n);
}

/* The function and constant of step i, section 4.1.1 and 4.2.1. */
static uint32_t
mix(int i, uint32_t b, uint32_t c, uint32_t d)
{
	if (i < 20)
		return ((b & c) | (~b & d)) + 0x5a827999;
	if (i < 40)
		return (b ^ c ^ d) + 0x6ed9eba1;
	if (i < 60)
		return ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
	return (b ^ c ^ d) + 0xca62c1d6;
}

static void
add_block(uint32_t h[5], const unsigned char *p)
{
	uint32_t w[80], v[5];

	for (int i = 0; i < 16; i++, p += 4)
		w[i] = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
		    (uint32_t)p[2] << 8 | p[3];
	for (int i = 16; i < 80; i++)
		w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
	memcpy(v, h, sizeof(v));
	for (int i = 0; i < 80; i++) {
		uint32_t t = rotate(v[0], 5) + mix(i, v[1], v[2], v[3]) +
		    v[4] + w[i];

		v[4] = v[3];
		v[3] = v[2];
		v[2] = rotate(v[1], 30);
		v[1] = v[0];
		v[0] = t;
	}
	for (int i = 0; i < 5; i++)
		h[i] += v[i];
}

void
sha1(uint8_t out[SHA1_SIZE], const void *bytes, size_t n)
{
	uint32_t h[5] = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476,
	    0xc3d2e1f0 };
	const unsigned char *p = bytes;
	unsigned char last[2 * BLOCK] = { 0 };
	size_t rest = n % BLOCK;
	/* A byte 0x80 and eight bytes of length have to fit behind rest. */
	size_t size = rest + 9 <= BLOCK ? BLOCK : 2 * BLOCK;

	for (size_t i = 0; i + BLOCK <= n; i += BLOCK)
		add_block(h, p + i);
	if (rest > 0)
		memcpy(last, p + n - rest, rest);
	last[rest] = 0x80;
	for (int i = 0; i < 8; i++)
		last[size - 1 - (size_t)i] =
		    (unsigned char)((uint64_t)n * 8 >> (8 * i));
	for (size_t i = 0; i < size; i += BLOCK)
		add_block(h, last + i);
	for (int i = 0; i < SHA1_SIZE; i++)
		out[i] = (uint8_t)(h[i / 4] >> (24 - 8 * (i % 4)));
}

void
sha1_hex(char out[SHA1_HEX_SIZE], const void *bytes, size_t n)
{
	uint8_t hash[SHA1_SIZE];

	sha1(hash, bytes, n);
	for (size_t i = 0; i < sizeof(hash); i++)
		snprintf(out + 2 * i, 3, "%02x", (unsigned)hash[i]);
}
