/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "ssh/auth_impl.h"

/* RFC 4256: the server asks questions, in one or several rounds. */

#define ROUNDS_MAX	16
/* Bytes of a response: message, count, and each answer behind its length. */
#define RESPONSE_SIZE	(1 + 4 + AUTH_PROMPTS_MAX * (4 + SECRET_TEXT_MAX))

/* One request and its rounds. */
struct dialogue {
	struct auth *a;
	struct secret password;		/* that was given in it */
	bool asked;			/* it had a question */
	bool other;			/* ... and not for a password alone */
	char *response;			/* RESPONSE_SIZE bytes of secrets */
	size_t len;
};

static void
put_answer(struct dialogue *d, const struct secret *s)
{
	packet_store_u32((uint8_t *)d->response + d->len, (uint32_t)s->len);
	memcpy(d->response + d->len + 4, s->text, s->len);
	d->len += 4 + s->len;
}

static int
ask_other(struct auth *a, const char *prompt, struct secret *out)
{
	struct auth_question q = { .kind = AUTH_ANSWER, .prompt = prompt,
	    .try_number = a->wrong_answers + 1 };
	struct err err;

	if (auth_ask(a, &q, out, &err) == 0)
		return 0;
	str_printf(&a->remarks, "; no answer to \"%s\": %s", prompt,
	    err.text);
	return -1;
}

/* 0 with the answer in the response; -1 with a remark. */
static int
answer(struct dialogue *d, const struct auth_prompt *p)
{
	const struct auth_request *r = d->a->request;
	char text[3 * AUTH_PROMPT_MAX];
	struct secret s = { 0 };
	bool is_password = auth_prompt_is_password(p);
	int rc;

	d->asked = true;
	d->other = d->other || !is_password;
	if (auth_prompt_wants_new(p)) {
		str_append(&d->a->remarks, "; the server wants a new "
		    "password: log in once with ssh and change it");
		return -1;
	}
	/* As ssh shows it: it is the server who asks. */
	snprintf(text, sizeof(text), "(%s@%s) %s", r->user,
	    r->host != NULL ? r->host : "the server", p->text);
	utf8_make_printable(text, AUTH_PROMPT_MAX);
	rc = is_password ? auth_ask_password(d->a, text, &s) :
	    ask_other(d->a, text, &s);
	if (rc == 0) {
		put_answer(d, &s);
		if (is_password)
			secret_move(&d->password, &s);
		secret_fini(&s);
	}
	return rc;
}

/*
 * Answers a round. 0; -1 with a remark if a question has no answer, and with
 * err, which else is untouched, if the round was not understood.
 */
static int
respond(struct dialogue *d, const uint8_t *data, size_t len, struct err *err)
{
	struct auth_prompts prompts;

	if (auth_prompts_parse(data, len, &prompts, err) == -1)
		return -1;
	/* The message itself leads the packet. */
	packet_store_u32((uint8_t *)d->response, (uint32_t)prompts.count);
	d->len = 4;
	for (size_t i = 0; i < prompts.count; i++)
		if (answer(d, &prompts.items[i]) == -1)
			return -1;
	return 0;
}

static void
judge_password(struct dialogue *d, bool was_right)
{
	/* Which of several answers was wrong isn't said: it may be right. */
	if (d->other && !was_right)
		d->a->wrong_passwords++;
	else
		auth_judge_password(d->a, &d->password, was_right);
}

static enum auth_outcome
judge(struct dialogue *d, uint8_t verdict)
{
	struct auth *a = d->a;

	auth_take_failure(a);
	if (d->password.text != NULL)
		judge_password(d, a->partial ||
		    verdict == MSG_USERAUTH_SUCCESS);
	if (verdict == MSG_USERAUTH_SUCCESS)
		return AUTH_DONE;
	if (a->partial) {
		a->wrong_answers = 0;
		str_append(&a->remarks, "; keyboard-interactive was accepted, "
		    "but is not enough");
		return AUTH_NEXT;
	}
	a->wrong_answers++;
	/* Who asks nothing will not be told more the next time. */
	return d->asked ? AUTH_NEXT : AUTH_SPENT;
}

/* Request, rounds, verdict. */
static enum auth_outcome
converse(struct dialogue *d, struct err *err)
{
	struct auth *a = d->a;
	struct packet *p = auth_request_new(a, "keyboard-interactive");
	uint8_t *data, got;
	size_t len;
	int rc;

	packet_cstring(p, "");		/* language */
	packet_cstring(p, "");		/* methods of its own */
	for (int i = 0; i <= ROUNDS_MAX; i++) {
		got = auth_exchange(a, p, d->response, d->len, true, &data,
		    &len, err);
		if (got == 0)
			return AUTH_FAILED;
		if (got != MSG_USERAUTH_METHOD) {
			free(data);
			return judge(d, got);
		}
		err->code = ERR_NONE;
		rc = respond(d, data, len, err);
		free(data);
		if (rc == -1)
			return err->code != ERR_NONE ? AUTH_FAILED :
			    AUTH_SPENT;
		p = packet_new(MSG_USERAUTH_RESPONSE);
		a->answers++;
	}
	packet_free(p);
	err_set(err, ERR_PROTOCOL, "the server asks without end "
	    "(keyboard-interactive)");
	return AUTH_FAILED;
}

enum auth_outcome
auth_interactive(struct auth *a, struct err *err)
{
	struct dialogue d = { .a = a };
	enum auth_outcome o = AUTH_FAILED;

	if (a->request->ask == NULL) {
		a->mute = true;
		return AUTH_SPENT;
	}
	if (a->wrong_answers >= a->request->tries)
		return AUTH_SPENT;
	if ((d.response = secret_new(RESPONSE_SIZE, err)) != NULL)
		o = converse(&d, err);
	secret_free(d.response, RESPONSE_SIZE);
	secret_fini(&d.password);
	return o;
}
