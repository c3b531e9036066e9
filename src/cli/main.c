/* SPDX-License-Identifier: ISC */
#include <signal.h>

#include "cli/commands.h"

int
main(int argc, char **argv)
{
	/* A reader that has gone is told by write(2); see command_print. */
	signal(SIGPIPE, SIG_IGN);
	return commands_run(argc, argv);
}
