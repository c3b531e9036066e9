/* SPDX-License-Identifier: ISC */
#include "cli/cmd_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/endpoint.h"
#include "base/forward.h"
#include "base/str.h"
#include "cli/check_json.h"
#include "cli/complaints.h"
#include "cli/json_print.h"
#include "cli/table.h"
#include "cli/term.h"
#include "config/config.h"
#include "config/report.h"

static void
endpoint_cell(struct table *t, const char *before, const struct endpoint *e)
{
	struct str s;

	str_init(&s);
	str_append(&s, before);
	endpoint_format(e, &s);
	table_cell(t, TINT_NONE, s.p);
	str_fini(&s);
}

static void
origin_cell(struct table *t, const char *file, int line, int column)
{
	char *where = report_place(file, line, column);

	table_cell(t, TINT_FAINT, where);
	free(where);
}

static void
forward_row(struct table *t, const struct host *h, size_t i)
{
	const struct forward *f = &h->forwards[i];

	table_row(t, 2);
	table_cell(t, TINT_NONE, f->id);
	table_cell(t, TINT_NONE, forward_kind_name(f->kind));
	if (f->target.kind != ENDPOINT_NONE)
		endpoint_cell(t, "to ", &f->target);
	else
		table_cell(t, TINT_NONE, "SOCKS");
	origin_cell(t, h->forward_origins[i].file, h->forward_origins[i].line,
	    h->forward_origins[i].column);
}

static void
host_row(struct table *t, const struct host *h)
{
	struct endpoint server = { .kind = ENDPOINT_TCP, .host = h->hostname,
	    .port = h->port };
	char *user = str_dupf("%s@", h->user != NULL ? h->user : "");

	table_row(t, 0);
	table_cell(t, TINT_HEAD, h->name);
	table_cell(t, h->enabled ? TINT_NONE : TINT_FAINT,
	    h->enabled ? "runs" : "disabled");
	endpoint_cell(t, h->user != NULL ? user : "", &server);
	origin_cell(t, h->file, h->line, 0);
	free(user);
}

static int
print_hosts(const struct config *config)
{
	struct table *t = table_new(4);
	struct str out;
	int rc;

	for (size_t i = 0; i < config->host_count; i++) {
		const struct host *h = &config->hosts[i];

		host_row(t, h);
		for (size_t j = 0; j < h->forward_count; j++)
			forward_row(t, h, j);
	}
	str_init(&out);
	table_print(t, term_wants_colour(STDOUT_FILENO), &out);
	table_free(t);
	rc = command_print(out.p != NULL ? out.p : "");
	str_fini(&out);
	return rc;
}

static void
print_sum(const struct config *config)
{
	size_t forwards = 0, errors = 0, warnings = 0;

	for (size_t i = 0; i < config->host_count; i++)
		forwards += config->hosts[i].forward_count;
	for (size_t i = 0; i < config->diagnostic_count; i++) {
		if (config->diagnostics[i].severity == SEVERITY_ERROR)
			errors++;
		if (config->diagnostics[i].severity == SEVERITY_WARNING)
			warnings++;
	}
	fprintf(stderr, "hosts: %zu, forwards: %zu", config->host_count,
	    forwards);
	if (errors > 0)
		fprintf(stderr, ", errors: %zu", errors);
	if (warnings > 0)
		fprintf(stderr, ", warnings: %zu", warnings);
	fprintf(stderr, "\n");
}

static int
print_json(const struct config *config)
{
	json_t *j = check_json(config);
	int rc = json_print(j);

	json_decref(j);
	return rc;
}

static int
print_text(const struct config *config)
{
	int rc = print_hosts(config);

	complaints_print(config);
	print_sum(config);
	return rc;
}

static int
run_check(const struct command *c, const struct args *args)
{
	char *path = args->operand_count > 0 ? str_dup(args->operands[0]) :
	    config_default_dir();
	struct config_source source = { 0 };
	struct config *config;
	struct stat st;
	int rc;

	(void)c;
	/* What can't be looked at is a folder; loading says what is wrong. */
	if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode))
		source.file = path;
	else
		source.dir = path;
	config = config_load(&source);
	rc = args->seen[ARG_JSON] ? print_json(config) : print_text(config);
	if (config_has_errors(config))
		rc = EXIT_NO;
	config_free(config);
	free(path);
	return rc;
}

const struct command cmd_check = {
	.name = "check", .operands = "[DIR|FILE]", .operands_max = 1,
	.options = ARG_BIT(ARG_JSON), .run = run_check,
	.summary = "read the configuration without running anything",
	.help = "Lists every host and forward that would run, then everything "
	    "that is wrong or\ndoubtful, as file:line: why. DIR is a folder "
	    "as hawserd -c takes it, FILE one\nfile as hawserd -F takes it; "
	    "without either it is the folder that hawserd would\nread. The "
	    "exit code is 1 if there is an error.\n\nWith --json all of it is "
	    "one object: \"ok\" is false if there is an error, \"hosts\"\n"
	    "have their \"forwards\", \"diagnostics\" have \"severity\", "
	    "\"file\", \"line\",\n\"column\" (0 if unknown) and "
	    "\"text\".\n",
};
