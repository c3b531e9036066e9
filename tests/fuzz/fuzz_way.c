/* SPDX-License-Identifier: ISC */
/*
 * way: an answer of the kernel, whatever it holds; and an address that is
 * understood becomes a request that fits.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "supervisor/way.h"

#define NUMBER	7

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t request[WAY_REQUEST_SIZE], *copy = malloc(len + 1);
	char *text = fuzz_text(data, len);
	struct way none = { 0 }, way;
	struct way_to to;

	if (copy == NULL)
		abort();
	/* Of its own size, so that a byte behind it is noticed. */
	memcpy(copy, data, len);
	if (way_decode(copy, len, NUMBER, &way) == -1 || !way.exists)
		FUZZ_CHECK(way_equal(&way, &none));
	if (way_to_parse(&to, text) == 0) {
		to.has_from = true;
		to.interface = 1;
		FUZZ_CHECK(way_encode(&to, NUMBER, request) <=
		    sizeof(request));
	}
	free(copy);
	free(text);
	return 0;
}
