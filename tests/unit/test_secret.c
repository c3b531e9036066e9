/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "base/utf8.h"
#include "ipc/secret.h"

static void
there_and_back(void **state)
{
	static const struct secret_question passphrase = {
		.kind = SECRET_PASSPHRASE,
		.prompt = (char *)"Passphrase for key /k",
		.key = (char *)"/k",
		.try_number = 2,
	};
	struct secret_question out = { 0 };
	json_t *body = secret_question_encode(&passphrase);
	struct err err;

	(void)state;
	assert_int_equal(secret_question_decode(body, &out, &err), 0);
	assert_int_equal(out.kind, SECRET_PASSPHRASE);
	assert_string_equal(out.prompt, "Passphrase for key /k");
	assert_string_equal(out.key, "/k");
	assert_int_equal(out.try_number, 2);
	secret_question_fini(&out);
	json_decref(body);
}

static void
broken_questions(void **state)
{
	static const char *const bodies[] = {
		"{\"kind\":\"pin\",\"prompt\":\"?\",\"try\":1}",
		"{\"kind\":\"password\",\"prompt\":\"?\",\"try\":0}",
		"{\"kind\":\"password\",\"prompt\":\"?\",\"try\":1001}",
		"{\"kind\":\"password\",\"try\":1}",
		/* A key for a password; none for a passphrase. */
		("{\"kind\":\"password\",\"prompt\":\"?\",\"try\":1,"
		    "\"key\":\"/k\"}"),
		"{\"kind\":\"passphrase\",\"prompt\":\"?\",\"try\":1}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		struct secret_question out = { 0 };
		json_t *body = json_loads(bodies[i], 0, NULL);
		struct err err;

		assert_non_null(body);
		if (secret_question_decode(body, &out, &err) != -1)
			fail_msg("%s", bodies[i]);
		assert_int_equal(err.code, ERR_PROTOCOL);
		secret_question_fini(&out);
		json_decref(body);
	}
}

/* A prompt comes from the server. */
static void
prompts_are_made_printable(void **state)
{
	static const struct {
		const char *text;
		size_t max;
		const char *shown;
	} rows[] = {
		{ "Password:", 200, "Password:" },
		{ "Passwort f\xc3\xbcr dich", 200, "Passwort f\xc3\xbcr dich" },
		{ "\xe2\x82\xac \xf0\x9f\x94\x91", 200,
		    "\xe2\x82\xac \xf0\x9f\x94\x91" },
		{ "a\nb\033[2J\x7f", 200, "a?b?[2J?" },
		{ "\xff\xc0\xafz", 200, "???z" },
		{ "\xc2\x9b" "31m", 200, "?31m" },		/* CSI */
		{ "a\xe2\x80\xaetxt", 200, "a?txt" },		/* U+202E */
		{ "a\xe2\x81\xa6txt", 200, "a?txt" },		/* U+2066 */
		{ "\xe2\x80\x8b\xef\xbb\xbf", 200, "??" },
		/* Cut between characters. */
		{ "abc", 2, "ab" },
		{ "ab\xc3\xbc", 3, "ab" },
		{ "ab\xc3\xbc", 4, "ab\xc3\xbc" },
		{ "", 10, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *text = str_dup(rows[i].text);

		utf8_make_printable(text, rows[i].max);
		assert_string_equal(text, rows[i].shown);
		free(text);
	}
}

static void
decoding_cuts_the_prompt(void **state)
{
	struct secret_question out = { 0 };
	char prompt[1000];
	json_t *body;
	struct err err;

	(void)state;
	memset(prompt, 'x', sizeof(prompt));
	prompt[3] = '\n';
	prompt[sizeof(prompt) - 1] = '\0';
	body = json_pack("{s:s, s:s, s:i}", "kind", "answer", "prompt",
	    prompt, "try", 1);
	assert_int_equal(secret_question_decode(body, &out, &err), 0);
	assert_int_equal(strlen(out.prompt), SECRET_PROMPT_MAX);
	assert_int_equal(out.prompt[3], '?');
	secret_question_fini(&out);
	json_decref(body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(broken_questions),
		cmocka_unit_test(prompts_are_made_printable),
		cmocka_unit_test(decoding_cuts_the_prompt),
	};

	return cmocka_run_group_tests_name("secret", tests, NULL, NULL);
}
