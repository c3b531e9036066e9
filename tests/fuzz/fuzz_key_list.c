/* SPDX-License-Identifier: ISC */
/*
 * key_list, key_verify: what any server says of its host keys, and proves. The
 * input's first two bytes say how long the list is; the proof follows it.
 */
#include "fuzz.h"
#include "ssh/key_list.h"
#include "ssh/key_verify.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	size_t cut = len > 2 ? (size_t)data[0] << 8 | data[1] : 0;
	struct str request;
	struct key_list l;
	struct err err;

	if (len < 2)
		return 0;
	data += 2;
	len -= 2;
	if (cut > len)
		cut = len;
	if (key_list_parse(&l, data, cut, &err) == 0) {
		FUZZ_CHECK(l.count <= KEY_LIST_MAX);
		str_init(&request);
		for (size_t i = 0; i < l.count; i++) {
			FUZZ_CHECK(l.keys[i].len <= KEY_LIST_BLOB_MAX);
			FUZZ_CHECK(key_verify_knows(l.keys[i].type));
			FUZZ_CHECK(key_list_has(&l, l.keys[i].blob,
			    l.keys[i].len));
			l.keys[i].asked = true;
		}
		key_list_request(&l, &request);
		FUZZ_CHECK(request.len <= cut);
		/* Nobody can sign for this session. */
		if (key_list_check(&l, (const uint8_t *)"id", 2, data + cut,
		    len - cut, &err) == 0)
			FUZZ_CHECK(l.count == 0 && cut == len);
		str_fini(&request);
	}
	key_list_fini(&l);
	return 0;
}
