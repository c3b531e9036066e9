/* SPDX-License-Identifier: ISC */
#include "cli/text.h"

#include <stdbool.h>
#include <stdint.h>

struct range {
	uint32_t first, last;
};

/* C0, DEL, C1, and the controls of writing direction and of line ends. */
static const struct range unsafe[] = {
	{ 0x0000, 0x001f }, { 0x007f, 0x009f }, { 0x061c, 0x061c },
	{ 0x200b, 0x200f }, { 0x2028, 0x202e }, { 0x2060, 0x206f },
	{ 0xfeff, 0xfeff }, { 0xfff9, 0xfffb }, { 0xe0000, 0xe007f },
};

/* Unicode's combining marks and variation selectors, the frequent blocks. */
static const struct range combining[] = {
	{ 0x0300, 0x036f }, { 0x0483, 0x0489 }, { 0x0591, 0x05bd },
	{ 0x064b, 0x065f }, { 0x1ab0, 0x1aff }, { 0x1dc0, 0x1dff },
	{ 0x20d0, 0x20ff }, { 0xfe00, 0xfe0f }, { 0xfe20, 0xfe2f },
};

/* Unicode's East Asian Width W and F, the frequent blocks. */
static const struct range wide[] = {
	{ 0x1100, 0x115f }, { 0x2e80, 0x303e }, { 0x3041, 0xa4cf },
	{ 0xa960, 0xa97c }, { 0xac00, 0xd7a3 }, { 0xf900, 0xfaff },
	{ 0xfe30, 0xfe6f }, { 0xff00, 0xff60 }, { 0xffe0, 0xffe6 },
	{ 0x1f300, 0x1f64f }, { 0x1f680, 0x1f6ff }, { 0x1f900, 0x1f9ff },
	{ 0x20000, 0x3fffd },
};

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

static bool
in_ranges(uint32_t c, const struct range *ranges, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (c >= ranges[i].first && c <= ranges[i].last)
			return true;
	return false;
}

/*
 * The bytes of the character at text, which it puts into c, or 0 if there is
 * no well-formed UTF-8 (RFC 3629: no surrogates, no longer form than needed).
 */
static size_t
decode(const char *text, uint32_t *c)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *p = (const unsigned char *)text;
	size_t n;

	if (p[0] < 0x80) {
		*c = p[0];
		return 1;
	}
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		n = 2;
	else if ((p[0] & 0xf0) == 0xe0)
		n = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		n = 4;
	else
		return 0;
	*c = p[0] & (0xffu >> (n + 1));
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		*c = *c << 6 | (p[i] & 0x3f);
	}
	if (*c < least[n] || *c > 0x10ffff || (*c >= 0xd800 && *c <= 0xdfff))
		return 0;
	return n;
}

void
text_append_clean(struct str *out, const char *text)
{
	while (*text != '\0') {
		uint32_t c;
		size_t n = decode(text, &c);

		if (n == 0 || in_ranges(c, unsafe, COUNT(unsafe)))
			str_append(out, "?");
		else
			str_append_n(out, text, n);
		text += n > 0 ? n : 1;
	}
}

size_t
text_width(const char *text)
{
	size_t width = 0;

	while (*text != '\0') {
		uint32_t c;
		size_t n = decode(text, &c);

		if (n == 0)
			width++;
		else if (in_ranges(c, wide, COUNT(wide)))
			width += 2;
		else if (!in_ranges(c, combining, COUNT(combining)))
			width++;
		text += n > 0 ? n : 1;
	}
	return width;
}
