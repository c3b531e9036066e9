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

/*
 * One turn: so many reads of a kilobyte. If there is more the reader rests, for
 * who never stops talking shall not keep a processor busy: he has to wait.
 */
#define READS_MAX	16
#define REST_MS		10
#define TURNS_MAX	4	/* they empty a pipe */

enum turn { TURN_OVER, TURN_EMPTY, TURN_MORE };

struct speech {
	int fd;
	char *what;
	char *host;
	struct event *readable;
	struct event *rested;
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

static enum turn
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
	if (n > 0)
		return TURN_MORE;
	return n == -1 && (errno == EAGAIN || errno == EINTR) ? TURN_EMPTY :
	    TURN_OVER;
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct timeval rest = { 0, REST_MS * 1000 };
	struct speech *s = arg;
	enum turn turn = read_some(s);

	(void)fd;
	(void)what;
	if (turn != TURN_EMPTY)
		event_del(s->readable);
	if (turn == TURN_MORE)
		evtimer_add(s->rested, &rest);
}

static void
on_rested(evutil_socket_t fd, short what, void *arg)
{
	struct speech *s = arg;

	(void)fd;
	(void)what;
	event_add(s->readable, NULL);
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
	s->rested = evtimer_new(base, on_rested, s);
	if (s->readable == NULL || s->rested == NULL ||
	    event_add(s->readable, NULL) == -1)
		abort();
	return s;
}

void
speech_free(struct speech *s)
{
	if (s == NULL)
		return;
	event_free(s->readable);
	event_free(s->rested);
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
	for (int i = 0; i < TURNS_MAX && read_some(s) == TURN_MORE; i++)
		continue;
	end_line(s);
	event_del(s->readable);
	event_del(s->rested);
}

char *
speech_describe_end(const struct speech *s, const struct process_exit *how)
{
	char text[64];

	child_describe_exit(how, text, sizeof(text));
	return s->last == NULL ? str_dupf("%s ended with %s", s->what, text) :
	    str_dupf("%s ended with %s: %s", s->what, text, s->last);
}
