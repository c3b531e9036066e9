/* SPDX-License-Identifier: ISC */
#include "cli/cmd_events.h"

#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/str.h"
#include "cli/api_call.h"
#include "cli/event_line.h"
#include "cli/field.h"
#include "cli/term.h"

struct printer {
	bool json;
	bool terminal;
	bool colour;
	int error;			/* of writing; EPIPE: nobody reads any
					   more */
	struct str cut;			/* why hawserd hung up */
};

/* Beyond ASCII there are characters that steer a terminal. */
static void
append_ascii(struct str *out, const json_t *event)
{
	char *text = json_dumps(event, JSON_COMPACT | JSON_ENSURE_ASCII |
	    JSON_REAL_PRECISION(9));

	str_printf(out, "%s\n", text != NULL ? text : "{}");
	free(text);
}

static bool
on_line(void *arg, const char *line, const json_t *event)
{
	struct printer *p = arg;
	struct str text = { 0 };

	if (strcmp(field_text(event, "event"), "cut") == 0)
		str_append(&p->cut, field_text(event, "text"));
	if (p->json && p->terminal)
		append_ascii(&text, event);
	else if (p->json)
		str_printf(&text, "%s\n", line);
	else
		event_line(event, p->colour, &text);
	if (text.len > 0 && (fputs(text.p, stdout) == EOF ||
	    fflush(stdout) == EOF))
		p->error = errno;
	str_fini(&text);
	return p->error == 0;
}

/* New. */
static char *
make_path(const struct args *args)
{
	struct str path = { 0 };

	str_printf(&path, "/v1/events?connections=%d",
	    args->seen[ARG_CONNECTIONS]);
	for (size_t i = 0; i < args->operand_count; i++) {
		str_append(&path, "&host=");
		api_encode(&path, args->operands[i]);
	}
	return str_take(&path);
}

/* SIGINT becomes something that can be waited for. */
static int
catch_interrupt(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static int
follow(const struct args *args, const char *socket)
{
	/* A pipe that nobody reads reports itself without being asked. */
	struct pollfd watch[] = { { .fd = catch_interrupt(),
	    .events = POLLIN }, { .fd = STDOUT_FILENO } };
	struct printer p = { .json = args->seen[ARG_JSON],
	    .terminal = isatty(STDOUT_FILENO) == 1,
	    .colour = term_wants_colour(STDOUT_FILENO) };
	char *path = make_path(args);
	struct api_follow what = { .socket = socket, .path = path,
	    .watch = watch, .watch_count = 2, .on_line = on_line, .arg = &p };
	struct err err = { 0 };
	int end = api_follow(&what, &err), rc = EXIT_FINE;

	if (end == API_OVER) {
		err_set(&err, ERR_REFUSED, "no more events: %s",
		    p.cut.len > 0 ? p.cut.p : "hawserd has ended");
		end = -1;
	} else if (p.error != 0 && p.error != EPIPE) {
		errno = p.error;
		end = err_sys(&err, "standard output");
	}
	if (end == -1)
		rc = command_fail(&err);
	str_fini(&p.cut);
	free(path);
	fd_close(&watch[0].fd);
	return rc;
}

static int
run_events(const struct command *c, const struct args *args)
{
	struct err err = { 0 };
	char *socket = command_socket(args, &err);
	int rc;

	(void)c;
	rc = socket != NULL ? follow(args, socket) : command_fail(&err);
	free(socket);
	return rc;
}

const struct command cmd_events = {
	.name = "events", .operands = "[HOST...]", .operands_max = SIZE_MAX,
	.options = ARG_API | ARG_BIT(ARG_JSON) | ARG_BIT(ARG_CONNECTIONS),
	.run = run_events,
	.summary = "show what happens, while it happens",
	.help = "One line for each change of a host or forward and for each "
	    "end of a link, with\n--json as hawserd(8) tells it. With "
	    "--connections each client of a forward, too:\nwhence it came, "
	    "where to, and what became of it.\n\nInterrupt it to end it; "
	    "when hawserd ends, the exit code is 1.\n",
};
