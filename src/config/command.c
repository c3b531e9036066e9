/* SPDX-License-Identifier: ISC */
#include "config/command.h"

#include <stdlib.h>
#include <strings.h>

#include "base/str.h"
#include "config/report.h"

/* New: %P has its own time: until then another byte stands for it. */
static char *
keep_port(const char *text)
{
	char *copy = str_dup(text), *to = copy;

	for (const char *p = text; *p != '\0'; p++) {
		if (p[0] == '%' && p[1] == 'P') {
			*to++ = HOST_TAKEOVER_PORT;
			p++;
			continue;
		}
		if (p[0] == '%' && p[1] != '\0')
			*to++ = *p++;
		*to++ = *p;
	}
	*to = '\0';
	return copy;
}

char *
command_build(const struct resolution *r, enum keyword_id id,
    struct config *report)
{
	const struct entry *e = resolution_entry(r, id);
	const char *text = e != NULL ? e->value.texts[0] : "none";
	const char *keyword = keyword_get(id)->name;
	struct err err;
	char *line, *copy;

	if (strcasecmp(text, "none") == 0)
		return str_dup("");
	if (!resolve_is_clean_name(r->host)) {
		document_complain(report, SEVERITY_ERROR, e,
		    "%s: the HostName \"%s\" holds a character that a shell "
		    "would act upon", keyword, r->host);
		return str_dup("");
	}
	copy = id == KW_HAWSERTAKEOVER ? keep_port(text) : str_dup(text);
	line = expand_tokens(copy, COMMAND_TOKENS, &r->tokens, &err);
	free(copy);
	if (line != NULL)
		return line;
	document_complain(report, SEVERITY_ERROR, e, "%s: %s",
	    keyword, err.text);
	return str_dup("");
}
