/* SPDX-License-Identifier: ISC */
/*
 * socks: any client. Its bytes mean the same whether they come at once or one
 * by one.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "fuzz.h"
#include "worker/socks.h"

struct outcome {
	enum socks_verdict verdict;
	size_t used;			/* bytes of the input */
	size_t reply_len;
	uint8_t reply[64];
};

/* Feeds in pieces of at most step bytes. */
static void
feed(struct socks *s, const uint8_t *data, size_t len, size_t step,
    struct outcome *out)
{
	const uint8_t *reply;
	size_t n, used;

	*out = (struct outcome){ .verdict = SOCKS_MORE };
	socks_init(s);
	while (out->verdict == SOCKS_MORE && out->used < len) {
		n = len - out->used < step ? len - out->used : step;
		out->verdict = socks_feed(s, data + out->used, n, &used);
		FUZZ_CHECK(used <= n);
		FUZZ_CHECK(out->verdict != SOCKS_MORE || used == n);
		out->used += used;
		n = socks_take_reply(s, &reply);
		FUZZ_CHECK(out->reply_len + n <= sizeof(out->reply));
		if (n > 0)
			memcpy(out->reply + out->reply_len, reply, n);
		out->reply_len += n;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct socks once, slow;
	struct outcome a, b;

	feed(&once, data, len, len, &a);
	feed(&slow, data, len, 1, &b);
	FUZZ_CHECK(a.verdict == b.verdict);
	FUZZ_CHECK(a.reply_len == b.reply_len);
	FUZZ_CHECK(memcmp(a.reply, b.reply, a.reply_len) == 0);
	if (a.verdict == SOCKS_CONNECT) {
		FUZZ_CHECK(a.used == b.used && once.port != 0);
		FUZZ_CHECK(once.port == slow.port);
		FUZZ_CHECK(strcmp(once.host, slow.host) == 0);
		FUZZ_CHECK(once.host[0] != '\0');
		socks_answer(&once, data[0] % SOCKS_ANSWER_COUNT);
	}
	return 0;
}
