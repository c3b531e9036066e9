/* SPDX-License-Identifier: ISC */
#include "ssh/bytebuf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/str.h"

#define FIRST_SIZE	4096

size_t
bytebuf_len(const struct bytebuf *b)
{
	return b->tail - b->head;
}

/* Moves the bytes so that gap bytes are free before them. */
static void
move(struct bytebuf *b, size_t gap)
{
	size_t len = bytebuf_len(b);

	if (len > 0)
		memmove(b->p + gap, b->p + b->head, len);
	b->head = gap;
	b->tail = gap + len;
}

static void
grow(struct bytebuf *b, size_t need)
{
	if (need <= b->size)
		return;
	if (b->size == 0)
		b->size = FIRST_SIZE;
	while (b->size < need)
		b->size *= 2;
	b->p = mem_grow(b->p, b->size, 1);
}

uint8_t *
bytebuf_reserve(struct bytebuf *b, size_t n)
{
	if (b->tail + n > b->size && b->head > 0)
		move(b, 0);
	grow(b, b->tail + n);
	return b->p + b->tail;
}

void
bytebuf_append(struct bytebuf *b, const void *bytes, size_t n)
{
	if (n == 0)
		return;
	memcpy(bytebuf_reserve(b, n), bytes, n);
	b->tail += n;
}

void
bytebuf_prepend(struct bytebuf *b, const void *bytes, size_t n)
{
	if (n == 0)
		return;
	if (b->head < n) {
		grow(b, bytebuf_len(b) + n);
		move(b, n);
	}
	b->head -= n;
	memcpy(b->p + b->head, bytes, n);
}

int
bytebuf_send(struct bytebuf *b, int fd)
{
	while (b->head < b->tail) {
		ssize_t n = send(fd, b->p + b->head, b->tail - b->head,
		    MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return errno == EAGAIN ? 0 : -1;
		b->head += (size_t)n;
	}
	b->head = b->tail = 0;
	return 0;
}

void
bytebuf_fini(struct bytebuf *b)
{
	free(b->p);
	*b = (struct bytebuf){ 0 };
}
