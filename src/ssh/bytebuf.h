/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SSH_BYTEBUF_H
#define HAWSER_SSH_BYTEBUF_H

#include <stddef.h>
#include <stdint.h>

/*
 * bytebuf: bytes on their way from or to the kernel. Grows as it must;
 * whoever fills it watches bytebuf_len(). A zeroed struct is empty and holds
 * no memory.
 */
struct bytebuf {
	uint8_t *p;
	size_t head;		/* the first byte that is still wanted */
	size_t tail;		/* behind the last one */
	size_t size;
};

size_t bytebuf_len(const struct bytebuf *);

/*
 * Makes room for n bytes behind the tail, which is returned; the caller
 * advances tail by what it wrote. What head and tail counted may move.
 */
uint8_t *bytebuf_reserve(struct bytebuf *, size_t n);

void bytebuf_append(struct bytebuf *, const void *bytes, size_t n);

/* Puts bytes before the first one. */
void bytebuf_prepend(struct bytebuf *, const void *bytes, size_t n);

/* Sends what the socket takes now. 0, or -1 with errno set. */
int bytebuf_send(struct bytebuf *, int fd);

/* Frees the memory; the buffer is empty and usable. */
void bytebuf_fini(struct bytebuf *);

#endif
