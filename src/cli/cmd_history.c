/* SPDX-License-Identifier: ISC */
#include "cli/cmd_history.h"

#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "cli/api_call.h"
#include "cli/history_table.h"
#include "cli/json_print.h"
#include "cli/term.h"

#define AGO_MAX	4000		/* days; the ledger has 400 */

/* "30m", "12h", "7d", "2w" ago, or a time. 0, or -1 with err set. */
static int
parse_since(const char *text, int64_t now_ms, int64_t *out, struct err *err)
{
	static const struct {
		char letter;
		int64_t ms;
	} units[] = { { 'm', 60000 }, { 'h', 3600000 }, { 'd', 86400000 },
	    { 'w', 7 * (int64_t)86400000 } };
	char *end;
	long n = strtol(text, &end, 10);

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (end != text && end[0] == units[i].letter &&
		    end[1] == '\0' && n >= 0 &&
		    n <= AGO_MAX * INT64_C(86400000) / units[i].ms) {
			*out = now_ms - n * units[i].ms;
			return 0;
		}
	if (clock_parse(out, text, NULL) == 0)
		return 0;
	return err_set(err, ERR_INPUT, "--since takes a span like 90m, 12h, 7d "
	    "or 2w, or a time like 2026-11-20T06:46:51Z, not %s", text);
}

/* New, or NULL with err set. */
static char *
make_path(const struct args *args, struct err *err)
{
	const char *since = args->value[ARG_SINCE];
	int64_t from, now = clock_wall_ms();
	char text[CLOCK_TEXT_SIZE];
	struct str path = { 0 };

	if (parse_since(since != NULL ? since : "7d", now, &from, err) == -1)
		return NULL;
	clock_format(text, sizeof(text), from);
	str_printf(&path, "/v1/history?since=%s", text);
	if (args->operand_count > 0) {
		str_append(&path, "&host=");
		api_encode(&path, args->operands[0]);
	}
	return str_take(&path);
}

static int
print_table(const json_t *history)
{
	struct str out = { 0 };
	int rc;

	history_table(history, term_wants_colour(STDOUT_FILENO), &out);
	rc = command_print(out.p);
	str_fini(&out);
	return rc;
}

static int
run_history(const struct command *c, const struct args *args)
{
	struct err err = { 0 };
	char *path = make_path(args, &err), *socket;
	json_t *history = NULL;
	int rc;

	(void)c;
	if (path == NULL) {
		command_fail(&err);
		return EXIT_USAGE;
	}
	if ((socket = command_socket(args, &err)) != NULL)
		history = api_call(socket, API_GET, path, "", API_CALL_MS,
		    &err);
	free(socket);
	free(path);
	if (history == NULL)
		return command_fail(&err);
	rc = args->seen[ARG_JSON] ? json_print(history) :
	    print_table(history);
	json_decref(history);
	return rc;
}

const struct command cmd_history = {
	.name = "history", .operands = "[HOST]", .operands_max = 1,
	.options = ARG_API | ARG_BIT(ARG_SINCE) | ARG_BIT(ARG_JSON),
	.run = run_history,
	.summary = "show the outages, and how much was up",
	.help = "The outages of the last 7 days, or those that lasted since, "
	    "the newest at the\nend; then, for each host and forward, how "
	    "much of the last 24 hours, 7 and 30\ndays it was up. Time in "
	    "which hawserd did not run counts neither way.\n",
};
