/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CONFIG_YAMLREAD_H
#define HAWSER_CONFIG_YAMLREAD_H

#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"

/*
 * yamlread: walks through the one document of a YAML file, event by event, and
 * complains of what no file of ours has: anchors, aliases, tags, a second
 * document, bytes that aren't UTF-8.
 *
 * A function that reads a node begins at the node's first event and ends at
 * its last; it gives -1 if nothing more can be read (which was reported), else
 * 0. An alias is a node that has been complained of.
 */

#define YAMLREAD_DEPTH_MAX	16	/* maps and lists in one another */

struct yamlread;

enum yamlread_node {
	YAMLREAD_TEXT,
	YAMLREAD_LIST,
	YAMLREAD_MAP,
	YAMLREAD_ALIAS,
};

/* A key of a map. Borrowed. */
struct yamlread_key {
	const char *text;
	int line, column;
};

/* Reads the value of one pair, at whose first event it begins. */
typedef int yamlread_pair(struct yamlread *, const struct yamlread_key *,
    void *arg);

/* Reads one item of a list, or the root. */
typedef int yamlread_item(struct yamlread *, void *arg);

/*
 * Reads the bytes of the named file: root gets the document's root, unless
 * there is none. Complaints go to the report.
 */
void yamlread_file(const char *file, const char *bytes, size_t n,
    yamlread_item *root, void *arg, struct config *report);

enum yamlread_node yamlread_node(const struct yamlread *);

/* Where the node begins, from 1. */
int yamlread_line(const struct yamlread *);
int yamlread_column(const struct yamlread *);

/* Is it a plain text that says that there is nothing ("", ~, null)? */
bool yamlread_is_null(const struct yamlread *);

/*
 * The text of a YAMLREAD_TEXT, borrowed until the next event. NULL, with a
 * complaint that calls it by name, if it is null or holds a NUL.
 */
const char *yamlread_text(struct yamlread *, const char *name);

/* Goes to the end of the node. */
int yamlread_skip(struct yamlread *);

/* Reads a YAMLREAD_MAP, or a YAMLREAD_LIST, with a call for each part. */
int yamlread_map(struct yamlread *, yamlread_pair *, void *arg);
int yamlread_list(struct yamlread *, yamlread_item *, void *arg);

/* An error at a place; at the node, unless it is an alias. */
void yamlread_complain_at(struct yamlread *, int line, int column,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void yamlread_complain(struct yamlread *, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
