/* SPDX-License-Identifier: ISC */
#include "cli/cmd_status.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "cli/api_call.h"
#include "cli/json_print.h"
#include "cli/status_table.h"
#include "cli/term.h"

static const char *
name_of(const json_t *host)
{
	const char *name = json_string_value(json_object_get(host, "name"));

	return name != NULL ? name : "";
}

/* The host of that name in status, or NULL with err set. Borrowed. */
static json_t *
find(const json_t *status, const char *name, struct err *err)
{
	json_t *hosts = json_object_get(status, "hosts"), *host;
	size_t count = json_array_size(hosts), i;
	const char **names = mem_alloc(count * sizeof(*names)), *near;

	json_array_foreach(hosts, i, host) {
		names[i] = name_of(host);
		if (strcmp(names[i], name) == 0) {
			free(names);
			return host;
		}
	}
	near = str_nearest(name, names, count);
	if (near != NULL)
		err_set(err, ERR_NOTFOUND, "no host %s (did you mean %s?)",
		    name, near);
	else
		err_set(err, ERR_NOTFOUND, "no host %s", name);
	free(names);
	return NULL;
}

/*
 * Leaves only the named hosts in status, in the order of the names. 0, or -1
 * with err set if one isn't there.
 */
static int
keep(json_t *status, const struct args *args, struct err *err)
{
	json_t *kept = json_array();

	for (size_t i = 0; i < args->operand_count; i++) {
		json_t *host = find(status, args->operands[i], err);

		if (host == NULL) {
			json_decref(kept);
			return -1;
		}
		json_array_append(kept, host);
	}
	json_object_set_new(status, "hosts", kept);
	return 0;
}

/*
 * Is all well? A host that was asked for by name must be up; among all hosts
 * those that shall not run don't count.
 */
static bool
all_up(const json_t *status, bool named)
{
	const json_t *host;
	size_t i;

	json_array_foreach(json_object_get(status, "hosts"), i, host) {
		const char *state =
		    json_string_value(json_object_get(host, "state"));

		if (!named && str_equal(state, "disabled"))
			continue;
		if (!str_equal(state, "up"))
			return false;
	}
	return true;
}

static int
print_table(const json_t *status)
{
	const char *error = json_string_value(json_object_get(
	    json_object_get(status, "config"), "error"));
	struct err err = { 0 };
	struct str out;
	int rc;

	str_init(&out);
	if (json_array_size(json_object_get(status, "hosts")) > 0)
		status_table(status, clock_wall_ms(),
		    term_wants_colour(STDOUT_FILENO), &out);
	else
		str_append(&out, "hawserd runs, but no host in its "
		    "configuration has a forward\n");
	rc = command_print(out.p);
	str_fini(&out);
	if (error != NULL) {
		err_set(&err, ERR_INPUT, "the files were not applied, what "
		    "ran before runs on: %s", error);
		command_fail(&err);
	}
	return rc;
}

static int
run_status(const struct command *c, const struct args *args)
{
	struct err err = { 0 };
	char *socket = command_socket(args, &err);
	json_t *status = NULL;
	int rc;

	(void)c;
	if (socket != NULL)
		status = api_call(socket, API_GET, "/v1/status", "",
		    API_CALL_MS, &err);
	free(socket);
	if (status == NULL ||
	    (args->operand_count > 0 && keep(status, args, &err) == -1)) {
		rc = command_fail(&err);
	} else {
		rc = args->seen[ARG_JSON] ? json_print(status) :
		    print_table(status);
		if (rc == EXIT_FINE &&
		    !all_up(status, args->operand_count > 0))
			rc = EXIT_NO;
	}
	json_decref(status);
	return rc;
}

const struct command cmd_status = {
	.name = "status", .operands = "[HOST...]", .operands_max = SIZE_MAX,
	.options = ARG_API | ARG_BIT(ARG_JSON), .run = run_status,
	.summary = "show hosts and forwards, their states and why",
	.help = "One line for each host, one indented line for each of its "
	    "forwards. The exit\ncode is 0 if all of them are up and 1 if one "
	    "is not; hosts that are disabled\ncount only if they are named.\n",
};
