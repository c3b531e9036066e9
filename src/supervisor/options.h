/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SUPERVISOR_OPTIONS_H
#define HAWSER_SUPERVISOR_OPTIONS_H

#include <stdbool.h>

#include "base/err.h"

/* options: hawserd's command line, and the paths that follow from it. */
struct options {
	char *config_dir;	/* exactly one of this and config_file is set */
	char *config_file;
	char *socket;
	char *worker;
	char *user;		/* whom root's hawserd becomes; NULL: unsaid */
	bool verbose;
	bool daemon;
};

enum options_verdict {
	OPTIONS_RUN,
	OPTIONS_DONE,		/* help or the version was printed: exit 0 */
	OPTIONS_USAGE,		/* a complaint was printed: exit 2 */
};

/*
 * Parses the command line into a zeroed out, with defaults filled in. -1 with
 * err set if a default cannot be found; else 0 and *verdict.
 */
int options_parse(struct options *out, int argc, char **argv,
    enum options_verdict *verdict, struct err *);

/* Makes every path absolute: for who leaves the current folder. */
int options_make_absolute(struct options *, struct err *);

void options_fini(struct options *);

#endif
