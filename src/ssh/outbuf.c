/* SPDX-License-Identifier: ISC */
#include "ssh/outbuf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/str.h"

#define FIRST_SIZE	4096

void
outbuf_append(struct outbuf *b, const void *bytes, size_t n)
{
	size_t len = b->tail - b->head;

	if (b->tail + n > b->size) {
		if (b->head > 0)
			memmove(b->p, b->p + b->head, len);
		b->head = 0;
		b->tail = len;
	}
	if (len + n > b->size) {
		b->size = b->size == 0 ? FIRST_SIZE : b->size;
		while (b->size < len + n)
			b->size *= 2;
		b->p = mem_grow(b->p, b->size, 1);
	}
	memcpy(b->p + b->tail, bytes, n);
	b->tail += n;
}

size_t
outbuf_len(const struct outbuf *b)
{
	return b->tail - b->head;
}

int
outbuf_flush(struct outbuf *b, int fd)
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
outbuf_fini(struct outbuf *b)
{
	free(b->p);
	*b = (struct outbuf){ 0 };
}
