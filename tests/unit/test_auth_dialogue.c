/* SPDX-License-Identifier: ISC */
/*
 * Passwords, questions and several factors: what auth says to servers that no
 * real one can be made to be. The test answers in the place of auth_wire.c, so
 * that whole packets are seen, without a connection.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "base/clock.h"
#include "ssh/auth_impl.h"
#include "ssh/transport_impl.h"

#define ALL	"publickey,keyboard-interactive,password"

/* One of the server's turns. */
struct turn {
	const char *heard;	/* what it is sent, in tell()'s words */
	uint8_t message;
	const char *methods;	/* of a failure; "+" in front: partial */
	const char *prompts[4];	/* of a round: "-" no echo, "+" echo */
	size_t cut;		/* bytes that are missing at a packet's end */
	uint32_t count;		/* of prompts, if it lies */
};

static struct {
	const struct turn *turns;
	size_t turn;
	char said[4][64];		/* the secrets, in turn */
	int asked;
	char questions[4][AUTH_PROMPT_MAX + 32];	/* "KIND TRY PROMPT" */
	bool silent;
	struct transport *transport;
	struct err err;
} w;

/* The packet as text: "none", "password secret", "answer a|b". */
static void
tell(const struct packet *p, const char *secret, size_t n, char *out,
    size_t size)
{
	char user[64], service[64], method[64];
	struct reader r;

	if (p->bytes[0] == MSG_USERAUTH_RESPONSE) {
		uint32_t count;
		size_t used;

		assert_int_equal(p->len, 1);
		reader_init(&r, (const uint8_t *)secret, n);
		count = reader_u32(&r);
		used = (size_t)snprintf(out, size, "answer");
		for (uint32_t i = 0; i < count; i++) {
			const uint8_t *text = reader_string(&r, &n);

			used += (size_t)snprintf(out + used, size - used,
			    "%s%.*s", i == 0 ? " " : "|", (int)n,
			    (const char *)text);
		}
		assert_false(r.broken);
		assert_int_equal(r.left, 0);
		return;
	}
	reader_init(&r, p->bytes, p->len);
	assert_int_equal(reader_u8(&r), MSG_USERAUTH_REQUEST);
	reader_text(&r, user, sizeof(user));
	reader_text(&r, service, sizeof(service));
	reader_text(&r, method, sizeof(method));
	assert_string_equal(user, "me");
	assert_string_equal(service, "ssh-connection");
	snprintf(out, size, "%s%s%.*s", method, n > 0 ? " " : "", (int)n,
	    n > 0 ? secret : "");
	if (strcmp(method, "password") == 0) {
		assert_false(reader_bool(&r));
		assert_int_equal(reader_u32(&r), n);
	}
}

static struct packet *
reply(const struct turn *t)
{
	struct packet *p = packet_new(t->message);
	uint32_t count = 0;

	if (t->message != MSG_USERAUTH_METHOD)
		return p;
	packet_cstring(p, "name");
	packet_cstring(p, "instruction\nof two lines");
	packet_cstring(p, "");
	while (count < 4 && t->prompts[count] != NULL)
		count++;
	packet_u32(p, t->count > 0 ? t->count : count);
	for (uint32_t i = 0; i < count; i++) {
		packet_cstring(p, t->prompts[i] + 1);
		packet_u8(p, t->prompts[i][0] == '+');
	}
	p->len -= t->cut;
	return p;
}

uint8_t
auth_exchange(struct auth *a, struct packet *p, const char *secret, size_t n,
    bool more, uint8_t **data, size_t *len, struct err *err)
{
	const struct turn *t = &w.turns[w.turn++];
	struct transport_failure *f = &w.transport->failure;
	struct packet *answer = reply(t);
	char heard[256];

	(void)a;
	(void)err;
	tell(p, secret, n, heard, sizeof(heard));
	packet_free(p);
	if (t->heard == NULL)
		fail_msg("unexpected: %s", heard);
	assert_string_equal(heard, t->heard);
	assert_true(more || t->message != MSG_USERAUTH_METHOD);
	if (t->message == MSG_USERAUTH_FAILURE) {
		f->count++;
		f->partial = t->methods[0] == '+';
		snprintf(f->methods, sizeof(f->methods), "%s",
		    t->methods + f->partial);
	}
	*data = answer->bytes;
	*len = answer->len;
	answer->bytes = NULL;
	packet_free(answer);
	return t->message;
}

static int
answer(void *arg, const struct auth_question *q, struct secret *out,
    struct err *err)
{
	static const char *const names[] = { "passphrase", "password",
	    "answer" };

