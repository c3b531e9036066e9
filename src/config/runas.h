/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CONFIG_RUNAS_H
#define HAWSER_CONFIG_RUNAS_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

/* runas: the user that hawserd is to be, as the user database knows it. */
struct runas {
	char *name;		/* NULL: none was named */
	char *home;
	uid_t uid;
	gid_t gid;
	bool has_group;		/* gid was asked for: it isn't just its own */
};

/*
 * Looks a user up, with its own group; runas_fini() frees it. 0, or -1 with
 * ERR_NOTFOUND.
 */
int runas_find(struct runas *out, const char *name, struct err *);

/* Are we this user already, with the group that was asked for? */
bool runas_is_us(const struct runas *);

void runas_fini(struct runas *);

#endif
