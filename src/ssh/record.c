/* SPDX-License-Identifier: ISC */
#include "ssh/record.h"

#include <libssh2_priv.h>

#include <openssl/rand.h>
#include <string.h>

#include "ssh/cipher_impl.h"
#include "ssh/packet.h"

#define LENGTH_SIZE	CIPHER_LENGTH_SIZE
#define TAG_SIZE	CIPHER_TAG_SIZE
#define PADDING_MIN	4	/* RFC 4253 6 */
#define PADDING_MAX	(PADDING_MIN + 16)
#define POOL_SIZE	4096

bool
record_fits(const LIBSSH2_SESSION *s)
{
	/* Both directions have the same cipher and compression: kexinit.h. */
	return cipher_is_ours(s->remote.crypt) && !s->remote.comp->compress;
}

bool
record_can_seal(const LIBSSH2_SESSION *s)
{
	return (s->state & LIBSSH2_STATE_NEWKEYS) &&
	    !(s->state & LIBSSH2_STATE_EXCHANGING_KEYS) && record_fits(s);
}

bool
record_can_open(const LIBSSH2_SESSION *s)
{
	return record_can_seal(s) && s->packet.total_num == 0 &&
	    s->packet.readidx == s->packet.writeidx;
}

int
record_open(LIBSSH2_SESSION *s, struct bytebuf *in, const uint8_t **payload,
    size_t *n, size_t *need)
{
	const LIBSSH2_CRYPT_METHOD *method = s->remote.crypt;
	unsigned len;
	uint8_t padding, *p;

	*need = LENGTH_SIZE;
	if (bytebuf_len(in) < LENGTH_SIZE)
		return 0;
	p = in->p + in->head;
	if (method->get_len(s, s->remote.seqno, p, LENGTH_SIZE, &len,
	    &s->remote.crypt_abstract) != 0)
		return -1;
	*need = LENGTH_SIZE + len + TAG_SIZE;
	if (bytebuf_len(in) < *need)
		return 0;
	if (cipher_open(method, s->remote.crypt_abstract, s->remote.seqno, p,
	    len) == -1)
		return -1;
	s->remote.seqno++;
	in->head += *need;
	padding = p[LENGTH_SIZE];
	if (padding < PADDING_MIN || padding + 2U > len)
		return -2;	/* no room for a message number */
	*payload = p + LENGTH_SIZE + 1;
	*n = len - 1 - padding;
	return 1;
}

/* Padding has to be arbitrary, not secret: CSPRNG bytes, bought in bulk. */
static int
fill_padding(uint8_t *out, size_t n)
{
	static uint8_t pool[POOL_SIZE];
	static size_t left;

	if (left < n) {
		if (RAND_bytes(pool, sizeof(pool)) != 1)
			return -1;
		left = sizeof(pool);
	}
	left -= n;
	memcpy(out, pool + left, n);
	return 0;
}

int
record_seal(LIBSSH2_SESSION *s, struct bytebuf *out, const uint8_t *head,
    size_t head_len, const uint8_t *body, size_t body_len)
{
	const LIBSSH2_CRYPT_METHOD *method = s->local.crypt;
	size_t block = (size_t)method->blocksize;
	size_t n = head_len + body_len, padding, len;
	uint8_t *p;

	/* 1 + payload + padding is a whole number of blocks. */
	padding = block - (1 + n) % block;
	if (padding < PADDING_MIN)
		padding += block;
	len = 1 + n + padding;
	p = bytebuf_reserve(out, LENGTH_SIZE + len + TAG_SIZE);
	packet_store_u32(p, (uint32_t)len);
	p[LENGTH_SIZE] = (uint8_t)padding;
	memcpy(p + LENGTH_SIZE + 1, head, head_len);
	if (body_len > 0)
		memcpy(p + LENGTH_SIZE + 1 + head_len, body, body_len);
	if (fill_padding(p + LENGTH_SIZE + 1 + n, padding) == -1 ||
	    method->crypt(s, s->local.seqno, p, LENGTH_SIZE + len,
	    &s->local.crypt_abstract, 0) != 0)
		return -1;
	s->local.seqno++;
	out->tail += LENGTH_SIZE + len + TAG_SIZE;
	return 0;
}
