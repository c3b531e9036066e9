/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CONFIG_MATCH_H
#define HAWSER_CONFIG_MATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "config/expand.h"

/*
 * match: for which hosts a block holds: the patterns of Host and the criteria
 * of Match, as ssh_config(5) says. Pure, but for what its caller lends it.
 */

enum match_kind {
	MATCH_ALL, MATCH_CANONICAL, MATCH_FINAL, MATCH_HOST,
	MATCH_ORIGINALHOST, MATCH_USER, MATCH_LOCALUSER, MATCH_TAGGED,
	MATCH_LOCALNETWORK, MATCH_EXEC, MATCH_VERSION, MATCH_SESSIONTYPE,
	MATCH_COMMAND,
	MATCH_KIND_COUNT
};

struct match_criterion {
	enum match_kind kind;
	bool negated;
	char *argument;		/* NULL for all, canonical and final */
};

struct match {
	struct match_criterion *criteria;
	size_t count;
};

/* What the criteria are held against. Borrows everything. */
struct match_subject {
	const char *host;	/* the HostName as far as it is known */
	const char *original;	/* the name that was asked for */
	const char *user;
	const char *local_user;
	const char *tag;	/* "" without Tag */
	bool final;		/* this is the second pass */
	struct expand_tokens tokens;	/* for exec */
	/* Is one of these "address/bits" (or patterns) ours? */
	bool (*is_local)(const char *networks);
	/* Runs a command: does it exit with 0? -1 with err set: not run. */
	int (*exec)(void *arg, const char *command, struct err *);
	void *exec_arg;
};

/*
 * Parses the words behind the keyword Match: "criterion argument" or
 * "criterion=argument", "!" before it negates. Fills a zeroed out, which
 * match_fini() frees, also after failure. 0, or -1 with ERR_INPUT.
 */
int match_parse(struct match *out, char *const *words, size_t count,
    struct err *);
void match_fini(struct match *);

/* Does a criterion ask for the second pass? */
bool match_wants_final(const struct match *);

/* 1 if all hold, 0 if not; -1 with err set if a command could not be run. */
int match_holds(const struct match *, const struct match_subject *,
    struct err *);

/* Do the patterns of a Host line ("!" negates) hold for name? */
bool match_host_line(char *const *patterns, size_t count, const char *name);

/*
 * Does the comma-separated list of patterns hold for text? A "!" pattern that
 * matches beats all others. With lower, the patterns are lower-cased first.
 */
bool match_list(const char *text, const char *patterns, bool lower);

#endif
