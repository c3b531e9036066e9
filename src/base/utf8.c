/* SPDX-License-Identifier: ISC */
#include "base/utf8.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

size_t
utf8_length(const void *bytes, size_t left)
{
	const unsigned char *p = bytes;
	size_t n = *p < 0x80 ? 1 : *p < 0xc2 ? 0 : *p < 0xe0 ? 2 :
	    *p < 0xf0 ? 3 : *p < 0xf5 ? 4 : 0;

	if (n == 0 || n > left)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	/* Longer than needed, a surrogate, or beyond the last character. */
	if ((*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] > 0x9f) ||
	    (*p == 0xf0 && p[1] < 0x90) || (*p == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

/* The character of n bytes at p, as utf8_length() gave them. */
static uint32_t
decode(const unsigned char *p, size_t n)
{
	uint32_t c = n == 1 ? *p : *p & (0x7fu >> n);

	for (size_t i = 1; i < n; i++)
		c = c << 6 | (p[i] & 0x3fu);
	return c;
}

/* Controls, C0 and C1; what Unicode calls format and line separators. */
static bool
is_shown(uint32_t c)
{
	return c >= ' ' && (c < 0x7f || c > 0x9f) && c != 0xad &&
	    c != 0x61c && (c < 0x200b || c > 0x200f) &&
	    (c < 0x2028 || c > 0x202e) && (c < 0x2060 || c > 0x206f) &&
	    c != 0xfeff && (c < 0xe0000 || c > 0xe007f);
}

void
utf8_make_printable(char *text, size_t max)
{
	size_t left = strlen(text), out = 0;
	const char *p = text;

	while (left > 0) {
		size_t n = utf8_length(p, left);
		bool shown = n > 0 &&
		    is_shown(decode((const unsigned char *)p, n));

		if (out + (shown ? n : 1) > max)
			break;
		if (shown)
			memmove(text + out, p, n);
		else
			text[out] = '?';
		out += shown ? n : 1;
		p += n > 0 ? n : 1;
		left -= n > 0 ? n : 1;
	}
	text[out] = '\0';
}
