/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/log_json.h"

#define LINE_SIZE	2048
#define JSON_SIZE	4096	/* PIPE_BUF: such a write is never split */

/*
 * How long a reader that was quick so far may take to make room, and for how
 * long one that took longer counts as slow.
 */
#define PATIENCE_MS	50
#define SLOW_S		2

static const struct {
	const char *name;
	const char *priority;		/* sd-daemon(3) */
} levels[] = {
	[LOG_ERROR] = { "error", "<3>" },
	[LOG_WARN] = { "warn", "<4>" },
	[LOG_INFO] = { "info", "<6>" },
	[LOG_DEBUG] = { "debug", "<7>" },
};

static enum log_level max_level = LOG_INFO;
static enum log_format format = LOG_TEXT;
static char ident[64];
static unsigned lost;		/* lines since the reader got stuck */
static time_t slow_until;	/* CLOCK_MONOTONIC: it is not waited for */
static bool torn;		/* of the last one only a part was taken */

void
log_detach(void)
{
	struct stat st;
	int fd;

	if (fstat(STDERR_FILENO, &st) == -1 ||
	    (!S_ISFIFO(st.st_mode) && !isatty(STDERR_FILENO)))
		return;
	fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY |
	    O_CLOEXEC);
	if (fd == -1)
		return;
	dup2(fd, STDERR_FILENO);
	close(fd);
}

void
log_setup(enum log_level level, const char *name)
{
	max_level = level;
	snprintf(ident, sizeof(ident), "%s", name);
}

void
log_set_level(enum log_level level)
{
	max_level = level;
}

enum log_level
log_get_level(void)
{
	return max_level;
}

void
log_set_format(enum log_format f)
{
	format = f;
}

enum log_format
log_get_format(void)
{
	return format;
}

/* Is it the journal that reads us? It has its own time stamps. */
static bool
is_journal(void)
{
	return getenv("JOURNAL_STREAM") != NULL;
}

static void
put_time(char *out, size_t size)
{
	struct timespec now;
	struct tm tm;
	char stamp[32];

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out, size, "%s.%03ldZ", stamp, now.tv_nsec / 1000000);
}

static size_t
put_text(char *line, size_t size, enum log_level level, const char *text)
{
	char stamp[64];
	int n;

	put_time(stamp, sizeof(stamp));
	if (is_journal())
		n = snprintf(line, size, "%s%s: %s", levels[level].priority,
		    ident, text);
	else
		n = snprintf(line, size, "%s %-5s %s: %s", stamp,
		    levels[level].name, ident, text);
	return (size_t)n < size ? (size_t)n : size - 1;
}

static size_t
put_json(char *line, size_t size, enum log_level level, const char *text)
{
	char stamp[64];
	size_t n = 0;

	put_time(stamp, sizeof(stamp));
	if (is_journal())
		n = (size_t)snprintf(line, size, "%s",
		    levels[level].priority);
	return n + log_json(line + n, size - n, &(struct log_json_event){
	    .time = stamp, .level = levels[level].name, .who = ident,
	    .text = text });
}

/* True if the whole line was taken. */
static bool
write_line(enum log_level level, const char *text)
{
	char line[JSON_SIZE];
	size_t len = 0;
	ssize_t n;

	if (torn)	/* which ends here */
		line[len++] = '\n';
	/* One byte is left for the new line. */
	len += format == LOG_JSON ?
	    put_json(line + len, sizeof(line) - 1 - len, level, text) :
	    put_text(line + len, LINE_SIZE - 1 - len, level, text);
	line[len++] = '\n';
	/* One write per line, so that processes' lines never mix. */
	n = send(STDERR_FILENO, line, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n == -1 && errno == ENOTSOCK)
		n = write(STDERR_FILENO, line, len);
	if (n > 0)
		torn = (size_t)n < len;
	return n == (ssize_t)len;
}

/*
 * A log that nobody reads must not stop the tunnels: when a pipe or terminal
 * is full, lines are dropped, after one wait. Nor must one that is read slowly,
 * where each line would find it full. Where log_detach() could do nothing,
 * others who write to the same pipe can still fill it between our look and our
 * write.
 */
static bool
has_room(void)
{
	struct pollfd p = { .fd = STDERR_FILENO, .events = POLLOUT };
	struct timespec now;

	if (poll(&p, 1, 0) != 0)
		return true;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (lost > 0 || now.tv_sec < slow_until)
		return false;
	if (poll(&p, 1, PATIENCE_MS) != 0)
		return true;
	slow_until = now.tv_sec + SLOW_S;
	return false;
}

__attribute__((format(printf, 2, 0)))
static void
put(enum log_level level, const char *fmt, va_list ap)
{
	char text[LINE_SIZE], note[64];
	int saved = errno;

	if (level > max_level)
		return;
	vsnprintf(text, sizeof(text), fmt, ap);
	for (char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	if (lost > 0 && has_room()) {
		snprintf(note, sizeof(note), "the log was full: %u lines are "
		    "missing here", lost);
		if (write_line(LOG_WARN, note))
			lost = 0;
	}
	if (lost > 0 || !has_room() || !write_line(level, text))
		lost++;
	errno = saved;
}

#define DEFINE(fn, level)						\
	void								\
	fn(const char *fmt, ...)					\
	{								\
		va_list ap;						\
									\
		va_start(ap, fmt);					\
		put((level), fmt, ap);					\
		va_end(ap);						\
	}

DEFINE(log_error, LOG_ERROR)
DEFINE(log_warn, LOG_WARN)
DEFINE(log_info, LOG_INFO)
DEFINE(log_debug, LOG_DEBUG)