	(void)arg;
	assert_true(w.asked < 4);
	assert_true(strlen(q->prompt) <= AUTH_PROMPT_MAX);
	assert_null(q->key);
	snprintf(w.questions[w.asked], sizeof(w.questions[0]), "%s %d %s",
	    names[q->kind], q->try_number, q->prompt);
	if (w.silent)
		return err_set(err, ERR_NOTFOUND, "the test is silent");
	out->len = strlen(w.said[w.asked]);
	memcpy(out->text, w.said[w.asked++], out->len + 1);
	return 0;
}

/* What auth_run() makes of a server that speaks so. */
static int
run(const struct turn *turns, const char *const *methods, size_t count,
    bool can_ask)
{
	struct keyring ring = { 0 };
	const struct algorithm_list allowed = { .names = (char *)"ssh-rsa" };
	struct auth_request request = {
		.user = "me", .host = "server", .allowed = &allowed,
		.keys = &ring,
		.methods = methods, .method_count = count,
		.ask = can_ask ? answer : NULL, .tries = 2,
		.deadline_ms = clock_now_ms() + 10000,
	};
	size_t n = 0;
	int rc;

	w.turns = turns;
	w.turn = 0;
	w.asked = 0;
	rc = auth_run(w.transport, &request, &w.err);
	while (turns[n].heard != NULL)
		n++;
	assert_int_equal(w.turn, n);
	return rc;
}

static int
run_all(const struct turn *turns)
{
	static const char *const methods[] = { "publickey",
	    "keyboard-interactive", "password" };

	return run(turns, methods, 3, true);
}

static int
run_password(const struct turn *turns)
{
	static const char *const methods[] = { "password" };

	return run(turns, methods, 1, true);
}

static void
assert_err(enum err_code code, const char *want)
{
	if (w.err.code != code || strstr(w.err.text, want) == NULL)
		fail_msg("code %d: \"%s\" has no \"%s\"", w.err.code,
		    w.err.text, want);
}

static void
secrets(const char *first, const char *second)
{
	snprintf(w.said[0], sizeof(w.said[0]), "%s", first);
	snprintf(w.said[1], sizeof(w.said[1]), "%s", second);
}

#define REFUSE(what, list) \
	{ .heard = what, .message = MSG_USERAUTH_FAILURE, .methods = list }
#define ACCEPT(what)	{ .heard = what, .message = MSG_USERAUTH_SUCCESS }
#define ASK(what, ...) \
	{ .heard = what, .message = MSG_USERAUTH_METHOD, \
	  .prompts = { __VA_ARGS__ } }
#define END		{ 0 }

/* RFC 4252 5.1 lets the list be empty. */
static void
nothing_goes_on(void **state)
{
	static const struct turn turns[] = { REFUSE("none", ""), END };

	(void)state;
	assert_int_equal(run_all(turns), -1);
	assert_err(ERR_REFUSED, "user \"me\"; it allows nothing");
}

static void
no_need_of_anything(void **state)
{
	static const struct turn turns[] = { ACCEPT("none"), END };

	(void)state;
	assert_int_equal(run_all(turns), 0);
}

static void
password(void **state)
{
	static const struct turn turns[] = { REFUSE("none", ALL),
	    REFUSE("password wrong", ALL), ACCEPT("password right"), END };
	static const struct turn never[] = { REFUSE("none", "password"),
	    REFUSE("password wrong", "password"),
	    REFUSE("password right", "password"), END };

	(void)state;
	secrets("wrong", "right");
	assert_int_equal(run_password(turns), 0);
	assert_string_equal(w.questions[0], "password 1 me@server's "
	    "password: ");
	assert_string_equal(w.questions[1], "password 2 me@server's "
	    "password: ");
	assert_int_equal(run_password(never), -1);
	assert_err(ERR_REFUSED, "offered a password (2 times); it allows "
	    "password");
}

/* Servers ban those who repeat themselves. */
static void
same_password_again(void **state)
{
	static const struct turn turns[] = { REFUSE("none", "password"),
	    REFUSE("password wrong", "password"), END };

	(void)state;
	secrets("wrong", "wrong");
	assert_int_equal(run_password(turns), -1);
	assert_int_equal(w.asked, 2);
	assert_err(ERR_REFUSED, "the same again");
}

static void
expired_password(void **state)
{
	static const struct turn turns[] = { REFUSE("none", "password"),
	    { .heard = "password old", .message = MSG_USERAUTH_METHOD }, END };

	(void)state;
	secrets("old", "");
	assert_int_equal(run_password(turns), -1);
	assert_err(ERR_REFUSED, "the password has expired");
}

