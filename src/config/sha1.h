/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CONFIG_SHA1_H
#define HAWSER_CONFIG_SHA1_H

#include <stddef.h>
#include <stdint.h>

/*
 * sha1: FIPS 180-4's SHA-1, only because ssh_config(5)'s %C and the hashed
 * names of known_hosts are made with it. It names things; it protects nothing.
 */

#define SHA1_HEX_SIZE	41	/* bytes: 40 digits and a NUL */

#define SHA1_SIZE	20	/* bytes */

void sha1(uint8_t out[SHA1_SIZE], const void *bytes, size_t n);

/* Writes the hash of n bytes as lower-case hexadecimal digits. */
void sha1_hex(char out[SHA1_HEX_SIZE], const void *bytes, size_t n);

#endif
