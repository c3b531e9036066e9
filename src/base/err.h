/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_BASE_ERR_H
#define HAWSER_BASE_ERR_H

/*
 * err: what went wrong. The code decides what happens next, the text is for a
 * person: one plain sentence without a final full stop, without a new line.
 * A struct err lives on the caller's stack and owns nothing.
 */

#define ERR_TEXT_SIZE	1024	/* bytes, the final NUL included */

enum err_code {
	ERR_NONE,
	ERR_NOMEM,		/* out of memory */
	ERR_SYS,		/* a system call failed: see sys */
	ERR_INPUT,		/* what we were given is not valid */
	ERR_NOTFOUND,		/* a thing that was named does not exist */
	ERR_PERM,		/* not allowed, or unsafe to use */
	ERR_PROTOCOL,		/* the peer broke its protocol */
	ERR_CORRUPT,		/* bytes were altered on their way */
	ERR_TIMEOUT,		/* a deadline passed */
	ERR_CLOSED,		/* the peer went away */
	ERR_AGAIN,		/* nothing done; try later */
	ERR_REFUSED,		/* the peer said no */
};

struct err {
	enum err_code code;
	int sys;			/* errno if code is ERR_SYS, else 0 */
	char text[ERR_TEXT_SIZE];
};

/* Fill err (which may be NULL). Always -1, so that callers can return it. */
int err_set(struct err *, enum err_code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * The same with code ERR_SYS; ": " and errno's text are appended, and where a
 * limit is set that was reached.
 */
int err_sys(struct err *, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Puts "text: " before what err says. Always -1. */
int err_prefix(struct err *, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
