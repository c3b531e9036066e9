/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "ssh/auth_impl.h"
#include "ssh/session.h"

/* As ssh words them: programs that ask people know these texts. */
#define PASSPHRASE_PROMPT	"Enter passphrase for key '%s': "
#define PASSWORD_PROMPT		"%s@%s's password: "

static const char *
noun(enum auth_secret kind)
{
	return kind == AUTH_PASSPHRASE ? "passphrase" :
	    kind == AUTH_PASSWORD ? "password" : "answer";
}

static int
check_answer(const struct auth_question *q, const struct secret *s,
    struct err *err)
{
	if (s->len == 0 && q->kind != AUTH_ANSWER)
		return err_set(err, ERR_INPUT, "the %s%s%s is empty",
		    noun(q->kind), s->source[0] != '\0' ? " of " : "",
		    s->source);
	if (strlen(s->text) != s->len)
		return err_set(err, ERR_INPUT, "the %s%s%s has a NUL byte in "
		    "it", noun(q->kind), s->source[0] != '\0' ? " of " : "",
		    s->source);
	return 0;
}

int
auth_ask(struct auth *a, const struct auth_question *q, struct secret *out,
    struct err *err)
{
	int64_t begin = clock_now_ms();
	int rc = -1;

	if (a->request->ask == NULL)
		return err_set(err, ERR_NOTFOUND, "nobody can be asked");
	if (secret_init(out, err) == -1)
		return -1;
	if (a->request->ask(a->request->arg, q, out, err) == 0)
		rc = check_answer(q, out, err);
	if (rc == -1)
		secret_fini(out);
	/* The time was not the server's. */
	a->deadline_ms += clock_now_ms() - begin;
	transport_set_deadline(a->transport, a->deadline_ms);
	return rc;
}

int
auth_ask_password(struct auth *a, const char *prompt, struct secret *out)
{
	const struct auth_request *r = a->request;
	char usual[2 * AUTH_PROMPT_MAX];
	struct auth_question q = { .kind = AUTH_PASSWORD, .prompt = prompt,
	    .try_number = a->wrong_passwords + 1 };
	struct err err;

	if (a->wrong_passwords >= r->tries)
		return -1;
	if (prompt == NULL) {
		snprintf(usual, sizeof(usual), PASSWORD_PROMPT, r->user,
		    r->host != NULL ? r->host : "the server");
		utf8_make_printable(usual, AUTH_PROMPT_MAX);
		q.prompt = usual;
	}
	if (auth_ask(a, &q, out, &err) == -1) {
		str_printf(&a->remarks, "; %s%s", q.try_number == 1 ?
		    "no password: " : "", err.text);
		a->wrong_passwords = r->tries;	/* by no method */
		return -1;
	}
	if (!secret_equal(out, &a->refused))
		return 0;
	/* Servers ban those who say the same thing again and again. */
	str_printf(&a->remarks, "; the password%s%s was wrong, and is the "
	    "same again: it was not sent twice",
	    out->source[0] != '\0' ? " of " : "", out->source);
	secret_fini(out);
	return -1;
}

void
auth_judge_password(struct auth *a, struct secret *s, bool was_right)
{
	if (was_right) {
		a->wrong_passwords = 0;
		secret_fini(&a->refused);
		secret_fini(s);
	} else {
		a->wrong_passwords++;
		secret_move(&a->refused, s);
	}
}

int
auth_unlock(struct auth *a, struct identity *id,
    int (*use)(void *arg, const char *passphrase, struct err *), void *arg,
    struct err *err)
{
	char prompt[AUTH_PROMPT_MAX + 1];
	struct auth_question q = { .kind = AUTH_PASSPHRASE, .prompt = prompt,
	    .key = id->path };
	struct secret given = { 0 };
	int rc = -1;

	if (!id->encrypted || id->passphrase.text != NULL)
		return use(arg, id->passphrase.text, err);
	if (id->given_up)
		return err_set(err, ERR_NOTFOUND,
		    "its passphrase is not known");
	snprintf(prompt, sizeof(prompt), PASSPHRASE_PROMPT, id->path);
	utf8_make_printable(prompt, AUTH_PROMPT_MAX);
	do {
		q.try_number++;
		if (auth_ask(a, &q, &given, err) == -1) {
			id->given_up = true;
			rc = q.try_number > 1 ? -1 : err_prefix(err,
			    "its passphrase is not known");
			break;
		}
		/* Trying costs time, and this one was tried. */
		if (secret_equal(&given, &id->passphrase))
			break;
		secret_move(&id->passphrase, &given);
		rc = use(arg, id->passphrase.text, err);
	} while (rc == -1 && err->code == ERR_PERM &&
	    q.try_number < a->request->tries);
	if (rc == -1 && err->code == ERR_PERM) {
		id->given_up = true;
		err_set(err, ERR_PERM, "the passphrase%s%s is wrong, or the "
		    "key is damaged", id->passphrase.source[0] != '\0' ?
		    " of " : "", id->passphrase.source);
	}
	if (rc == -1)
		secret_fini(&id->passphrase);
	secret_fini(&given);
	return rc;
}
