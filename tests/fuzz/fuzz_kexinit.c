/* SPDX-License-Identifier: ISC */
/* kexinit: the first packet of a server of which nothing is known yet. */
#include <stddef.h>
#include <stdint.h>

#include "base/algorithms.h"
#include "fuzz.h"
#include "ssh/kexinit.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct algorithms said;
	struct kexinit_offer offer = { .lists = {
		[KEXINIT_KEX] = "curve25519-sha256,ext-info-c",
		[KEXINIT_HOST_KEY] = "ssh-ed25519,rsa-sha2-256",
		[KEXINIT_CIPHER_C2S] = "aes128-gcm@openssh.com,aes128-ctr",
		[KEXINIT_CIPHER_S2C] = "aes128-gcm@openssh.com,aes128-ctr",
		[KEXINIT_MAC_C2S] = "hmac-sha2-256",
		[KEXINIT_MAC_S2C] = "hmac-sha2-256",
		[KEXINIT_COMPRESSION_C2S] = "none",
		[KEXINIT_COMPRESSION_S2C] = "none",
	} };
	struct err err = { .code = ERR_NONE }, again;
	int rc = kexinit_check(data, len, &offer, &err);

	FUZZ_CHECK(rc == 0 || err.code == ERR_PROTOCOL ||
	    err.code == ERR_REFUSED);
	/* Who has said what we ask for changes the text, not the verdict. */
	offer.said = &said;
	FUZZ_CHECK(kexinit_check(data, len, &offer, &again) == rc);
	FUZZ_CHECK(rc == 0 || again.code == err.code);
	return 0;
}
