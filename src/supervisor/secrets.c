/* SPDX-License-Identifier: ISC */
#include "supervisor/secrets.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/str.h"
#include "ipc/secret.h"
#include "supervisor/credential.h"
#include "supervisor/helper.h"

#define COMMAND_NAME	"HawserPassphraseCommand"
#define ASKPASS_NAME	"SSH_ASKPASS"

/* As ssh runs it: its one argument is the prompt. */
#define ASKPASS_COMMAND	"exec \"$SSH_ASKPASS\" \"$HAWSER_PROMPT\""

struct secrets {
	struct event_base *base;
	const struct session_order *order;
	char *command;			/* "": none */
	bool may_ask;			/* a person */
	bool disabled;			/* by NumberOfPasswordPrompts */
	secrets_answer *answer;
	void *arg;
	int questions;			/* so far */
	struct helper *helper;		/* NULL: there is no question */
	const char *source;		/* its name for people */
};

/* What the helpers get to see, besides what all children do. */
static const char *const passed[] = {
	"SSH_ASKPASS", "DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY",
	"DBUS_SESSION_BUS_ADDRESS", "LC_ALL", "LC_CTYPE",
	"CREDENTIALS_DIRECTORY", "GNUPGHOME", "PASSWORD_STORE_DIR",
};
#define PASSED_COUNT	(sizeof(passed) / sizeof(passed[0]))

#define OURS_MAX	7	/* variables that begin with HAWSER_ */

static bool
has_askpass(void)
{
	const char *path = getenv("SSH_ASKPASS");
	const char *require = getenv("SSH_ASKPASS_REQUIRE");

	return path != NULL && *path != '\0' &&
	    (require == NULL || strcmp(require, "never") != 0);
}

bool
secrets_exist(const struct host *h)
{
	return h->password_tries > 0 && (h->passphrase_command[0] != '\0' ||
	    credential_exists(h->name) || (!h->batch_mode && has_askpass()));
}

struct secrets *
secrets_new(struct event_base *base, const struct session_order *order,
    const struct host *h, secrets_answer *answer, void *arg)
{
	struct secrets *s = mem_alloc(sizeof(*s));

	s->base = base;
	s->order = order;
	s->command = str_dup(h->passphrase_command);
	s->may_ask = !h->batch_mode;
	s->disabled = h->password_tries == 0;
	s->answer = answer;
	s->arg = arg;
	return s;
}

void
secrets_free(struct secrets *s)
{
	if (s == NULL)
		return;
	secrets_cancel(s);
	free(s->command);
	free(s);
}

void
secrets_cancel(struct secrets *s)
{
	helper_free(s->helper);
	s->helper = NULL;
}

/* Takes fd. */
static void
tell(struct secrets *s, int fd, const char *source, const char *error)
{
	if (fd == -1)
		log_debug("there is no secret host=%s why=\"%s\"",
		    s->order->host, error);
	s->answer(s->arg, fd, source, error);
}

static void
on_helper_done(void *arg, int fd, const char *error)
{
	struct secrets *s = arg;
	char *text = error != NULL ? str_dup(error) : NULL;

	secrets_cancel(s);
	tell(s, fd, fd != -1 ? s->source : NULL, text);
	free(text);
}

/* Adds a variable to env; takes value, NULL: none. */
static void
add_variable(char **env, const char *name, char *value)
{
	size_t n = 0;

	if (value == NULL)
		return;
	while (env[n] != NULL)
		n++;
	env[n] = str_dupf("%s=%s", name, value);
	free(value);
}

/* New, with new strings. */
static char **
make_environment(const struct secrets *s, const struct secret_question *q)
{
	const struct session_order *o = s->order;
	char **env = mem_alloc((PASSED_COUNT + OURS_MAX + 1) * sizeof(*env));

	for (size_t i = 0; i < PASSED_COUNT; i++) {
		const char *value = getenv(passed[i]);

		add_variable(env, passed[i],
		    value != NULL ? str_dup(value) : NULL);
	}
	add_variable(env, "HAWSER_HOST", str_dup(o->host));
	add_variable(env, "HAWSER_HOSTNAME", str_dup(o->hostname));
	add_variable(env, "HAWSER_PORT", str_dupf("%u", o->port));
	add_variable(env, "HAWSER_USER", str_dup(o->user));
	add_variable(env, "HAWSER_SECRET",
	    str_dup(secret_kind_name(q->kind)));
	/* Programs that find a secret by ssh's words don't know the second. */
	add_variable(env, "HAWSER_PROMPT", str_dupf("%s%s",
	    q->try_number == 1 ? "" : "That was wrong. ", q->prompt));
	add_variable(env, "HAWSER_KEY",
	    q->key != NULL ? str_dup(q->key) : NULL);
	return env;
}

