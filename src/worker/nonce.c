/* SPDX-License-Identifier: ISC */
#include "worker/nonce.h"

#include <assert.h>
#include <string.h>
#include <sys/random.h>

#define WORD	"hawser-proof "
#define RANDOM	16	/* bytes, two digits each */

static_assert(sizeof(WORD) - 1 + RANDOM * 2 + 2 == NONCE_SIZE,
    "word, digits and line end fill it");

int
nonce_make(struct nonce *nonce, struct err *err)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t random[RANDOM], *p = nonce->bytes;

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return err_sys(err, "no random bytes for a proof");
	memcpy(p, WORD, sizeof(WORD) - 1);
	p += sizeof(WORD) - 1;
	for (size_t i = 0; i < RANDOM; i++) {
		*p++ = (uint8_t)digits[random[i] >> 4];
		*p++ = (uint8_t)digits[random[i] & 15];
	}
	*p++ = '\r';
	*p = '\n';
	return 0;
}

enum nonce_match
nonce_compare(const struct nonce *nonce, const uint8_t *bytes, size_t n)
{
	size_t same = n < NONCE_SIZE ? n : NONCE_SIZE;

	if (memcmp(nonce->bytes, bytes, same) != 0)
		return NONCE_OTHER;
	return n < NONCE_SIZE ? NONCE_MORE : NONCE_FOUND;
}
