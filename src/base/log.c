/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_SIZE	2048

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
static char ident[64];

void
log_setup(enum log_level level, const char *name)
{
	max_level = level;
	snprintf(ident, sizeof(ident), "%s", name);
}

enum log_level
log_get_level(void)
{
	return max_level;
}

static int
put_head(char *line, size_t size, enum log_level level)
{
	struct timespec now;
	struct tm tm;
	char stamp[32];

	if (getenv("JOURNAL_STREAM") != NULL)
		return snprintf(line, size, "%s%s: ", levels[level].priority,
		    ident);
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &tm);
	return snprintf(line, size, "%s.%03ldZ %-5s %s: ", stamp,
	    now.tv_nsec / 1000000, levels[level].name, ident);
}

__attribute__((format(printf, 2, 0)))
static void
put(enum log_level level, const char *fmt, va_list ap)
{
	char line[LINE_SIZE];
	int saved = errno, head, len;

	if (level > max_level)
		return;
	head = put_head(line, sizeof(line) - 1, level);
	len = head + vsnprintf(line + head, sizeof(line) - 1 - (size_t)head,
	    fmt, ap);
	if (len > (int)sizeof(line) - 2)
		len = (int)sizeof(line) - 2;
	for (int i = head; i < len; i++)
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = '?';
	line[len++] = '\n';
	/* One write per line, so that processes' lines never mix. */
	if (write(STDERR_FILENO, line, (size_t)len) == -1)
		len = 0;	/* nowhere to tell it */
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
