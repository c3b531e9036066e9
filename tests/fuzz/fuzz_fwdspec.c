/* SPDX-License-Identifier: ISC */
/* fwdspec: any spelling of a forward; the first byte says of which kind. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "config/fwdspec.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct forward forward = { 0 };
	struct str shown;
	struct err err;
	char *text;

	if (len == 0)
		return 0;
	text = fuzz_text(data + 1, len - 1);
	str_init(&shown);
	if (fwdspec_parse(&forward, data[0] % (FWDSPEC_DYNAMIC + 1), text,
	    &shown, &err) == 0) {
		FUZZ_CHECK(forward.id != NULL && shown.len > 0);
		FUZZ_CHECK(forward.listen.kind != ENDPOINT_NONE);
	}
	forward_fini(&forward);
	str_fini(&shown);
	free(text);
	return 0;
}
