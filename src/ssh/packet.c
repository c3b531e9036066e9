/* SPDX-License-Identifier: ISC */
#include "ssh/packet.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

void
reader_init(struct reader *r, const uint8_t *bytes, size_t n)
{
	*r = (struct reader){ .p = bytes, .left = n };
}

static bool
take(struct reader *r, size_t n)
{
	if (r->broken || r->left < n) {
		r->broken = true;
		r->left = 0;
		return false;
	}
	return true;
}

void
reader_skip(struct reader *r, size_t n)
{
	if (!take(r, n))
		return;
	r->p += n;
	r->left -= n;
}

uint8_t
reader_u8(struct reader *r)
{
	uint8_t v;

	if (!take(r, 1))
		return 0;
	v = r->p[0];
	reader_skip(r, 1);
	return v;
}

bool
reader_bool(struct reader *r)
{
	return reader_u8(r) != 0;
}

uint32_t
reader_u32(struct reader *r)
{
	uint32_t v;

	if (!take(r, 4))
		return 0;
	v = (uint32_t)r->p[0] << 24 | (uint32_t)r->p[1] << 16 |
	    (uint32_t)r->p[2] << 8 | r->p[3];
	reader_skip(r, 4);
	return v;
}

uint64_t
reader_u64(struct reader *r)
{
	uint64_t high = reader_u32(r);

	return high << 32 | reader_u32(r);
}

const uint8_t *
reader_string(struct reader *r, size_t *len)
{
	const uint8_t *p;
	uint32_t n = reader_u32(r);

	*len = 0;
	if (!take(r, n))
		return r->p;
	p = r->p;
	*len = n;
	reader_skip(r, n);
	return p;
}

void
reader_text(struct reader *r, char *out, size_t size)
{
	size_t len;
	const uint8_t *p = reader_string(r, &len);

	if (len > size - 1)
		len = size - 1;
	for (size_t i = 0; i < len; i++)
		out[i] = p[i] >= 0x20 && p[i] < 0x7f ? (char)p[i] : '?';
	out[len] = '\0';
}

void
packet_store_u32(uint8_t *out, uint32_t n)
{
	out[0] = (uint8_t)(n >> 24);
	out[1] = (uint8_t)(n >> 16);
	out[2] = (uint8_t)(n >> 8);
	out[3] = (uint8_t)n;
}

static void
append(struct packet *p, const void *bytes, size_t n)
{
	if (p->len + n > p->size) {
		p->size = (p->len + n) * 2;
		p->bytes = mem_grow(p->bytes, p->size, 1);
	}
	if (n > 0)
		memcpy(p->bytes + p->len, bytes, n);
	p->len += n;
}

struct packet *
packet_new(uint8_t msg)
{
	struct packet *p = mem_alloc(sizeof(*p));

	p->size = 64;
	p->bytes = mem_alloc(p->size);
	packet_u8(p, msg);
	return p;
}

void
packet_free(struct packet *p)
{
	if (p == NULL)
		return;
	free(p->bytes);
	free(p);
}

void
packet_u8(struct packet *p, uint8_t v)
{
	append(p, &v, 1);
}

void
packet_u32(struct packet *p, uint32_t v)
{
	uint8_t bytes[4];

	packet_store_u32(bytes, v);
	append(p, bytes, sizeof(bytes));
}

void
packet_string(struct packet *p, const void *bytes, size_t n)
{
	packet_u32(p, (uint32_t)n);
	append(p, bytes, n);
}

void
packet_cstring(struct packet *p, const char *text)
{
	packet_string(p, text, strlen(text));
}

void
packet_bytes(struct packet *p, const void *bytes, size_t n)
{
	append(p, bytes, n);
}
