/* SPDX-License-Identifier: ISC */
/* auth_prompt: a server's questions, and what they are taken for. */
#include <stddef.h>
#include <stdint.h>

#include "base/utf8.h"
#include "fuzz.h"
#include "ssh/auth_impl.h"

static void
check_prompt(const struct auth_prompt *p)
{
	size_t n = strlen(p->text);

	FUZZ_CHECK(n <= AUTH_PROMPT_MAX);
	for (size_t i = 0, step; i < n; i += step) {
		FUZZ_CHECK((unsigned char)p->text[i] >= ' ');
		step = utf8_length(p->text + i, n - i);
		FUZZ_CHECK(step > 0);
	}
	/* One is of no more than one kind. */
	FUZZ_CHECK(!auth_prompt_is_password(p) || !auth_prompt_wants_new(p));
	FUZZ_CHECK(!p->echo || (!auth_prompt_is_password(p) &&
	    !auth_prompt_wants_new(p)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct auth_prompts prompts;
	struct err err = { .code = ERR_NONE };

	if (auth_prompts_parse(data, len, &prompts, &err) == -1) {
		FUZZ_CHECK(err.code == ERR_PROTOCOL && prompts.count == 0);
		return 0;
	}
	FUZZ_CHECK(prompts.count <= AUTH_PROMPTS_MAX);
	for (size_t i = 0; i < prompts.count; i++)
		check_prompt(&prompts.items[i]);
	return 0;
}