static void
questions(void **state)
{
	static const struct turn turns[] = { REFUSE("none", ALL),
	    ASK("keyboard-interactive", "-Password: ", "+Verification code "
	    "\033[1mnow\033[0m\n: "), ASK("answer pw|123456", NULL),
	    ACCEPT("answer"), END };

	(void)state;
	secrets("pw", "123456");
	assert_int_equal(run_all(turns), 0);
	assert_string_equal(w.questions[0], "password 1 (me@server) "
	    "Password: ");
	assert_string_equal(w.questions[1], "answer 1 (me@server) "
	    "Verification code ?[1mnow?[0m?: ");
}

/* A code is mistyped more easily than a password is. */
static void
wrong_code_right_password(void **state)
{
	static const struct turn turns[] = { REFUSE("none", ALL),
	    ASK("keyboard-interactive", "-Password: "),
	    ASK("answer pw", "-Verification code: "),
	    REFUSE("answer 1", ALL),
	    ASK("keyboard-interactive", "-Password: "),
	    ASK("answer pw", "-Verification code: "), ACCEPT("answer 2"),
	    END };

	(void)state;
	secrets("pw", "1");
	snprintf(w.said[2], sizeof(w.said[2]), "pw");
	snprintf(w.said[3], sizeof(w.said[3]), "2");
	assert_int_equal(run_all(turns), 0);
	assert_string_equal(w.questions[2], "password 2 (me@server) "
	    "Password: ");
	assert_string_equal(w.questions[3], "answer 2 (me@server) "
	    "Verification code: ");
}

/* Wrong by one method is wrong by the other; what is refused is not said. */
static void
one_password_for_two_methods(void **state)
{
	static const struct turn turns[] = { REFUSE("none", ALL),
	    ASK("keyboard-interactive", "-Password: "),
	    REFUSE("answer one", ALL),
	    ASK("keyboard-interactive", "-Password: "),
	    REFUSE("answer two", ALL), END };

	(void)state;
	secrets("one", "two");
	assert_int_equal(run_all(turns), -1);
	assert_string_equal(w.questions[1], "password 2 (me@server) "
	    "Password: ");
	assert_err(ERR_REFUSED, "offered answers to keyboard-interactive "
	    "(2 times); it allows " ALL);
}

/* Whom one method could not ask, the other doesn't ask again. */
static void
no_password(void **state)
{
	static const struct turn turns[] = { REFUSE("none", ALL),
	    ASK("keyboard-interactive", "-Password: "), END };
	const char *at;

	(void)state;
	w.silent = true;
	assert_int_equal(run_all(turns), -1);
	w.silent = false;
	assert_err(ERR_NOTFOUND, "no password: the test is silent");
	at = strstr(w.err.text, "no password");
	assert_null(strstr(at + 1, "no password"));
}

static void
no_answer(void **state)
{
	/* The dialogue is left, without a word that might be wrong. */
	static const struct turn turns[] = { REFUSE("none", ALL),
	    ASK("keyboard-interactive", "-PIN: "), END };

	(void)state;
	w.silent = true;
	assert_int_equal(run_all(turns), -1);
	w.silent = false;
	assert_err(ERR_NOTFOUND, "no answer to \"(me@server) PIN: \": the "
	    "test is silent");
	assert_err(ERR_NOTFOUND, "no password: the test is silent");
}

static void
new_password_by_questions(void **state)
{
	static const struct turn turns[] = {
	    REFUSE("none", "keyboard-interactive"),
	    ASK("keyboard-interactive", "-Password: "),
	    ASK("answer old", "-New password: ", "-Retype new password: "),
	    END };

	(void)state;
	secrets("old", "");
	assert_int_equal(run_all(turns), -1);
	assert_err(ERR_REFUSED, "the server wants a new password: log in once "
	    "with ssh");
}

static void
several_factors(void **state)
{
	static const struct turn turns[] = {
	    REFUSE("none", "password"), REFUSE("password pw",
	    "+keyboard-interactive"),
	    ASK("keyboard-interactive", "-One-time password (OATH): "),
	    ACCEPT("answer 42"), END };
	static const struct turn unfinished[] = {
	    REFUSE("none", "password"), REFUSE("password pw",
	    "+hostbased"), END };

	(void)state;
	secrets("pw", "42");
	assert_int_equal(run_all(turns), 0);
	assert_string_equal(w.questions[1], "answer 1 (me@server) One-time "
	    "password (OATH): ");
	assert_int_equal(run_all(unfinished), -1);
	assert_err(ERR_REFUSED, "it allows hostbased; the password was "
	    "accepted, but is not enough");
}

/* Whoever says "partial success" for ever. */
static void
endless_factors(void **state)
{
	static const struct turn turns[] = {
	    REFUSE("none", "keyboard-interactive"),
#define AGAIN	REFUSE("keyboard-interactive", "+keyboard-interactive")
	    AGAIN, AGAIN, AGAIN, AGAIN, AGAIN, AGAIN, AGAIN, AGAIN, AGAIN,
	    END };

	(void)state;
	assert_int_equal(run_all(turns), -1);
	assert_int_equal(w.err.code, ERR_REFUSED);
}

