/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "config/expand.h"

#include <arpa/inet.h>
#include <limits.h>
#include <netdb.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/endpoint.h"
#include "base/str.h"
#include "config/sha1.h"

int
expand_user_init(struct expand_user *out, struct err *err)
{
	char machine[HOST_NAME_MAX + 1] = "";
	struct passwd *pw = getpwuid(getuid());
	const char *name = pw != NULL ? pw->pw_name : getenv("USER");
	const char *home = pw != NULL ? pw->pw_dir : getenv("HOME");

	if (name == NULL || home == NULL)
		return err_set(err, ERR_NOTFOUND, "user id %ld isn't in the "
		    "user database, and USER and HOME aren't set",
		    (long)getuid());
	gethostname(machine, sizeof(machine) - 1);
	*out = (struct expand_user){
		.name = str_dup(name),
		.home = str_dup(home),
		.machine = str_dup(machine),
		.uid = getuid(),
	};
	return 0;
}

void
expand_user_fini(struct expand_user *u)
{
	free(u->name);
	free(u->home);
	free(u->machine);
	*u = (struct expand_user){ 0 };
}

/* Appends the variable that *p ("${…") names; moves *p to its "}". */
static int
put_variable(const char **p, struct str *out, struct err *err)
{
	const char *name = *p + 2, *end = strchr(name, '}'), *value;
	char *copy;

	if (end == NULL || end == name)
		return err_set(err, ERR_INPUT,
		    "${ without a variable's name and }: %s", *p);
	copy = str_dupf("%.*s", (int)(end - name), name);
	value = getenv(copy);
	if (value == NULL)
		err_set(err, ERR_INPUT,
		    "the environment variable %s isn't set", copy);
	else
		str_append(out, value);
	free(copy);
	*p = end;
	return value == NULL ? -1 : 0;
}

/* %C: a name for the connection that is short and always the same. */
static void
put_hash(const struct expand_tokens *t, struct str *out)
{
	struct str all;
	char hex[SHA1_HEX_SIZE];

	str_init(&all);
	str_printf(&all, "%s%s%s%s%s", t->user->machine, t->host, t->port,
	    t->remote_user, t->jump);
	sha1_hex(hex, all.p, all.len);
	str_append(out, hex);
	str_fini(&all);
}

static int
put_token(char letter, const char *allowed, const struct expand_tokens *t,
    struct str *out, struct err *err)
{
	if (letter == '%') {
		str_append(out, "%");
		return 0;
	}
	if (letter == '\0')
		return err_set(err, ERR_INPUT,
		    "a single %% stands at the end (write %%%%)");
	if (strchr(allowed, letter) == NULL)
		return err_set(err, ERR_INPUT,
		    "the token %%%c can't be used here", letter);
	switch (letter) {
	case 'C':
		put_hash(t, out);
		break;
	case 'd':
		str_append(out, t->user->home);
		break;
	case 'h':
		str_append(out, t->host);
		break;
	case 'i':
		str_printf(out, "%ld", (long)t->user->uid);
		break;
	case 'j':
		str_append(out, t->jump);
		break;
	case 'k':
		str_append(out, t->alias);
		break;
	case 'L':
		str_append_n(out, t->user->machine,
		    strcspn(t->user->machine, "."));
		break;
	case 'l':
		str_append(out, t->user->machine);
		break;
	case 'n':
		str_append(out, t->original);
		break;
	case 'p':
		str_append(out, t->port);
		break;
	case 'r':
		str_append(out, t->remote_user);
		break;
	case 'u':
		str_append(out, t->user->name);
		break;
	}
	return 0;
}

/* Expands variables (if asked for) and tokens (if there are any). */
static char *
expand(const char *text, bool variables, const char *allowed,
    const struct expand_tokens *t, struct err *err)
{
	struct str out;
	int rc = 0;

	str_init(&out);
	for (const char *p = text; rc == 0 && *p != '\0'; p++) {
		if (variables && p[0] == '$' && p[1] == '{') {
			rc = put_variable(&p, &out, err);
		} else if (t != NULL && *p == '%') {
			p++;
			rc = put_token(*p, allowed, t, &out, err);
		} else {
			str_append_n(&out, p, 1);
		}
	}
	if (rc == 0)
		return str_take(&out);
	str_fini(&out);
	return NULL;
}

char *
expand_environment(const char *text, struct err *err)
{
	return expand(text, true, NULL, NULL, err);
}

char *
expand_tokens(const char *text, const char *allowed,
    const struct expand_tokens *t, struct err *err)
{
	return expand(text, false, allowed, t, err);
}

char *
expand_all(const char *text, const char *allowed,
    const struct expand_tokens *t, struct err *err)
{
	return expand(text, true, allowed, t, err);
}

char *
expand_tilde(const char *path, const struct expand_user *user,
    struct err *err)
{
	const char *end, *rest, *home = user->home;
	size_t n;

	if (*path != '~')
		return str_dup(path);
	end = path + strcspn(path, "/");
	if (end > path + 1) {
		char *name = str_dupf("%.*s", (int)(end - path - 1),
		    path + 1);
		struct passwd *pw = getpwnam(name);

		home = pw != NULL ? pw->pw_dir : NULL;
		if (home == NULL)
			err_set(err, ERR_INPUT, "there is no user %s", name);
		free(name);
		if (home == NULL)
			return NULL;
	}
	rest = end + strspn(end, "/");
	n = strlen(home);
	return str_dupf("%s%s%s", home,
	    n == 0 || home[n - 1] != '/' ? "/" : "", rest);
}

int
expand_port(uint16_t *out, const char *text, struct err *err)
{
	struct servent *service;

	if (endpoint_parse_port(out, text, NULL) == 0)
		return 0;
	if (text[strspn(text, "0123456789")] != '\0' &&
	    (service = getservbyname(text, "tcp")) != NULL) {
		*out = ntohs((uint16_t)service->s_port);
		return 0;
	}
	return endpoint_parse_port(out, text, err);
}
