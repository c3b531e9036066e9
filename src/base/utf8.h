/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_BASE_UTF8_H
#define HAWSER_BASE_UTF8_H

#include <stddef.h>

/* utf8: which bytes are UTF-8 (RFC 3629). */

/*
 * Bytes of the character at p, 1 to 4, of which left (at least 1) can be read;
 * 0 if none begins there.
 */
size_t utf8_length(const void *p, size_t left);

/*
 * Makes text, which a peer may have sent, fit to be shown to a person, in its
 * place: each byte that isn't UTF-8 and each character that moves, hides or
 * turns others (controls, line ends, marks of direction) becomes '?'. Cuts it
 * to at most max bytes, between two characters.
 */
void utf8_make_printable(char *text, size_t max);

#endif
