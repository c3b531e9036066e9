/* SPDX-License-Identifier: ISC */
#include "supervisor/speech.h"

#include <errno.h>
#include <event2/event.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/log.h"
#include "base/str.h"
#include "supervisor/child.h"

#define READS_MAX	16	/* before other events have their turn */

struct speech {
	int fd;
	char *what;
	char *host;
	struct event *readable;
	struct str line;	/* not complete yet */
	char *last;		/* the last complete one, or NULL */
	int lines, lines_max;	/* logged, and at most; 0: no limit */
};

static void
end_line(struct speech *s)
{
	if (s->line.len == 0)
		return;
	free(s->last);
	s->last = str_take(&s->line);
	str_init(&s->line);
	if (s->lines_max > 0 && s->lines > s->lines_max)
		return;
	if (s->lines_max > 0 && s->lines++ == s->lines_max)
		log_info("the %s says more than %d lines host=%s", s->what,
		    s->lines_max, s->host);
	else
		log_info("the %s speaks host=%s text=\"%s\"", s->what,
		    s->host, s->last);
}

static void
add_byte(struct speech *s, char c)
{
	/* Some of it may be a server's words, and those of a stranger. */
	bool plain = c >= ' ' && c < 127;

	if (c == '\n')
		end_line(s);
	else if (c != '\r' && s->line.len < SPEECH_LINE_MAX)
		str_append_n(&s->line, plain ? &c : "?", 1);
}

/* Reads what is there; false at the end. */
static bool
read_some(struct speech *s)
{
	char chunk[1024];
	ssize_t n = 0;

	for (int i = 0; i < READS_MAX; i++) {
		n = read(s->fd, chunk, sizeof(chunk));
		if (n <= 0)
			break;
		for (ssize_t j = 0; j < n; j++)
			add_byte(s, chunk[j]);
	}
	return n > 0 || (n == -1 && (errno == EAGAIN || errno == EINTR));
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct speech *s = arg;

	(void)fd;
	(void)what;
	if (!read_some(s))
		event_del(s->readable);
}

struct speech *
speech_new(struct event_base *base, int fd, const char *what,
    const char *host)
{
	struct speech *s = mem_alloc(sizeof(*s));

	s->fd = fd;
	s->what = str_dup(what);
	s->host = str_dup(host);
	str_init(&s->line);
	fd_set_nonblock(fd, 1);
	s->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable,
	    s);
	if (s->readable == NULL || event_add(s->readable, NULL) == -1)
		abort();
	return s;
}

void
speech_free(struct speech *s)
{
	if (s == NULL)
		return;
	event_free(s->readable);
	fd_close(&s->fd);
	str_fini(&s->line);
	free(s->last);
	free(s->what);
	free(s->host);
	free(s);
}

void
speech_limit(struct speech *s, int lines)
{
	s->lines_max = lines;
}

void
speech_end(struct speech *s)
{
	read_some(s);
	end_line(s);
	event_del(s->readable);
}

char *
speech_describe_end(const struct speech *s, const struct process_exit *how)
{
	char text[64];

	child_describe_exit(how, text, sizeof(text));
	return s->last == NULL ? str_dupf("%s ended with %s", s->what, text) :
	    str_dupf("%s ended with %s: %s", s->what, text, s->last);
}
