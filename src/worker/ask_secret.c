/* SPDX-License-Identifier: ISC */
#include "worker/ask_secret.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fdio.h"
#include "base/str.h"
#include "ipc/secret.h"
#include "worker/ask.h"

static_assert(AUTH_PROMPT_MAX <= SECRET_PROMPT_MAX, "prompts fit");
static_assert(SECRET_TEXT_MAX >= SECRET_SIZE_MAX, "secrets fit");

static const enum secret_kind kinds[] = {
	[AUTH_PASSPHRASE] = SECRET_PASSPHRASE,
	[AUTH_PASSWORD] = SECRET_PASSWORD,
	[AUTH_ANSWER] = SECRET_ANSWER,
};

/* 0 when there is something to read, or the end. */
static int
wait_readable(int fd, int64_t deadline_ms, struct err *err)
{
	int64_t left = deadline_ms - clock_now_ms();
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int n = left > 0 ? poll(&p, 1, (int)left) : 0;

	if (n == 0)
		return err_set(err, ERR_TIMEOUT, "the secret did not end");
	return n == 1 || errno == EINTR ? 0 : err_sys(err,
	    "the secret cannot be waited for");
}

/* Without the end of line that whoever wrote it put there. */
static void
strip(struct secret *s)
{
	if (s->len == 0 || s->text[s->len - 1] != '\n')
		return;
	s->text[--s->len] = '\0';
	if (s->len > 0 && s->text[s->len - 1] == '\r')
		s->text[--s->len] = '\0';
}

int
ask_secret_read(int fd, struct secret *out, struct err *err)
{
	int64_t deadline = clock_now_ms() + ASK_SECRET_READ_MS;
	ssize_t n;

	do {
		/* The place of the NUL tells one byte too many. */
		size_t room = SECRET_TEXT_MAX + 1 - out->len;

		if (room == 0)
			return err_set(err, ERR_INPUT, "the secret is longer "
			    "than %d bytes", SECRET_TEXT_MAX);
		if (wait_readable(fd, deadline, err) == -1)
			return -1;
		n = read(fd, out->text + out->len, room);
		if (n == -1 && errno != EINTR && errno != EAGAIN)
			return err_sys(err, "the secret cannot be read");
		if (n > 0)
			out->len += (size_t)n;
	} while (n != 0);
	strip(out);
	return 0;
}

static int
take_answer(struct message *m, struct secret *out, struct err *err)
{
	const char *error = message_string(m, "error");
	const char *source = message_string(m, "source");

	if (source != NULL) {
		snprintf(out->source, sizeof(out->source), "%s", source);
		str_make_printable(out->source);
	}
	if (error != NULL)
		return err_set(err, ERR_NOTFOUND, "%s", error);
	if (m->fd_count != 1)
		return err_set(err, ERR_PROTOCOL,
		    "the supervisor's answer brings no secret");
	return ask_secret_read(m->fds[0], out, err);
}

int
ask_secret(void *arg, const struct auth_question *q, struct secret *out,
    struct err *err)
{
	const struct ask_secret *s = arg;
	const struct secret_question question = {
		.kind = kinds[q->kind],
		.prompt = (char *)(uintptr_t)q->prompt,
		.key = (char *)(uintptr_t)q->key,
		.try_number = q->try_number,
	};
	struct message answer;
	int rc;

	if (s->distrust != NULL && q->kind != AUTH_PASSPHRASE)
		return err_set(err, ERR_NOTFOUND, "%s", s->distrust);
	if (ask(s->report, s->sock, FACT_SECRET,
	    secret_question_encode(&question), ORDER_SECRET,
	    clock_now_ms() + ASK_SECRET_MS, &answer, err) == -1)
		return -1;
	rc = take_answer(&answer, out, err);
	message_fini(&answer);
	return rc;
}
