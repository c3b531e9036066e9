/* SPDX-License-Identifier: ISC */
#include "cli/json_print.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/str.h"
#include "cli/command.h"

int
json_print(const json_t *j)
{
	size_t flags = JSON_INDENT(2) | JSON_REAL_PRECISION(9);
	char *text, *line;
	int rc;

	/* Beyond ASCII there are characters that steer a terminal. */
	if (isatty(STDOUT_FILENO) == 1)
		flags |= JSON_ENSURE_ASCII;
	if ((text = json_dumps(j, flags)) == NULL)
		return EXIT_NO;
	line = str_dupf("%s\n", text);
	free(text);
	rc = command_print(line);
	free(line);
	return rc;
}
