/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_BASE_BASE64_H
#define HAWSER_BASE_BASE64_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* base64: RFC 4648 4, with padding, strictly. */

/* Bytes that n characters decode to, at most. */
#define BASE64_DECODED_MAX(n)	((n) / 4 * 3)

/*
 * Decodes n characters into out of size bytes; ends of lines (CR, LF) between
 * them are skipped. The number of bytes; -1 if the text is not base64, is cut
 * off, or does not fit.
 */
ssize_t base64_decode(const char *text, size_t n, uint8_t *out, size_t size);

/* New: n bytes as text without ends of lines. The caller frees. */
char *base64_encode(const uint8_t *bytes, size_t n);

#endif
