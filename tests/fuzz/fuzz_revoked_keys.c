/* SPDX-License-Identifier: ISC */
/*
 * revoked_keys, host_key_parse: any file, and a key that is in few. (libFuzzer
 * sees what is compared, so in time it finds the hash even of a stranger.)
 */
#include "fuzz.h"
#include "ssh/revoked_keys.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const uint8_t stranger[] = "a stranger's bytes";
	struct revoked_keys *k;
	unsigned line;
	struct err err;

	k = revoked_keys_parse("file", (const char *)data, len, &err);
	if (k == NULL) {
		FUZZ_CHECK(err.code == ERR_INPUT);
		return 0;
	}
	revoked_keys_have(k, stranger, sizeof(stranger), &line);
	revoked_keys_have(k, data, len, &line);
	revoked_keys_free(k);
	return 0;
}
