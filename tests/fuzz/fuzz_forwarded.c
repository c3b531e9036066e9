/* SPDX-License-Identifier: ISC */
/*
 * forwarded: what a server says of a client it passes on, and what comes first
 * from that client. A header is whole and names nothing but addresses; bytes
 * are a nonce's beginning whether they come at once or one by one.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "fuzz.h"
#include "worker/nonce.h"
#include "worker/permit.h"
#include "worker/proxy_header.h"

static void
check_v1(const struct proxy_header *h)
{
	FUZZ_CHECK(h->len >= 15 && h->len <= PROXY_HEADER_MAX);
	FUZZ_CHECK(memcmp(h->bytes, "PROXY ", 6) == 0);
	FUZZ_CHECK(memcmp(h->bytes + h->len - 2, "\r\n", 2) == 0);
	for (size_t i = 0; i < h->len - 2; i++)
		FUZZ_CHECK(h->bytes[i] >= ' ' && h->bytes[i] <= 'z');
}

static void
check_v2(const struct proxy_header *h)
{
	FUZZ_CHECK(h->len == 16 || h->len == 28 || h->len == 52);
	FUZZ_CHECK(h->bytes[12] == 0x21);
	FUZZ_CHECK((size_t)(h->bytes[14] << 8 | h->bytes[15]) + 16 == h->len);
}

static void
check_nonce(const uint8_t *data, size_t len)
{
	struct nonce nonce;
	uint8_t bytes[2 * NONCE_SIZE];
	enum nonce_match whole, step = NONCE_MORE;

	/* The input is the nonce, then what differs from it. */
	if (len < NONCE_SIZE)
		return;
	memcpy(nonce.bytes, data, NONCE_SIZE);
	memcpy(bytes, data, NONCE_SIZE);
	for (size_t i = NONCE_SIZE; i + 1 < len; i += 2)
		bytes[data[i] % NONCE_SIZE] = data[i + 1];
	for (size_t n = 0; n <= NONCE_SIZE && step == NONCE_MORE; n++)
		step = nonce_compare(&nonce, bytes, n);
	whole = nonce_compare(&nonce, bytes, NONCE_SIZE);
	FUZZ_CHECK(whole == step && whole != NONCE_MORE);
	FUZZ_CHECK((whole == NONCE_FOUND) ==
	    (memcmp(nonce.bytes, bytes, NONCE_SIZE) == 0));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	size_t half = len / 2;
	char *first = str_dupf("%.*s", (int)half, (const char *)data);
	char *second = str_dupf("%.*s", (int)(len - half),
	    (const char *)data + half);
	char *rules[] = { first };
	struct proxy_header h;

	proxy_header_make(&h, PROXY_PROTOCOL_V1, first, (uint16_t)len, second,
	    80);
	check_v1(&h);
	proxy_header_make(&h, PROXY_PROTOCOL_V2, first, (uint16_t)len, second,
	    80);
	check_v2(&h);
	if (permit_allows(rules, 1, second, (uint16_t)len))
		FUZZ_CHECK(strchr(first, ':') != NULL ||
		    strchr(first, '/') != NULL || strlen(first) == 3);
	check_nonce(data, len);
	free(first);
	free(second);
	return 0;
}
