/* SPDX-License-Identifier: ISC */
#include "config/command.h"

#include <strings.h>

#include "base/str.h"
#include "config/report.h"

char *
command_build(const struct resolution *r, enum keyword_id id,
    struct config *report)
{
	const struct entry *e = resolution_entry(r, id);
	const char *text = e != NULL ? e->value.texts[0] : "none";
	const char *keyword = keyword_get(id)->name;
	struct err err;
	char *line;

	if (strcasecmp(text, "none") == 0)
		return str_dup("");
	if (!resolve_is_clean_name(r->host)) {
		report_add(report, SEVERITY_ERROR, e->file, e->line,
		    "%s: the HostName \"%s\" holds a character that a shell "
		    "would act upon", keyword, r->host);
		return str_dup("");
	}
	line = expand_tokens(text, COMMAND_TOKENS, &r->tokens, &err);
	if (line != NULL)
		return line;
	report_add(report, SEVERITY_ERROR, e->file, e->line, "%s: %s",
	    keyword, err.text);
	return str_dup("");
}
