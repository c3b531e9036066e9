/* SPDX-License-Identifier: ISC */
#include "config/inifile.h"

#include <grp.h>
#include <stdlib.h>

#include "base/str.h"
#include "config/report.h"
#include "config/settle.h"

/* True with *gid set, if a group was named and exists. */
static bool
find_group(const struct inifile *f, const struct iniconf_name *name,
    gid_t *gid, struct config *report)
{
	const struct group *group;

	if (name->text == NULL)
		return false;
	if ((group = getgrnam(name->text)) == NULL) {
		report_add_at(report, SEVERITY_ERROR, f->path, name->line,
		    name->column, "there is no group \"%s\"", name->text);
		return false;
	}
	*gid = group->gr_gid;
	return true;
}

static void
find_user(struct inifile *f, struct config *report)
{
	const struct iniconf_name *name = &f->ini.user;
	struct err err;

	if (name->text == NULL)
		return;
	if (runas_find(&f->user, name->text, &err) == -1) {
		report_add_at(report, SEVERITY_ERROR, f->path, name->line,
		    name->column, "%s", err.text);
		return;
	}
	f->user.has_group = find_group(f, &f->ini.group, &f->user.gid,
	    report);
}

void
inifile_load(struct inifile *out, const char *dir, struct config *report)
{
	struct settings *s = &out->ini.settings;
	struct err err;
	char *text;
	size_t n;

	*out = (struct inifile){ .path = str_dupf("%s/hawser.ini", dir),
	    .ini = iniconf_usual() };
	text = settle_read(report, out->path, INICONF_SIZE_MAX, &n, &err);
	if (text != NULL)
		out->ini = iniconf_parse(out->path, text, n, report);
	else if (err.code != ERR_NOTFOUND)
		report_add(report, SEVERITY_ERROR, out->path, 0, "%s",
		    err.text);
	free(text);
	find_user(out, report);
	s->has_api_group = find_group(out, &out->ini.api_group, &s->api_gid,
	    report);
}

void
inifile_fini(struct inifile *f)
{
	free(f->path);
	iniconf_fini(&f->ini);
	runas_fini(&f->user);
	*f = (struct inifile){ 0 };
}
