/* SPDX-License-Identifier: ISC */
/* packet: readers over any bytes, in any order, never leave them. */
#include <stddef.h>
#include <stdint.h>

#include "fuzz.h"
#include "ssh/packet.h"

static void
read_one(struct reader *r, uint8_t what)
{
	const uint8_t *end = r->p + r->left, *p;
	bool broken = r->broken;
	char text[16];
	size_t n;

	switch (what % 6) {
	case 0:
		FUZZ_CHECK(reader_u8(r) == 0 || !broken);
		break;
	case 1:
		FUZZ_CHECK(!reader_bool(r) || !broken);
		break;
	case 2:
		FUZZ_CHECK(reader_u32(r) == 0 || !broken);
		break;
	case 3:
		p = reader_string(r, &n);
		FUZZ_CHECK(n == 0 || (!r->broken && p + n == r->p));
		break;
	case 4:
		reader_skip(r, what / 6);
		break;
	default:
		reader_text(r, text, 1 + what / 6 % sizeof(text));
		n = strlen(text);
		FUZZ_CHECK(n <= what / 6 % sizeof(text));
		while (n-- > 0)
			FUZZ_CHECK(text[n] >= ' ' && text[n] <= '~');
	}
	FUZZ_CHECK(r->broken || r->p + r->left == end);
	FUZZ_CHECK(r->broken || !broken);
	FUZZ_CHECK(!r->broken || r->left == 0);
}

/* The first half says what to read from the second. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	size_t steps = len / 2;
	struct reader r;

	reader_init(&r, data + steps, len - steps);
	for (size_t i = 0; i < steps; i++)
		read_one(&r, data[i]);
	return 0;
}
