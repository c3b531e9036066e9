/* SPDX-License-Identifier: ISC */
#include "ssh/agent_reply.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "ssh/packet.h"

#define ALGORITHM_SIZE	64	/* longer than any name that is asked for */

void
agent_keys_fini(struct agent_keys *keys)
{
	for (size_t i = 0; i < keys->count; i++)
		public_key_fini(&keys->items[i].key);
	free(keys->items);
	*keys = (struct agent_keys){ 0 };
}

static int
check_type(struct reader *r, int wanted, const char *refusal,
    struct err *err)
{
	uint8_t type = reader_u8(r);

	if (r->broken)
		return err_set(err, ERR_PROTOCOL, "its answer is empty");
	if (type == AGENT_FAILURE)
		return err_set(err, ERR_REFUSED, "%s", refusal);
	if (type != wanted)
		return err_set(err, ERR_PROTOCOL,
		    "it answered with message %d instead of %d", type, wanted);
	return 0;
}

static void
add_key(struct agent_keys *keys, struct reader *r)
{
	struct agent_key k;
	const uint8_t *blob;
	size_t len;

	blob = reader_string(r, &len);
	reader_text(r, k.comment, sizeof(k.comment));
	if (r->broken || public_key_set(&k.key, blob, len) == -1)
		return;
	keys->items = mem_grow(keys->items, keys->count + 1,
	    sizeof(*keys->items));
	keys->items[keys->count++] = k;
}

int
agent_reply_keys(const uint8_t *bytes, size_t len, struct agent_keys *out,
    struct err *err)
{
	struct reader r;
	uint32_t count;

	*out = (struct agent_keys){ 0 };
	reader_init(&r, bytes, len);
	if (check_type(&r, AGENT_IDENTITIES_ANSWER, "it refused", err) == -1)
		return -1;
	count = reader_u32(&r);
	if (!r.broken && count > AGENT_KEYS_MAX)
		return err_set(err, ERR_PROTOCOL, "it claims to have %u keys",
		    (unsigned)count);
	for (uint32_t i = 0; i < count && !r.broken; i++)
		add_key(out, &r);
	if (!r.broken)
		return 0;
	agent_keys_fini(out);
	return err_set(err, ERR_PROTOCOL, "its list of keys is cut off");
}

int
agent_reply_signature(const uint8_t *bytes, size_t len,
    const char *algorithm, const uint8_t **sig, size_t *sig_len,
    struct err *err)
{
	char name[ALGORITHM_SIZE];
	struct reader r, inner;
	const uint8_t *p;
	size_t n;

	reader_init(&r, bytes, len);
	if (check_type(&r, AGENT_SIGN_RESPONSE, "it refused to sign; is it "
	    "locked, or is a confirmation needed?", err) == -1)
		return -1;
	p = reader_string(&r, &n);
	reader_init(&inner, p, r.broken ? 0 : n);
	reader_text(&inner, name, sizeof(name));
	*sig = inner.p;
	*sig_len = inner.left;
	p = reader_string(&inner, &n);
	if (inner.broken)
		return err_set(err, ERR_PROTOCOL, "its signature is cut off");
	if (strcmp(name, algorithm) != 0)
		return err_set(err, ERR_INPUT, "it signs by %s, not by %s",
		    name, algorithm);
	/* PROTOCOL.u2f: flags and a counter follow. */
	if (strncmp(algorithm, "sk-", 3) == 0) {
		if (inner.left != 5)
			return err_set(err, ERR_PROTOCOL,
			    "its signature is no security key's");
		return 0;
	}
	*sig = p;
	*sig_len = n;
	return 0;
}
