/* SPDX-License-Identifier: ISC */
#include "config/config.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "config/host.h"

void
config_free(struct config *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < c->host_count; i++)
		host_fini(&c->hosts[i]);
	free(c->hosts);
	for (size_t i = 0; i < c->diagnostic_count; i++) {
		free(c->diagnostics[i].file);
		free(c->diagnostics[i].text);
	}
	free(c->diagnostics);
	for (size_t i = 0; i < c->file_count; i++)
		free(c->files[i].path);
	free(c->files);
	free(c);
}

bool
config_has_errors(const struct config *c)
{
	for (size_t i = 0; i < c->diagnostic_count; i++)
		if (c->diagnostics[i].severity == SEVERITY_ERROR)
			return true;
	return false;
}

char *
config_first_error(const struct config *c)
{
	for (size_t i = 0; i < c->diagnostic_count; i++)
		if (c->diagnostics[i].severity == SEVERITY_ERROR) {
			struct str s;

			str_init(&s);
			diagnostic_format(&c->diagnostics[i], &s);
			return str_take(&s);
		}
	return NULL;
}

const char *
severity_name(enum severity severity)
{
	static const char *const names[] = {
		[SEVERITY_ERROR] = "error",
		[SEVERITY_WARNING] = "warning",
		[SEVERITY_NOTE] = "note",
	};

	return names[severity];
}

void
diagnostic_format(const struct diagnostic *d, struct str *out)
{
	if (d->file != NULL)
		str_printf(out, "%s:", d->file);
	if (d->file != NULL && d->line > 0)
		str_printf(out, "%d:", d->line);
	if (d->file != NULL && d->line > 0 && d->column > 0)
		str_printf(out, "%d:", d->column);
	str_printf(out, "%s%s: %s", d->file != NULL ? " " : "",
	    severity_name(d->severity), d->text);
}

const struct host *
config_find(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->host_count; i++)
		if (strcmp(c->hosts[i].name, name) == 0)
			return &c->hosts[i];
	return NULL;
}

char *
config_default_dir(void)
{
	const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	struct passwd *pw;

	if (getuid() == 0)
		return str_dup(HAWSER_SYSCONFDIR);
	if (xdg != NULL && *xdg == '/')
		return str_dupf("%s/hawser", xdg);
	if ((home == NULL || *home != '/') &&
	    (pw = getpwuid(getuid())) != NULL)
		home = pw->pw_dir;
	return str_dupf("%s/.config/hawser", home != NULL ? home : "");
}