static void
free_environment(char **env)
{
	for (size_t i = 0; env[i] != NULL; i++)
		free(env[i]);
	free(env);
}

static void
start_helper(struct secrets *s, const struct secret_question *q,
    const char *name, const char *command, int limit_s)
{
	char **env = make_environment(s, q);
	struct helper_spec spec = { .what = name, .host = s->order->host,
	    .command = command, .env = env, .limit_s = limit_s };
	struct err err;

	s->source = name;
	s->helper = helper_start(s->base, &spec, on_helper_done, s, &err);
	free_environment(env);
	if (s->helper == NULL)
		tell(s, -1, NULL, err.text);
}

/* The same source would give the same secret again. */
static void
tell_wrong(struct secrets *s, const struct secret_question *q,
    const char *source)
{
	char *text = str_dupf("the %s of %s is wrong",
	    secret_kind_name(q->kind), source);

	tell(s, -1, NULL, text);
	free(text);
}

/* Takes fd and name: what credential_open() gave. */
static void
use_credential(struct secrets *s, const struct secret_question *q, int fd,
    char *name, const struct err *err)
{
	char *source = str_dupf("credential %s", name);

	if (fd != -1 && q->try_number == 1) {
		tell(s, fd, source, NULL);
	} else if (fd != -1) {
		close(fd);
		tell_wrong(s, q, source);
	} else {
		tell(s, -1, NULL, err->text);
	}
	free(source);
	free(name);
}

static void
tell_none(struct secrets *s, const struct secret_question *q)
{
	char *text = s->disabled ? str_dup("NumberOfPasswordPrompts 0 lets "
	    "nothing be asked for") : str_dupf("nothing gives the %s: set "
	    "HawserPassphraseCommand, or give hawserd a systemd credential "
	    "called %s.%s or an SSH_ASKPASS in its environment",
	    secret_kind_name(q->kind), s->order->host,
	    secret_kind_name(q->kind));

	tell(s, -1, NULL, text);
	free(text);
}

static void
find(struct secrets *s, const struct secret_question *q)
{
	struct err err;
	char *name;
	int fd;

	if (s->disabled) {
		tell_none(s, q);
	} else if (s->questions > SECRET_QUESTIONS_MAX) {
		tell(s, -1, NULL, "too much was asked for in one connection");
	} else if (s->command[0] != '\0' && q->try_number > 1) {
		tell_wrong(s, q, COMMAND_NAME);
	} else if (s->command[0] != '\0') {
		start_helper(s, q, COMMAND_NAME, s->command,
		    SECRETS_COMMAND_S);
	} else if ((fd = credential_open(s->order->host, q->kind,
	    &name, &err)) != -1 || name != NULL) {
		use_credential(s, q, fd, name, &err);
	} else if (s->may_ask && has_askpass()) {
		log_info("a person is asked host=%s prompt=\"%s\"",
		    s->order->host, q->prompt);
		start_helper(s, q, ASKPASS_NAME, ASKPASS_COMMAND,
		    SECRETS_ASKPASS_S);
	} else {
		tell_none(s, q);
	}
}

static bool
is_among(const char *text, char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(list[i], text) == 0)
			return true;
	return false;
}

static bool
has_method(const struct session_order *o, const char *name)
{
	return is_among(name, o->auth_methods, o->auth_method_count);
}

/* Has the worker, as it was ordered and in this phase, a use for it? */
static bool
is_of_use(const struct session_order *o, enum phase phase,
    const struct secret_question *q)
{
	switch (q->kind) {
	case SECRET_PASSPHRASE:
		return phase < PHASE_UP && is_among(q->key, o->identity_files,
		    o->identity_file_count);
	case SECRET_PASSWORD:	/* PAM asks for it in a dialogue */
		return phase == PHASE_AUTH && (has_method(o, "password") ||
		    has_method(o, "keyboard-interactive"));
	case SECRET_ANSWER:
		return phase == PHASE_AUTH &&
		    has_method(o, "keyboard-interactive");
	case SECRET_KIND_COUNT:
		break;
	}
	return false;
}

int
secrets_ask(struct secrets *s, enum phase phase, const struct message *m,
    struct err *err)
{
	struct secret_question q = { 0 };
	int rc;

	if (s->helper != NULL)
		return err_set(err, ERR_PROTOCOL, "the worker asked for a "
		    "second secret before it had the first");
	rc = secret_question_decode(m->body, &q, err);
	if (rc == 0 && !is_of_use(s->order, phase, &q))
		rc = err_set(err, ERR_REFUSED, "the worker asked for a %s "
		    "that it has no use for in phase %s",
		    secret_kind_name(q.kind), phase_name(phase));
	if (rc == 0) {
		s->questions++;
		find(s, &q);
	}
	secret_question_fini(&q);
	return rc;
}
