/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CONFIG_RESOLVE_H
#define HAWSER_CONFIG_RESOLVE_H

#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"
#include "config/document.h"
#include "config/expand.h"
#include "config/keyword.h"
#include "config/match.h"

/*
 * resolve: which lines of the documents hold for one name. The first value
 * wins, or all count, as the keyword's row says. No I/O of its own.
 */

/* The lines that hold for one keyword; borrowed from the documents. */
struct setting {
	const struct entry **entries;
	size_t count;
	bool general;		/* the first is in a block for many names */
};

/* A line for just this name that a line for many names has made idle. */
struct shadow {
	const struct entry *idle, *winner;
};

struct resolution {
	char *name;			/* as it was asked for */
	char *host;			/* HostName, or name; lower case */
	char *port;			/* decimal */
	char *user;
	char *alias;			/* HostKeyAlias, or name */
	char *jump;			/* the last hop's name, or "" */
	struct setting settings[KEYWORD_COUNT];
	struct shadow *shadows;
	size_t shadow_count;
	struct expand_tokens tokens;	/* borrows from this struct */
};

/* Documents and what evaluation needs; borrows everything. */
struct resolve_source {
	const struct document_list *documents;	/* in order of precedence */
	const struct expand_user *user;
	bool (*is_local)(const char *networks);
	int (*exec)(void *arg, const char *command, struct err *);
	void *exec_arg;
	const char *given_user;		/* like ssh -l: goes first; or NULL */
	const char *given_port;		/* like ssh -p: decimal; or NULL */
};

/*
 * Fills a zeroed out, which resolution_fini() frees. What is wrong (an unknown
 * keyword, a token that can't be expanded) goes to the report as an error: 0,
 * or -1 if there was any.
 */
int resolve_name(const struct resolve_source *, const char *name,
    struct resolution *out, struct config *report);

void resolution_fini(struct resolution *);

/*
 * A host's name that ssh would take too: no shell acts upon it, should it get
 * there through a token, and it isn't an option.
 */
bool resolve_is_clean_name(const char *name);

/* The first line that holds, or NULL. */
const struct entry *resolution_entry(const struct resolution *,
    enum keyword_id);

/* Its first text, or hawser's default; NULL if there is neither. */
const char *resolution_text(const struct resolution *, enum keyword_id);

/* Is it a flag that is set, by a line or by default? */
bool resolution_flag(const struct resolution *, enum keyword_id);

#endif
