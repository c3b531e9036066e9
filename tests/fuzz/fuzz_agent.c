/* SPDX-License-Identifier: ISC */
/* agent_reply, public_key: answers of an agent, keys and certificates. */
#include <stddef.h>
#include <stdint.h>

#include "fuzz.h"
#include "ssh/agent_reply.h"

static void
try_certificate(const struct public_key *k)
{
	struct public_key plain;
	char why[64];

	(void)public_key_check_cert(k, 1700000000, why, sizeof(why));
	if (public_key_of_cert(k, &plain) == 0) {
		FUZZ_CHECK(public_key_is_cert(k));
		FUZZ_CHECK(!public_key_is_cert(&plain));
		public_key_fini(&plain);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct agent_keys keys;
	struct public_key key;
	struct err err = { .code = ERR_NONE };
	const uint8_t *sig;
	size_t n;

	if (agent_reply_keys(data, len, &keys, &err) == 0)
		for (size_t i = 0; i < keys.count; i++)
			try_certificate(&keys.items[i].key);
	else
		FUZZ_CHECK(keys.count == 0 && (err.code == ERR_PROTOCOL ||
		    err.code == ERR_REFUSED));
	agent_keys_fini(&keys);
	if (agent_reply_signature(data, len, "ssh-ed25519", &sig, &n,
	    &err) == 0)
		FUZZ_CHECK(sig >= data && sig + n <= data + len);
	if (agent_reply_signature(data, len, "sk-ssh-ed25519@openssh.com",
	    &sig, &n, &err) == 0)
		FUZZ_CHECK(sig >= data && sig + n <= data + len);
	if (public_key_set(&key, data, len) == 0)
		try_certificate(&key);
	public_key_fini(&key);
	if (public_key_parse((const char *)data, len, &key) == 0)
		try_certificate(&key);
	public_key_fini(&key);
	return 0;
}
