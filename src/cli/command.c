/* SPDX-License-Identifier: ISC */
#include "cli/command.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/endpoint.h"
#include "base/places.h"
#include "base/str.h"
#include "cli/text.h"

static int
exit_code(enum err_code code)
{
	switch (code) {
	case ERR_NONE:
		return EXIT_FINE;
	case ERR_CLOSED:
		return EXIT_NOT_RUNNING;
	case ERR_PERM:
		return EXIT_REFUSED;
	case ERR_NOMEM:
	case ERR_SYS:
	case ERR_INPUT:
	case ERR_NOTFOUND:
	case ERR_PROTOCOL:
	case ERR_CORRUPT:
	case ERR_TIMEOUT:
	case ERR_AGAIN:
	case ERR_REFUSED:
		break;
	}
	return EXIT_NO;
}

int
command_fail(const struct err *err)
{
	struct str clean;

	str_init(&clean);
	text_append_clean(&clean, err->text);
	fprintf(stderr, "hawser: %s\n", clean.p != NULL ? clean.p : "failed");
	str_fini(&clean);
	return exit_code(err->code);
}

char *
command_socket(const struct args *args, struct err *err)
{
	const char *path = args->value[ARG_SOCKET];

	if (path == NULL)
		return place_socket(args->seen[ARG_SYSTEM], err);
	if (strlen(path) > ENDPOINT_PATH_MAX) {
		err_set(err, ERR_INPUT,
		    "the socket's path is longer than %d bytes: %s",
		    ENDPOINT_PATH_MAX, path);
		return NULL;
	}
	return str_dup(path);
}

int
command_print(const char *text)
{
	if (fputs(text, stdout) != EOF && fflush(stdout) != EOF)
		return EXIT_FINE;
	/* Whoever reads a pipe may stop when it has seen enough. */
	if (errno != EPIPE)
		fprintf(stderr, "hawser: standard output: %s\n",
		    strerror(errno));
	return EXIT_NO;
}
