/* SPDX-License-Identifier: ISC */
#include "cli/term.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool
term_wants_colour(int fd)
{
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	if (no_color != NULL && *no_color != '\0')
		return false;
	if (term == NULL || *term == '\0' || strcmp(term, "dumb") == 0)
		return false;
	return isatty(fd) == 1;
}
