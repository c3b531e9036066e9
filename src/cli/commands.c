/* SPDX-License-Identifier: ISC */
#include "cli/commands.h"

#include <stdio.h>
#include <string.h>

#include "cli/cmd_check.h"
#include "cli/cmd_control.h"
#include "cli/cmd_events.h"
#include "cli/cmd_history.h"
#include "cli/cmd_hostkey.h"
#include "cli/cmd_show.h"
#include "cli/cmd_status.h"
#include "cli/cmd_wait.h"

const struct command *const commands[COMMAND_COUNT] = {
	&cmd_status, &cmd_history, &cmd_events, &cmd_wait, &cmd_retry, &cmd_up,
	&cmd_down, &cmd_reload, &cmd_check, &cmd_show, &cmd_hostkey,
};

const struct command *
commands_find(const char *name, struct err *err)
{
	const char *names[COMMAND_COUNT], *near;

	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
		names[i] = commands[i]->name;
	}
	near = str_nearest(name, names, COMMAND_COUNT);
	if (near != NULL)
		err_set(err, ERR_INPUT, "unknown command %s (did you mean "
		    "%s?)", name, near);
	else
		err_set(err, ERR_INPUT, "unknown command %s", name);
	return NULL;
}

static void
help_all(struct str *out)
{
	str_append(out, "usage: hawser [options] COMMAND [...]\n\n"
	    "Ask hawserd, which keeps SSH tunnels up, what it does, and "
	    "tell it what to do.\n\n");
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		const struct command *c = commands[i];

		str_printf(out, "  %-7s %-12s", c->name, c->operands);
		if (strlen(c->operands) > 12)
			str_printf(out, "\n%22s", "");
		str_printf(out, " %s\n", c->summary);
	}
	str_append(out, "\n");
	args_help(ARG_COMMON | ARG_API, out);
	str_append(out, "\n`hawser COMMAND --help` says more of each. Exit "
	    "codes: 0 fine, 1 the answer is\nno, 2 usage, 3 hawserd isn't "
	    "running, 4 refused. See also hawser(1).\n");
}

void
commands_help(const struct command *c, struct str *out)
{
	if (c == NULL) {
		help_all(out);
		return;
	}
	str_printf(out, "usage: hawser %s%s%s%s\n\nhawser %s: %s.\n\n%s\n",
	    c->name, c->options != 0 ? " [options]" : "",
	    *c->operands != '\0' ? " " : "", c->operands, c->name, c->summary,
	    c->help);
	args_help(c->options | ARG_COMMON, out);
}

static int
print_help(const struct command *c)
{
	struct str text;
	int rc;

	str_init(&text);
	commands_help(c, &text);
	rc = command_print(text.p);
	str_fini(&text);
	return rc;
}

static int
usage_error(const struct command *c, const struct err *err)
{
	command_fail(err);
	fprintf(stderr, "hawser: see: hawser%s%s --help\n",
	    c != NULL ? " " : "", c != NULL ? c->name : "");
	return EXIT_USAGE;
}

/* Runs c with the arguments behind its name. args holds the options before. */
static int
run(const struct command *c, struct args *args, int argc, char *const *argv)
{
	struct err err = { 0 };
	const char *stray;

	if ((stray = args_stray(args, c->options | ARG_COMMON)) != NULL) {
		err_set(&err, ERR_INPUT, "%s takes no --%s", c->name, stray);
		return usage_error(c, &err);
	}
	if (args_parse(args, c->options | ARG_COMMON, false, argc, argv,
	    &err) == -1)
		return usage_error(c, &err);
	if (args->seen[ARG_HELP])
		return print_help(c);
	if (args->seen[ARG_VERSION])
		return command_print("hawser " HAWSER_VERSION "\n");
	if (args->operand_count < c->operands_min) {
		err_set(&err, ERR_INPUT, "%s needs a %s", c->name,
		    c->operands);
		return usage_error(c, &err);
	}
	if (args->operand_count > c->operands_max) {
		err_set(&err, ERR_INPUT, "%s is one argument too many",
		    args->operands[c->operands_max]);
		return usage_error(c, &err);
	}
	return c->run(c, args);
}

int
commands_run(int argc, char *const *argv)
{
	const struct command *c = NULL;
	struct args args = { 0 };
	struct err err = { 0 };
	int words, rc;

	words = args_parse(&args, ARG_COMMON | ARG_API, true, argc - 1,
	    argv + 1, &err);
	if (words == -1)
		rc = usage_error(NULL, &err);
	else if (args.seen[ARG_HELP])
		rc = print_help(NULL);
	else if (args.seen[ARG_VERSION])
		rc = command_print("hawser " HAWSER_VERSION "\n");
	else if (words == argc - 1) {
		struct str text;

		str_init(&text);
		commands_help(NULL, &text);
		fputs(text.p, stderr);
		str_fini(&text);
		rc = EXIT_USAGE;
	} else if ((c = commands_find(argv[words + 1], &err)) == NULL)
		rc = usage_error(NULL, &err);
	else
		rc = run(c, &args, argc - words - 2, argv + words + 2);
	args_fini(&args);
	return rc;
}
