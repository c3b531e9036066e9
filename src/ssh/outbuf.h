/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SSH_OUTBUF_H
#define HAWSER_SSH_OUTBUF_H

#include <stddef.h>
#include <stdint.h>

/*
 * outbuf: bytes on their way to the kernel. Grows as it must; whoever fills
 * it watches outbuf_len(). A zeroed struct is empty.
 */
struct outbuf {
	uint8_t *p;
	size_t head;		/* first byte that is still to be sent */
	size_t tail;		/* behind the last one */
	size_t size;
};

void outbuf_append(struct outbuf *, const void *bytes, size_t n);
size_t outbuf_len(const struct outbuf *);

/* Sends what the socket takes now. 0, or -1 with errno set. */
int outbuf_flush(struct outbuf *, int fd);

void outbuf_fini(struct outbuf *);

#endif
