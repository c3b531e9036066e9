/* SPDX-License-Identifier: ISC */
#include "ipc/secret.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/utf8.h"

#define TRIES_MAX	1000

static const char *const kinds[] = {
	[SECRET_PASSPHRASE] = "passphrase",
	[SECRET_PASSWORD] = "password",
	[SECRET_ANSWER] = "answer",
};
static_assert(sizeof(kinds) / sizeof(kinds[0]) == SECRET_KIND_COUNT,
    "one name per kind");

const char *
secret_kind_name(enum secret_kind kind)
{
	return kinds[kind];
}

json_t *
secret_question_encode(const struct secret_question *q)
{
	json_t *o = json_pack("{s:s, s:s, s:i}", "kind", kinds[q->kind],
	    "prompt", q->prompt, "try", q->try_number);

	if (q->key != NULL)
		json_object_set_new(o, "key", json_string(q->key));
	return o;
}

static int
get_kind(json_t *body, enum secret_kind *out)
{
	const char *text = json_string_value(json_object_get(body, "kind"));

	for (int i = 0; i < SECRET_KIND_COUNT && text != NULL; i++)
		if (strcmp(kinds[i], text) == 0) {
			*out = (enum secret_kind)i;
			return 0;
		}
	return -1;
}

int
secret_question_decode(json_t *body, struct secret_question *out,
    struct err *err)
{
	json_t *prompt = json_object_get(body, "prompt");
	json_t *key = json_object_get(body, "key");
	json_int_t number = json_integer_value(json_object_get(body, "try"));

	if (get_kind(body, &out->kind) == -1 || !json_is_string(prompt) ||
	    number < 1 || number > TRIES_MAX ||
	    (key != NULL) != (out->kind == SECRET_PASSPHRASE) ||
	    (key != NULL && (!json_is_string(key) ||
	    json_string_length(key) >= PATH_MAX)))
		return err_set(err, ERR_PROTOCOL,
		    "a question for a secret is broken");
	out->prompt = str_dup(json_string_value(prompt));
	utf8_make_printable(out->prompt, SECRET_PROMPT_MAX);
	if (key != NULL)
		out->key = str_dup(json_string_value(key));
	out->try_number = (int)number;
	return 0;
}

void
secret_question_fini(struct secret_question *q)
{
	free(q->prompt);
	free(q->key);
	*q = (struct secret_question){ 0 };
}
