/* SPDX-License-Identifier: ISC */
#include "cli/cmd_control.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"
#include "cli/api_call.h"
#include "cli/text.h"

/* New: the answer, or NULL with err set. */
static json_t *
post(const struct args *args, const char *path, long timeout_ms,
    struct err *err)
{
	char *socket = command_socket(args, err);
	json_t *body = NULL;

	if (socket != NULL)
		body = api_call(socket, API_POST, path, timeout_ms, err);
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

static int
run_reload(const struct command *c, const struct args *args)
{
	struct err err = { 0 };
	json_t *body = post(args, "/v1/reload", API_RELOAD_MS, &err);
	int rc;

	(void)c;
	if (body == NULL) {
		if (err.code == ERR_REFUSED)
			err_prefix(&err, "nothing was changed");
		return command_fail(&err);
	}
	rc = print_changes(json_object_get(body, "changes"));
	json_decref(body);
	return rc;
}

const struct command cmd_retry = {
	.name = "retry", .operands = "HOST", .operands_min = 1,
	.operands_max = 1, .options = ARG_API, .run = run_host,
	.summary = "try a waiting or parked host now",
	.help = "The next attempt begins at once instead of when its time "
	    "comes. A host that\nis up is left alone.\n",
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
	.name = "reload", .operands = "", .options = ARG_API,
	.run = run_reload,
	.summary = "read the configuration again and apply what changed",
	.help = "Hosts that did not change keep their connections. If the "
	    "files hold an error,\nnothing changes, the error is printed as "
	    "file:line: why, and the exit code is 1.\n",
};
