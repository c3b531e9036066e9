/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include <string.h>

#include "base/utf8.h"
#include "ssh/auth_impl.h"

static void
read_prompt(struct reader *r, struct auth_prompt *out)
{
	size_t n;
	const uint8_t *p = reader_string(r, &n);

	if (n > AUTH_PROMPT_MAX)
		n = AUTH_PROMPT_MAX;
	for (size_t i = 0; i < n; i++)
		out->text[i] = p[i] != '\0' ? (char)p[i] : '?';
	out->text[n] = '\0';
	utf8_make_printable(out->text, AUTH_PROMPT_MAX);
	out->echo = reader_bool(r);
}

int
auth_prompts_parse(const uint8_t *data, size_t len, struct auth_prompts *out,
    struct err *err)
{
	struct reader r;
	uint32_t count;
	size_t n;

	out->count = 0;
	reader_init(&r, data, len);
	reader_u8(&r);			/* SSH_MSG_USERAUTH_INFO_REQUEST */
	reader_string(&r, &n);		/* name */
	reader_string(&r, &n);		/* instruction */
	reader_string(&r, &n);		/* language */
	count = reader_u32(&r);
	if (!r.broken && count > AUTH_PROMPTS_MAX)
		return err_set(err, ERR_PROTOCOL,
		    "the server asks %u questions at once", (unsigned)count);
	for (uint32_t i = 0; i < count && !r.broken; i++)
		read_prompt(&r, &out->items[out->count++]);
	if (!r.broken)
		return 0;
	out->count = 0;
	return err_set(err, ERR_PROTOCOL, "the server's questions "
	    "(keyboard-interactive) were not understood");
}

static bool
has_any(const char *text, const char *const words[])
{
	for (size_t i = 0; words[i] != NULL; i++)
		if (strcasestr(text, words[i]) != NULL)
			return true;
	return false;
}

bool
auth_prompt_wants_new(const struct auth_prompt *p)
{
	/* As Linux-PAM asks for it. */
	static const char *const words[] = { "new password", "new unix",
	    "retype", "re-enter", "password again", NULL };

	return !p->echo && has_any(p->text, words);
}

bool
auth_prompt_is_password(const struct auth_prompt *p)
{
	static const char *const password[] = { "password", NULL };
	/* Passwords of another kind, which are never the same twice. */
	static const char *const other[] = { "one-time", "one time", "otp",
	    "token", "code", NULL };

	return !p->echo && has_any(p->text, password) &&
	    !has_any(p->text, other) && !auth_prompt_wants_new(p);
}
