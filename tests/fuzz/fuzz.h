/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_TESTS_FUZZ_FUZZ_H
#define HAWSER_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* What fuzzers share. Each gives libFuzzer this function; 0 always. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* An invariant; unlike assert() it is there in every build. */
#define FUZZ_CHECK(x)	do { if (!(x)) abort(); } while (0)

/* New: the input as a string, up to its first NUL. The caller frees. */
static inline char *
fuzz_text(const uint8_t *data, size_t len)
{
	char *text = malloc(len + 1);

	if (text == NULL)
		abort();
	if (len > 0)
		memcpy(text, data, len);
	text[len] = '\0';
	return text;
}

#endif
