/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_BASE_SHA256_H
#define HAWSER_BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

/*
 * sha256: FIPS 180-4's SHA-256 of a few bytes, for who links no OpenSSL: the
 * supervisor shows nobody a fingerprint that it has not computed itself.
 */

#define SHA256_SIZE	32

void sha256(uint8_t out[SHA256_SIZE], const void *bytes, size_t n);

#endif
