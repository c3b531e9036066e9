/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CONFIG_TREE_H
#define HAWSER_CONFIG_TREE_H

#include <stddef.h>

#include "config/config.h"
#include "config/document.h"
#include "config/expand.h"
#include "config/iniconf.h"
#include "config/resolve.h"

/*
 * tree: the documents of a source, with all that they include. A folder's
 * conf.d comes first, in the order of names: its YAML files' hosts, then the
 * files in ssh_config syntax. Then ssh's own files lend values (~/.ssh/config,
 * /etc/ssh/ssh_config), but no forwards, unless hawser.ini has something
 * against it. Then come the defaults of YAML and of hawser.ini. A file (-F)
 * stands alone, as it does for ssh.
 */

#define TREE_DEPTH_MAX	16	/* Includes within Includes */
#define TREE_FILES_MAX	20000	/* read by one load; a file may count twice */

struct tree {
	struct document_list documents;
	struct expand_user user;
	struct settings settings;
	enum iniconf_exec match_exec;
};

/*
 * Fills a zeroed out, which tree_fini() frees, also after failure. What can't
 * be read goes to the report. 0, or -1 if it isn't known who we are.
 */
int tree_load(struct tree *out, const struct config_source *,
    struct config *report);

void tree_fini(struct tree *);

/* What resolving in this tree needs; borrows from it. */
struct resolve_source tree_source(const struct tree *);

#endif
