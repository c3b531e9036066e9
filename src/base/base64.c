/* SPDX-License-Identifier: ISC */
#include "base/base64.h"

#include <stdbool.h>

#include "base/str.h"

/* The 6 bits of a character, or -1. */
static int
sextet(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	if (c == '/')
		return 63;
	return -1;
}

/*
 * Does what follows count characters end the text: with the padding that is
 * due, and nothing else?
 */
static bool
is_end(const char *text, size_t n, size_t count)
{
	size_t pads = 0;

	for (size_t i = 0; i < n; i++) {
		if (text[i] == '=')
			pads++;
		else if (text[i] != '\r' && text[i] != '\n')
			return false;
	}
	return count % 4 != 1 && pads == (4 - count % 4) % 4;
}

ssize_t
base64_decode(const char *text, size_t n, uint8_t *out, size_t size)
{
	size_t count = 0, used = 0, i;
	uint32_t bits = 0;
	unsigned left = 0;		/* low bits that made no byte yet */

	for (i = 0; i < n && text[i] != '='; i++) {
		int six;

		if (text[i] == '\r' || text[i] == '\n')
			continue;
		if ((six = sextet(text[i])) == -1)
			return -1;
		bits = bits << 6 | (uint32_t)six;
		left += 6;
		count++;
		if (left < 8)
			continue;
		if (used == size)
			return -1;
		left -= 8;
		out[used++] = (uint8_t)(bits >> left);
		bits &= (1u << left) - 1;
	}
	if (bits != 0 && left < 6)
		return -1;
	if (!is_end(text + i, n - i, count))
		return -1;
	return (ssize_t)used;
}

char *
base64_encode(const uint8_t *bytes, size_t n)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789+/";
	char *text = mem_alloc((n + 2) / 3 * 4 + 1), *p = text;

	for (size_t i = 0; i < n; i += 3) {
		uint32_t bits = (uint32_t)bytes[i] << 16;

		if (i + 1 < n)
			bits |= (uint32_t)bytes[i + 1] << 8;
		if (i + 2 < n)
			bits |= bytes[i + 2];
		*p++ = digits[bits >> 18];
		*p++ = digits[bits >> 12 & 63];
		*p++ = i + 1 < n ? digits[bits >> 6 & 63] : '=';
		*p++ = i + 2 < n ? digits[bits & 63] : '=';
	}
	return text;
}
