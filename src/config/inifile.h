/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CONFIG_INIFILE_H
#define HAWSER_CONFIG_INIFILE_H

#include "config/iniconf.h"
#include "config/runas.h"

/* inifile: the hawser.ini of a folder, with the names in it looked up. */
struct inifile {
	char *path;
	struct iniconf ini;	/* its settings with the group */
	struct runas user;	/* with [supervisor]'s group, if it has one */
};

/*
 * Reads it (a missing one says nothing); inifile_fini() frees it. All that is
 * wrong goes to the report, and is left out.
 */
void inifile_load(struct inifile *out, const char *dir, struct config *report);

void inifile_fini(struct inifile *);

#endif
