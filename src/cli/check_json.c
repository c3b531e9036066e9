/* SPDX-License-Identifier: ISC */
#include "cli/check_json.h"

#include "base/endpoint.h"
#include "base/forward.h"
#include "base/str.h"
#include "cli/text.h"

static json_t *
text_or_null(const char *text)
{
	json_t *j = text != NULL ? json_string(text) : json_null();
	struct str clean;

	if (j != NULL)
		return j;
	str_init(&clean);
	text_append_clean(&clean, text);
	j = json_string(clean.p);
	str_fini(&clean);
	return j;
}

static json_t *
endpoint_text(const struct endpoint *e)
{
	struct str s;
	json_t *j;

	if (e->kind == ENDPOINT_NONE)
		return json_null();
	str_init(&s);
	endpoint_format(e, &s);
	j = text_or_null(s.p);
	str_fini(&s);
	return j;
}

static json_t *
put_host(const struct host *h)
{
	json_t *forwards = json_array();

	for (size_t i = 0; i < h->forward_count; i++) {
		const struct forward *f = &h->forwards[i];
		const struct origin *o = &h->forward_origins[i];

		json_array_append_new(forwards, json_pack(
		    "{s:o, s:s, s:o, s:o, s:o, s:i, s:i}",
		    "id", text_or_null(f->id),
		    "kind", forward_kind_name(f->kind),
		    "listen", endpoint_text(&f->listen),
		    "target", endpoint_text(&f->target),
		    "file", text_or_null(o->file), "line", o->line,
		    "column", o->column));
	}
	return json_pack("{s:o, s:o, s:i, s:b, s:o, s:i, s:o, s:o}",
	    "name", text_or_null(h->name),
	    "file", text_or_null(h->file), "line", h->line,
	    "enabled", h->enabled,
	    "hostname", text_or_null(h->hostname), "port", (int)h->port,
	    "user", text_or_null(h->user),
	    "forwards", forwards);
}

static json_t *
put_diagnostic(const struct diagnostic *d)
{
	return json_pack("{s:s, s:o, s:i, s:i, s:o}",
	    "severity", severity_name(d->severity),
	    "file", text_or_null(d->file), "line", d->line,
	    "column", d->column, "text", text_or_null(d->text));
}

json_t *
check_json(const struct config *c)
{
	json_t *hosts = json_array(), *diagnostics = json_array();

	for (size_t i = 0; i < c->host_count; i++)
		json_array_append_new(hosts, put_host(&c->hosts[i]));
	for (size_t i = 0; i < c->diagnostic_count; i++)
		json_array_append_new(diagnostics,
		    put_diagnostic(&c->diagnostics[i]));
	return json_pack("{s:b, s:o, s:o}", "ok", !config_has_errors(c),
	    "hosts", hosts, "diagnostics", diagnostics);
}
