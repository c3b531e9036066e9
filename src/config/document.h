/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CONFIG_DOCUMENT_H
#define HAWSER_CONFIG_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "config/args.h"
#include "config/config.h"
#include "config/index.h"
#include "config/keyword.h"
#include "config/match.h"

/*
 * document: one file, parsed: blocks of entries. It is parsed once and
 * evaluated for every host. No I/O: included files are documents that the
 * loader puts into their entries. What ssh_config(5) calls a Host line is a
 * block; the other syntaxes yield the same blocks and entries.
 */

struct document;

/* Documents one after the other. Owns them. */
struct document_list {
	struct document **documents;
	size_t count;
	struct index index;	/* of those that matter to a name */
	bool wants_final;	/* one of them asks for the second pass */
};

struct entry {
	const struct keyword *keyword;	/* NULL: nobody knows it */
	char *name;		/* of an unknown keyword, lower case */
	const char *file;	/* the document's */
	int line;
	int column;		/* from 1; 0 in ssh_config syntax */
	bool lent;		/* the document only lends values */
	struct value value;
	struct document_list includes;
};

enum block_kind {
	BLOCK_TOP,		/* what stands before the first Host or Match */
	BLOCK_HOST,
	BLOCK_MATCH,
};

struct block {
	enum block_kind kind;
	int line;
	int column;		/* as an entry's */
	struct value patterns;	/* of BLOCK_HOST */
	struct match match;	/* of BLOCK_MATCH */
	struct entry *entries;
	size_t count;
	bool always;		/* entries that matter when inactive */
};

struct document {
	char *file;
	struct block *blocks;	/* the first is BLOCK_TOP */
	size_t count;
	struct index index;	/* of the blocks that matter to a name */
	bool wants_final;	/* a Match here asks for the second pass */
	bool is_sole;		/* no other document may tell of its hosts */
	bool lends;		/* no forwards count, faults are mild */
};

/* New: a document with an empty BLOCK_TOP. */
struct document *document_new(const char *file, bool lends);

/*
 * Adds a block, or an entry without a value to the last block. Borrowed until
 * the next one is added.
 */
struct block *document_add_block(struct document *, enum block_kind,
    int line);
struct entry *document_add_entry(struct document *, const struct keyword *,
    int line);

/* All blocks and entries are there: it can be put in a list. */
void document_end(struct document *);

/*
 * New: n bytes of the named file (copied). What is wrong in a line becomes an
 * error in the report (a warning if the document only lends values), and the
 * line is left out. Its includes have to be added before it is put in a list.
 */
struct document *document_parse(const char *file, const char *bytes, size_t n,
    bool lends, struct config *report);

/* Frees it and what it includes. */
void document_free(struct document *);

/*
 * Reports about an entry, by file, line and, where it is known, column; NULL:
 * about a default, which stands in no file.
 */
void document_complain(struct config *report, enum severity,
    const struct entry *, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* New: where it stands, for sentences: "file:line:column". */
char *document_place(const struct entry *);

/* Takes the document; NULL is nothing. */
void document_list_add(struct document_list *, struct document *);
void document_list_fini(struct document_list *);

#endif
