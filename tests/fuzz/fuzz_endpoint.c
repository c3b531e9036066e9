/* SPDX-License-Identifier: ISC */
/* endpoint: what it prints of a text, it understands as the same thing. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/endpoint.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct endpoint first = { 0 }, second = { 0 };
	struct str shown;
	struct err err;
	char *text = fuzz_text(data, len);

	str_init(&shown);
	if (endpoint_parse(&first, text, &err) == 0) {
		endpoint_format(&first, &shown);
		FUZZ_CHECK(endpoint_parse(&second, shown.p, &err) == 0);
		FUZZ_CHECK(endpoint_equal(&first, &second));
	}
	endpoint_fini(&first);
	endpoint_fini(&second);
	str_fini(&shown);
	free(text);
	return 0;
}
