/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CONFIG_INICONF_H
#define HAWSER_CONFIG_INICONF_H

#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"
#include "config/document.h"

/*
 * iniconf: hawser.ini. Bytes in, settings out: no I/O.
 *
 *	[supervisor]	log_level log_format inherit_ssh_config match_exec
 *			user group
 *	[api]		group
 *	[defaults]	keywords (snake.h) and their values (scalar.h)
 *
 * Names stand once; ";" and "#" begin comments; a value is never continued in
 * the next line.
 */

#define INICONF_SIZE_MAX	(1024 * 1024)	/* bytes of the file */

enum iniconf_exec {
	INICONF_EXEC_USUAL,	/* Match exec: not as root */
	INICONF_EXEC_YES,
	INICONF_EXEC_NO,
};

/* A name that has to be looked up, and where it stands. */
struct iniconf_name {
	char *text;			/* NULL: none was given */
	int line, column;
};

struct iniconf {
	struct settings settings;	/* without the group */
	struct iniconf_name user;	/* as whom hawserd runs */
	struct iniconf_name group;	/* instead of that user's; or NULL */
	struct iniconf_name api_group;
	bool inherit;			/* do ssh's own files lend values? */
	enum iniconf_exec match_exec;
	struct document *defaults;	/* a BLOCK_TOP */
};

/* What holds where there is no hawser.ini; without defaults. */
struct iniconf iniconf_usual(void);

/*
 * What n bytes of the named file (copied) say; iniconf_fini() frees it. All
 * that is wrong goes to the report with line and column, and is left out.
 */
struct iniconf iniconf_parse(const char *file, const char *bytes, size_t n,
    struct config *report);

void iniconf_fini(struct iniconf *);

#endif
