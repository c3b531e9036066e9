/* SPDX-License-Identifier: ISC */
/*
 * known_hosts: any file. Nothing that it holds makes a key known that stands
 * nowhere in it.
 */
#define _GNU_SOURCE
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "base/base64.h"
#include "ssh/host_key.h"
#include "ssh/known_hosts.h"

/* No fuzzer finds the base64 of this by chance. */
static const uint8_t stranger[] = "\0\0\0\x0bssh-ed25519\0\0\0\x20"
    "\x8f\x12\xa4\x77\x3c\x59\xe0\x1b\x8f\x12\xa4\x77\x3c\x59\xe0\x1b"
    "\x9a\x44\x6d\xf2\x05\xb7\x33\xc8\x9a\x44\x6d\xf2\x05\xb7\x33\xc8";

/* A key that the seeds hold. */
static const char listed[] =
	"AAAAC3NzaC1lZDI1NTE5AAAAIHv0jq+s9Bz2w/vfPvjg7mOJO9uTLUdVrP"
	"1F6M0NGSCS";

/* The verdict on the listed key comes from a line that has it. */
static void
check_listed(const char *host, uint16_t port, const char *text, size_t len)
{
	struct known_hosts *k = known_hosts_new(host, port);
	struct known_hosts_match match;
	uint8_t blob[64];
	ssize_t n = base64_decode(listed, sizeof(listed) - 1, blob,
	    sizeof(blob));
	struct err err;

	known_hosts_add_file(k, "file", text, len, &err);
	known_hosts_check(k, blob, (size_t)n, &match);
	FUZZ_CHECK((match.verdict == KNOWN_HOSTS_UNKNOWN) ==
	    (match.file == NULL));
	if (match.verdict == KNOWN_HOSTS_KNOWN ||
	    match.verdict == KNOWN_HOSTS_REVOKED)
		FUZZ_CHECK(memmem(text, len, listed, sizeof(listed) - 1) !=
		    NULL);
	known_hosts_free(k);
}

/* What is listed is known, at some place. */
static void
check_keys(const struct known_hosts *k)
{
	struct known_hosts_match match;
	const uint8_t *blob;
	char *place;
	size_t len;

	for (size_t i = 0; (blob = known_hosts_key(k, i, &len)) != NULL;
	    i++) {
		known_hosts_check(k, blob, len, &match);
		FUZZ_CHECK(match.verdict == KNOWN_HOSTS_KNOWN ||
		    match.verdict == KNOWN_HOSTS_REVOKED);
		place = known_hosts_place(&match);
		FUZZ_CHECK(place != NULL);
		free(place);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct known_hosts *k = known_hosts_new("Host.example", 2222);
	struct known_hosts_match match;
	char type[HOST_KEY_TYPE_SIZE];
	struct err err;

	check_listed("example.com", 22, (const char *)data, len);
	check_listed("example.com", 2222, (const char *)data, len);
	known_hosts_add_file(k, "file", (const char *)data, len, &err);
	known_hosts_check(k, stranger, sizeof(stranger) - 1, &match);
	FUZZ_CHECK(match.verdict != KNOWN_HOSTS_KNOWN);
	known_hosts_check(k, data, len, &match);
	free(known_hosts_algorithms(k, "ssh-rsa,ssh-ed25519,rsa-sha2-512",
	    len % 2 == 0));
	for (size_t i = 0; known_hosts_warning(k, i) != NULL; i++)
		FUZZ_CHECK(i < KNOWN_HOSTS_WARNINGS &&
		    i < known_hosts_warning_count(k));
	check_keys(k);
	known_hosts_free(k);
	host_key_type(data, len, type);
	return 0;
}
