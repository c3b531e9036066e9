/* SPDX-License-Identifier: ISC */
#include "cli/cmd_control.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "cli/api_call.h"
#include "cli/json_print.h"
#include "cli/text.h"

/* New: the answer, or NULL with err set. */
static json_t *
post(const struct args *args, const char *path, long timeout_ms,
    struct err *err)
{
	char *socket = command_socket(args, err);
	json_t *body = NULL;

	if (socket != NULL)
		body = api_call(socket, API_POST, path, "", timeout_ms,
		    err);
	free(socket);
	return body;
}

static int
run_host(const struct command *c, const struct args *args)
{
	char *path = api_host_path(args->operands[0], c->name);
	struct err err = { 0 };
	json_t *body = post(args, path, API_CALL_MS, &err);

	free(path);
	if (body == NULL)
		return command_fail(&err);
	json_decref(body);
	return EXIT_FINE;
}

/* "hosts: 1 added, 3 kept": the numbers that aren't 0. */
static int
print_changes(json_t *changes)
{
	json_t *number;
	const char *what;
	struct str line;
	int rc;

	str_init(&line);
	/* jansson iterates in the order in which the answer was written. */
	json_object_foreach(changes, what, number) {
		if (json_integer_value(number) <= 0)
			continue;
		str_printf(&line, "%s%lld ", line.len > 0 ? ", " : "hosts: ",
		    (long long)json_integer_value(number));
		text_append_clean(&line, what);
	}
	str_append(&line, line.len > 0 ? "\n" : "no hosts\n");
	rc = command_print(line.p);
	str_fini(&line);
	return rc;
}

/* The plan's lines, each made safe. */
static int
print_plan(const char *text)
{
	struct str out;
	int rc;

	str_init(&out);
	for (; *text != '\0'; text += strspn(text, "\n")) {
		size_t n = strcspn(text, "\n");
		char *line = str_dupf("%.*s", (int)n, text);

		text_append_clean(&out, line);
		str_append(&out, "\n");
		free(line);
		text += n;
	}
	rc = command_print(out.p != NULL ? out.p : "");
	str_fini(&out);
	return rc;
}

static int
run_reload(const struct command *c, const struct args *args)
{
	struct err err = { 0 };
	char *path = str_dupf("/v1/reload?dry_run=%d&force=%d",
	    args->seen[ARG_DRY_RUN], args->seen[ARG_FORCE]);
	json_t *body = post(args, path, API_RELOAD_MS, &err);
	const char *plan;
	int rc = EXIT_FINE;

	(void)c;
	free(path);
	if (body == NULL) {
		if (err.code == ERR_REFUSED)
			err_prefix(&err, "nothing was changed");
		return command_fail(&err);
	}
	plan = json_string_value(json_object_get(body, "text"));
	if (args->seen[ARG_JSON])
		rc = json_print(body);
	else if (plan != NULL)
		rc = print_plan(plan);
	if (rc == EXIT_FINE && !args->seen[ARG_JSON])
		rc = print_changes(json_object_get(body, "changes"));
	json_decref(body);
	return rc;
}

const struct command cmd_retry = {
	.name = "retry", .operands = "HOST", .operands_min = 1,
	.operands_max = 1, .options = ARG_API, .run = run_host,
	.summary = "try a waiting or parked host now",
	.help = "The next attempt begins at once instead of when its time "
	    "comes. Of a host that\nis up, the forwards that wait are "
	    "tried now.\n",
};

const struct command cmd_up = {
	.name = "up", .operands = "HOST", .operands_min = 1,
	.operands_max = 1, .options = ARG_API, .run = run_host,
	.summary = "run a host that was taken down",
	.help = "Undoes `hawser down HOST`, and runs a host that has "
	    "HawserEnabled no until\nhawserd ends.\n",
};

const struct command cmd_down = {
	.name = "down", .operands = "HOST", .operands_min = 1,
	.operands_max = 1, .options = ARG_API, .run = run_host,
	.summary = "end a host's connection and keep it down",
	.help = "Its forwards are cancelled and its local ports refuse "
	    "clients, until\n`hawser up HOST` or until hawserd ends.\n",
};

const struct command cmd_reload = {
	.name = "reload", .operands = "", .options = ARG_API |
	    ARG_BIT(ARG_DRY_RUN) | ARG_BIT(ARG_FORCE) | ARG_BIT(ARG_JSON),
	.run = run_reload,
	.summary = "read the configuration again and apply what changed",
	.help = "Hosts that did not change keep their connections. If the "
	    "files hold an error,\nnothing changes, the error is printed as "
	    "file:line: why, and the exit code is 1.\n\nThe same if a file "
	    "looks half-written: it is there but all of its hosts are\n"
	    "gone, or its last line lost its end. --force applies it all the "
	    "same.\n\n--dry-run prints for each host that is not kept what "
	    "would become of it: add,\nremove, replace (a new connection "
	    "takes over) or live (the connection stays),\nwith the keywords "
	    "and forwards that change.\n",
};
