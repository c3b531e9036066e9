/* SPDX-License-Identifier: ISC */
#include "cli/cmd_show.h"

#include <stdlib.h>

#include "base/str.h"
#include "cli/complaints.h"
#include "config/config.h"
#include "config/show.h"

static int
run_show(const struct command *c, const struct args *args)
{
	char *dir = args->seen[ARG_CONFIG] ?
	    str_dup(args->value[ARG_CONFIG]) : config_default_dir();
	struct config_source source = { 0 };
	struct show_options options = {
		.origin = args->seen[ARG_ORIGIN],
		.ssh_defaults = args->seen[ARG_SSH_DEFAULTS],
	};
	struct config *report;
	struct str out;
	int rc = EXIT_NO;

	(void)c;
	if (args->seen[ARG_FILE])
		source.file = args->value[ARG_FILE];
	else
		source.dir = dir;
	str_init(&out);
	report = show_host(&source, args->operands[0], &options, &out);
	complaints_print(report);
	if (!config_has_errors(report))
		rc = command_print(out.p);
	config_free(report);
	str_fini(&out);
	free(dir);
	return rc;
}

const struct command cmd_show = {
	.name = "show", .operands = "HOST", .operands_min = 1,
	.operands_max = 1, .options = ARG_BIT(ARG_CONFIG) | ARG_BIT(ARG_FILE) |
	    ARG_BIT(ARG_ORIGIN) | ARG_BIT(ARG_SSH_DEFAULTS),
	.run = run_show,
	.summary = "print what the configuration means for a name",
	.help = "Prints a line for each keyword, as ssh -G does; HOST needs "
	    "no forwards. The exit\ncode is 1 if the configuration holds an "
	    "error.\n",
};
