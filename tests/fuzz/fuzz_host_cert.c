/* SPDX-License-Identifier: ISC */
/* host_cert: what any server may show. */
#include "fuzz.h"
#include "ssh/host_cert.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct host_cert c;
	struct err err;

	if (host_cert_parse(&c, data, len, &err) == -1) {
		FUZZ_CHECK(err.code == ERR_PROTOCOL);
		return 0;
	}
	FUZZ_CHECK(host_cert_is(data, len));
	FUZZ_CHECK(c.key.len < len && c.signed_len < len);
	FUZZ_CHECK(c.ca >= data && c.ca + c.ca_len <= data + len);
	if (host_cert_check(&c, "host.example", 1600000000,
	    "ssh-ed25519,ecdsa-sha2-nistp256,rsa-sha2-512", &err) == -1)
		FUZZ_CHECK(err.code == ERR_REFUSED && err.text[0] != '\0');
	host_cert_fini(&c);
	return 0;
}
