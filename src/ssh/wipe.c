/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "ssh/wipe.h"

#include <malloc.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

static bool wiping = true;

static void
give_back(void *p)
{
	if (p != NULL && wiping)
		explicit_bzero(p, malloc_usable_size(p));
	free(p);
}

/* realloc(3) would leave what it moved behind. */
static void *
resize(void *p, size_t n)
{
	size_t had = p != NULL ? malloc_usable_size(p) : 0;
	void *moved;

	if (!wiping || p == NULL)
		return realloc(p, n);
	if (n == 0) {
		give_back(p);
		return NULL;
	}
	if ((moved = malloc(n)) == NULL)
		return NULL;
	memcpy(moved, p, had < n ? had : n);
	give_back(p);
	return moved;
}

static void *
openssl_alloc(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return malloc(n);
}

static void *
openssl_resize(void *p, size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return resize(p, n);
}

static void
openssl_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	give_back(p);
}

void
wipe_openssl(void)
{
	(void)CRYPTO_set_mem_functions(openssl_alloc, openssl_resize,
	    openssl_free);
}

void *
wipe_session_alloc(size_t n, void **abstract)
{
	(void)abstract;
	return malloc(n);
}

void *
wipe_session_realloc(void *p, size_t n, void **abstract)
{
	(void)abstract;
	return resize(p, n);
}

void
wipe_session_free(void *p, void **abstract)
{
	(void)abstract;
	give_back(p);
}

void
wipe_frees(bool on)
{
	wiping = on;
}
