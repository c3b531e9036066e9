/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_WORKER_ASK_SECRET_H
#define HAWSER_WORKER_ASK_SECRET_H

#include "ssh/auth.h"
#include "worker/report.h"

/*
 * ask_secret: a question of auth's goes to the supervisor, which brings a
 * descriptor with the answer behind it; only this process reads it.
 */

/* The supervisor's, which has a person to wait for, and its own deadlines. */
#define ASK_SECRET_MS		(10 * 60 * 1000)
/* The descriptor's: whoever wrote the secret has done so. */
#define ASK_SECRET_READ_MS	2000

/* Both are borrowed. */
struct ask_secret {
	struct report *report;
	int sock;		/* where orders come from */
	const char *distrust;	/* why the server gets no password and no
				   answer, a sentence; NULL: it does */
};

/* As auth_request's ask; arg is a struct ask_secret. */
int ask_secret(void *arg, const struct auth_question *, struct secret *out,
    struct err *);

/*
 * Reads the whole of fd (borrowed), of at most SECRET_TEXT_MAX bytes. One end
 * of line at its end is taken off. 0; -1 with ERR_INPUT (it is longer),
 * ERR_TIMEOUT, ERR_SYS.
 */
int ask_secret_read(int fd, struct secret *out, struct err *);

#endif