static void
endless_rounds(void **state)
{
	static struct turn turns[20] = {
	    REFUSE("none", "keyboard-interactive"),
	    ASK("keyboard-interactive", NULL) };

	(void)state;
	for (size_t i = 2; i < 18; i++)
		turns[i] = (struct turn)ASK("answer", NULL);
	assert_int_equal(run_all(turns), -1);
	assert_err(ERR_PROTOCOL, "asks without end");
}

static void
malformed_rounds(void **state)
{
	struct turn turns[] = { REFUSE("none", "keyboard-interactive"),
	    ASK("keyboard-interactive", "-a", "-b"), END };

	(void)state;
	/* Behind its message number it has 51 bytes. */
	for (turns[1].cut = 1; turns[1].cut <= 51; turns[1].cut++) {
		assert_int_equal(run_all(turns), -1);
		assert_err(ERR_PROTOCOL, "were not understood");
		assert_int_equal(w.asked, 0);
	}
	turns[1].cut = 0;
	turns[1].count = 3;
	assert_int_equal(run_all(turns), -1);
	assert_err(ERR_PROTOCOL, "were not understood");
	turns[1].count = UINT32_MAX;
	assert_int_equal(run_all(turns), -1);
	assert_err(ERR_PROTOCOL, "asks 4294967295 questions at once");
}

static void
nobody_to_ask(void **state)
{
	static const char *const methods[] = { "publickey",
	    "keyboard-interactive", "password" };
	static const struct turn turns[] = {
	    REFUSE("none", "password,keyboard-interactive"), END };

	(void)state;
	assert_int_equal(run(turns, methods, 3, false), -1);
	assert_err(ERR_REFUSED, "it allows password,keyboard-interactive; "
	    "there is no password: set HawserPassphraseCommand");
	assert_int_equal(run(turns, methods, 1, true), -1);
	assert_err(ERR_REFUSED, "the configuration leaves out "
	    "keyboard-interactive and password");
}

static void
order_of_the_configuration(void **state)
{
	static const char *const methods[] = { "password",
	    "keyboard-interactive" };
	static const struct turn turns[] = { REFUSE("none", ALL),
	    REFUSE("password pw", ALL),
	    REFUSE("password 42", "keyboard-interactive"),
	    ASK("keyboard-interactive", "-Password: "), END };

	(void)state;
	secrets("pw", "42");
	assert_int_equal(run(turns, methods, 2, true), -1);
}

static void
kinds_of_prompts(void **state)
{
	static const struct {
		struct auth_prompt prompt;
		bool is_password;
		bool wants_new;
	} rows[] = {
		{ { "Password: ", false }, true, false },
		{ { "me@server's password:", false }, true, false },
		{ { "Password for me@server:", false }, true, false },
		{ { "(current) UNIX password: ", false }, true, false },
		{ { "Password: ", true }, false, false },
		{ { "One-time password (OATH) for `me': ", false }, false,
		    false },
		{ { "Password + OTP: ", false }, false, false },
		{ { "Verification code: ", false }, false, false },
		{ { "New password: ", false }, false, true },
		{ { "Retype new password: ", false }, false, true },
		{ { "Enter new UNIX password: ", false }, false, true },
		{ { "", false }, false, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(auth_prompt_is_password(&rows[i].prompt),
		    rows[i].is_password);
		assert_int_equal(auth_prompt_wants_new(&rows[i].prompt),
		    rows[i].wants_new);
	}
}

static int
setup(void **state)
{
	int pair[2];

	(void)state;
	if (transport_library_init(&w.err) == -1 ||
	    socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == -1)
		return -1;
	w.transport = transport_new(pair[0], &w.err);
	return w.transport != NULL ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	transport_free(w.transport);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_need_of_anything),
		cmocka_unit_test(nothing_goes_on),
		cmocka_unit_test(password),
		cmocka_unit_test(same_password_again),
		cmocka_unit_test(expired_password),
		cmocka_unit_test(questions),
		cmocka_unit_test(wrong_code_right_password),
		cmocka_unit_test(one_password_for_two_methods),
		cmocka_unit_test(no_password),
		cmocka_unit_test(no_answer),
		cmocka_unit_test(new_password_by_questions),
		cmocka_unit_test(several_factors),
		cmocka_unit_test(endless_factors),
		cmocka_unit_test(endless_rounds),
		cmocka_unit_test(malformed_rounds),
		cmocka_unit_test(nobody_to_ask),
		cmocka_unit_test(order_of_the_configuration),
		cmocka_unit_test(kinds_of_prompts),
	};

	return cmocka_run_group_tests_name("auth_dialogue", tests, setup,
	    teardown);
}
