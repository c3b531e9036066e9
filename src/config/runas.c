/* SPDX-License-Identifier: ISC */
#include "config/runas.h"

#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/str.h"

int
runas_find(struct runas *out, const char *name, struct err *err)
{
	const struct passwd *pw = getpwnam(name);

	if (pw == NULL)
		return err_set(err, ERR_NOTFOUND, "there is no user \"%s\"",
		    name);
	*out = (struct runas){ .name = str_dup(pw->pw_name),
	    .home = str_dup(pw->pw_dir), .uid = pw->pw_uid,
	    .gid = pw->pw_gid };
	return 0;
}

bool
runas_is_us(const struct runas *r)
{
	return r->uid == getuid() && (!r->has_group || r->gid == getgid());
}

void
runas_fini(struct runas *r)
{
	free(r->name);
	free(r->home);
	*r = (struct runas){ 0 };
}
