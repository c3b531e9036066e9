/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_BASE_ALGORITHMS_H
#define HAWSER_BASE_ALGORITHMS_H

#include <stdbool.h>

#include "base/str.h"

/*
 * algorithms: THE list of the algorithms of SSH that hawser can use, and the
 * lists that one connection asks for. The configuration makes such lists, the
 * worker's transport and authentication keep to them.
 *
 * Weak ones (SHA-1, CBC) are used only where the configuration names them:
 * there are routers that know nothing else.
 */

enum algorithm_kind {
	ALGORITHM_KEX,
	ALGORITHM_HOST_KEY,	/* the server's key and its signature */
	ALGORITHM_CIPHER,
	ALGORITHM_MAC,
	ALGORITHM_USER_KEY,	/* our key and its signature */
	ALGORITHM_CA,		/* signs the certificates of servers */
	ALGORITHM_KIND_COUNT
};

/* Zeroed to begin with, which stands for hawser's own list. */
struct algorithm_list {
	char *names;		/* with commas, best first, at least one */
	bool is_arranged;	/* that order was chosen: nobody changes it */
	char *origin;		/* "file:line" that says so */
};

struct algorithms {
	struct algorithm_list lists[ALGORITHM_KIND_COUNT];
};

/* "KexAlgorithms"...: the keyword of ssh_config(5). */
const char *algorithm_keyword(enum algorithm_kind);

/*
 * Appends the names of a kind with commas, best first; without weak, those
 * that are used if nobody says anything.
 */
void algorithm_append(struct str *, enum algorithm_kind, bool weak);

/* Is the name (of n bytes) one of the weak? */
bool algorithm_is_weak(enum algorithm_kind, const char *name, size_t n);

/* Fills out with a copy in which every list has its names. */
void algorithms_complete(struct algorithms *out, const struct algorithms *);

/* Are they the same names in the same order, from wherever? */
bool algorithm_list_equal(const struct algorithm_list *,
    const struct algorithm_list *);

void algorithms_fini(struct algorithms *);

/*
 * Walks a list: the next name in *name, of the length that is returned; 0 at
 * the end. *at begins at the list's first byte. Empty names are skipped.
 */
size_t algorithm_next(const char **at, const char **name);

/* Does the list hold the name (of n bytes)? */
bool algorithm_is_in(const char *list, const char *name, size_t n);

#endif
