/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "ssh/secret.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t
page_round(size_t n)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (n + page - 1) / page * page;
}

/*
 * Locking may be forbidden by RLIMIT_MEMLOCK; it is done as far as it goes.
 */
char *
secret_new(size_t n, struct err *err)
{
	size_t size = page_round(n);
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED) {
		err_set(err, ERR_NOMEM, "out of memory for a secret");
		return NULL;
	}
	(void)mlock(p, size);
	(void)madvise(p, size, MADV_DONTDUMP);
	return p;
}

void
secret_free(char *p, size_t n)
{
	if (p == NULL)
		return;
	explicit_bzero(p, page_round(n));
	munmap(p, page_round(n));
}

int
secret_init(struct secret *s, struct err *err)
{
	*s = (struct secret){ 0 };
	s->text = secret_new(SECRET_TEXT_MAX + 1, err);
	return s->text != NULL ? 0 : -1;
}

void
secret_fini(struct secret *s)
{
	secret_free(s->text, SECRET_TEXT_MAX + 1);
	*s = (struct secret){ 0 };
}

bool
secret_equal(const struct secret *a, const struct secret *b)
{
	return a->text != NULL && b->text != NULL && a->len == b->len &&
	    memcmp(a->text, b->text, a->len) == 0;
}

void
secret_move(struct secret *out, struct secret *from)
{
	secret_fini(out);
	*out = *from;
	*from = (struct secret){ 0 };
}
