/* SPDX-License-Identifier: ISC */
#include "cli/cmd_control.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"
#include "cli/api_call.h"

static int
post(const struct args *args, const char *path, long timeout_ms,
    struct err *err)
{
	char *socket = command_socket(args, err);
	json_t *body = NULL;

	if (socket != NULL)
		body = api_call(socket, API_POST, path, timeout_ms, err);
	free(socket);
	if (body == NULL)
		return -1;
	json_decref(body);
	return 0;
}

static int
run_host(const struct command *c, const struct args *args)
{
	char *path = api_host_path(args->operands[0], c->name);
	struct err err = { 0 };
	int rc = post(args, path, API_CALL_MS, &err);

	free(path);
	return rc == 0 ? EXIT_FINE : command_fail(&err);
}

static int
run_reload(const struct command *c, const struct args *args)
{
	struct err err = { 0 };

	(void)c;
	if (post(args, "/v1/reload", API_RELOAD_MS, &err) == 0)
		return EXIT_FINE;
	if (err.code == ERR_REFUSED)
		err_prefix(&err, "nothing was changed");
	return command_fail(&err);
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
