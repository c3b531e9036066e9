/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CONFIG_EXPAND_H
#define HAWSER_CONFIG_EXPAND_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/*
 * expand: what ssh_config(5) lets stand for something else: ${VARIABLES}, "%"
 * tokens, "~", service names. Asks the environment, passwd and services(5);
 * never DNS.
 */

/* Who reads the configuration, and where. Owns its strings. */
struct expand_user {
	char *name;
	char *home;		/* passwd's, as for ssh; not $HOME */
	char *machine;		/* gethostname(2) */
	uid_t uid;
};

/* Values of the tokens; the strings are borrowed. */
struct expand_tokens {
	const struct expand_user *user;		/* %d %i %L %l %u */
	const char *original;			/* %n: as asked for */
	const char *host;			/* %h: the HostName */
	const char *port;			/* %p, decimal */
	const char *remote_user;		/* %r */
	const char *alias;			/* %k: HostKeyAlias, or %n */
	const char *jump;			/* %j: "" without ProxyJump */
};

/*
 * Fills out from passwd; who isn't there is what $USER and $HOME say. 0, or
 * -1 with ERR_NOTFOUND. expand_user_fini() frees it.
 */
int expand_user_init(struct expand_user *out, struct err *);
void expand_user_fini(struct expand_user *);

/*
 * New: text with every ${NAME} replaced; NULL with ERR_INPUT if one isn't set
 * or isn't closed.
 */
char *expand_environment(const char *text, struct err *);

/*
 * New: text with the tokens replaced whose letters stand in allowed ("%%" is
 * always one); NULL with ERR_INPUT for another letter.
 */
char *expand_tokens(const char *text, const char *allowed,
    const struct expand_tokens *, struct err *);

/* The same, and ${NAME} too. */
char *expand_all(const char *text, const char *allowed,
    const struct expand_tokens *, struct err *);

/* New: "~", "~/x" and "~user/x" made absolute, anything else copied. */
char *expand_tilde(const char *path, const struct expand_user *,
    struct err *);

/* A decimal port or a TCP service's name. 0, or -1 with ERR_INPUT. */
int expand_port(uint16_t *out, const char *text, struct err *);

#endif
