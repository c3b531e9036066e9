/* SPDX-License-Identifier: ISC */
#define _DEFAULT_SOURCE		/* strsep */
#include "config/methods.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "config/report.h"

/* In the order in which ssh tries them, too. */
enum method { M_PUBLICKEY, M_KEYBOARD, M_PASSWORD, METHOD_COUNT };

static const struct {
	const char *name;
	enum keyword_id flag;	/* "no" rules it out */
} methods[] = {
	[M_PUBLICKEY] = { "publickey", KW_PUBKEYAUTHENTICATION },
	[M_KEYBOARD] = { "keyboard-interactive",
	    KW_KBDINTERACTIVEAUTHENTICATION },
	[M_PASSWORD] = { "password", KW_PASSWORDAUTHENTICATION },
};
static_assert(sizeof(methods) / sizeof(methods[0]) == METHOD_COUNT &&
    METHOD_COUNT == METHODS_MAX, "one row per method");

/* What ssh does and hawser doesn't. */
static const char *const foreign[] = {
	"gssapi-with-mic", "gssapi-keyex", "hostbased", "none",
};

/* METHOD_COUNT if it is none of them. Case matters, as to ssh. */
static enum method
find_method(const char *name)
{
	enum method m = M_PUBLICKEY;

	while (m < METHOD_COUNT && strcmp(methods[m].name, name) != 0)
		m++;
	return m;
}

static void
add(struct host *h, enum method m)
{
	for (size_t i = 0; i < h->auth_method_count; i++)
		if (strcmp(h->auth_methods[i], methods[m].name) == 0)
			return;
	h->auth_methods[h->auth_method_count++] = str_dup(methods[m].name);
}

void
methods_build(struct host *out, const struct resolution *r)
{
	const char *text = resolution_text(r, KW_PREFERREDAUTHENTICATIONS);
	char *list, *rest, *name;
	enum method m;

	/* It has more words than yes and no: they are about how. */
	out->pubkey = strcmp(resolution_text(r, KW_PUBKEYAUTHENTICATION),
	    "false") != 0;
	out->auth_methods = mem_alloc(METHODS_MAX *
	    sizeof(*out->auth_methods));
	if (text == NULL) {
		for (m = M_PUBLICKEY; m < METHOD_COUNT; m++)
			add(out, m);
		return;
	}
	list = rest = str_dup(text);
	while ((name = strsep(&rest, ",")) != NULL)
		if ((m = find_method(name)) != METHOD_COUNT)
			add(out, m);
	free(list);
}

static bool
is_allowed(const struct host *h, enum method m)
{
	switch (m) {
	case M_PUBLICKEY:
		return h->pubkey;
	case M_KEYBOARD:
		return h->kbd_interactive && h->password_tries > 0;
	case M_PASSWORD:
		return h->password && h->password_tries > 0;
	case METHOD_COUNT:
		break;
	}
	return false;
}

size_t
methods_list(const struct host *h, char *out[METHODS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < h->auth_method_count && n < METHODS_MAX; i++)
		if (is_allowed(h, find_method(h->auth_methods[i])))
			out[n++] = h->auth_methods[i];
	return n;
}

static bool
is_foreign(const char *name)
{
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
		if (strcmp(foreign[i], name) == 0)
			return true;
	return false;
}

/* The names in one line, of which a method of ours is none. */
static void
check_names(const struct entry *e, struct config *report)
{
	char *list, *rest, *name;

	list = rest = str_dup(e->value.texts[0]);
	while ((name = strsep(&rest, ",")) != NULL) {
		if (find_method(name) != METHOD_COUNT)
			continue;
		document_complain(report, SEVERITY_WARNING, e,
		    is_foreign(name) ? "PreferredAuthentications: hawser "
		    "doesn't do %s; it is left out" :
		    "PreferredAuthentications: \"%s\" is no method that "
		    "hawser or ssh knows; it is left out", name);
	}
	free(list);
}

/* The line that has ruled out the most: one of them is there. */
static const struct entry *
find_culprit(const struct resolution *r)
{
	static const enum keyword_id ids[] = { KW_PREFERREDAUTHENTICATIONS,
	    KW_PUBKEYAUTHENTICATION, KW_NUMBEROFPASSWORDPROMPTS,
	    KW_KBDINTERACTIVEAUTHENTICATION, KW_PASSWORDAUTHENTICATION };
	const struct entry *e = NULL;

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]) && e == NULL; i++)
		e = resolution_entry(r, ids[i]);
	return e;
}

void
methods_check(const struct host *h, const struct resolution *r,
    struct config *report)
{
	const struct entry *e = resolution_entry(r,
	    KW_PREFERREDAUTHENTICATIONS);
	const char *text;
	char *left[METHODS_MAX];

	/* ssh's own files are written for people at terminals. */
	if (e != NULL && !e->lent)
		check_names(e, report);
	e = resolution_entry(r, KW_PUBKEYAUTHENTICATION);
	text = e != NULL ? e->value.texts[0] : "true";
	if (h->pubkey && strcmp(text, "true") != 0 && !e->lent)
		document_complain(report, SEVERITY_WARNING, e,
		    "PubkeyAuthentication %s isn't honoured: keys are offered "
		    "as by yes", text);
	if (methods_list(h, left) > 0)
		return;
	e = find_culprit(r);
	document_complain(report, SEVERITY_ERROR, e, "no method is "
	    "left to log in to %s with: PreferredAuthentications and the "
	    "keywords that rule methods out have to leave publickey, "
	    "keyboard-interactive or password", h->name);
}
