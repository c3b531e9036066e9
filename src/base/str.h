/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_BASE_STR_H
#define HAWSER_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>

/*
 * str: a growing string, and the string functions every folder needs. An
 * allocation that fails aborts: what is built here is small and bounded by
 * the callers, and a half-built message is worse than a restart.
 */

struct str {
	char *p;		/* NUL-terminated; NULL while it is empty */
	size_t len;		/* bytes without the NUL */
	size_t size;
};

/* An empty string; no memory is held until something is added. */
void str_init(struct str *);

/* Frees the memory and makes the string empty. */
void str_fini(struct str *);

void str_append(struct str *, const char *text);
void str_append_n(struct str *, const void *bytes, size_t n);
void str_printf(struct str *, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* New: what was built ("" if nothing); the caller frees. s is empty then. */
char *str_take(struct str *s);

/* New copies that never return NULL (abort when memory is out). */
char *str_dup(const char *text);
char *str_dupf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void *mem_alloc(size_t n);		/* zeroed */
void *mem_grow(void *, size_t count, size_t size);

/*
 * Control characters and bytes that are not ASCII become '?': for what a peer
 * said, which may hold anything.
 */
void str_make_printable(char *text);

/* A NULL-safe comparison: two NULLs are equal. */
bool str_equal(const char *a, const char *b);

/*
 * Does text match an ssh_config(5) pattern ('*', '?')? Case matters. Time is
 * linear in text for each '*': no exponential patterns.
 */
bool str_match(const char *text, const char *pattern);

/*
 * The candidate nearest to word by edit distance, ignoring case, or NULL if
 * none is near enough to be meant (distance over a third of the length).
 * Borrows everything.
 */
const char *str_nearest(const char *word, const char *const *candidates,
    size_t count);

#endif
