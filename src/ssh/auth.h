/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SSH_AUTH_H
#define HAWSER_SSH_AUTH_H

#include <stddef.h>
#include <stdint.h>

#include "base/algorithms.h"
#include "base/err.h"
#include "ssh/keyring.h"
#include "ssh/secret.h"
#include "ssh/transport.h"

/*
 * auth: authentication (RFC 4252), in blocking mode, after the host key was
 * accepted. Methods come in the order of the configuration, as in ssh: of
 * those that the server takes now, the first with which there is something
 * left to try.
 */

#define AUTH_AGENT_MS	10000	/* an agent has this long for a signature */
#define AUTH_PROMPT_MAX	200	/* bytes of a question's text */

enum auth_secret {
	AUTH_PASSPHRASE,	/* of a key file */
	AUTH_PASSWORD,		/* of the user */
	AUTH_ANSWER,		/* to the server's question */
};

/* A question to whoever knows secrets; all borrowed. */
struct auth_question {
	enum auth_secret kind;
	const char *prompt;	/* for people: printable UTF-8, at most
				   AUTH_PROMPT_MAX bytes */
	const char *key;	/* the key file's path, or NULL */
	int try_number;		/* from 1; from 2: the last one was wrong */
};

struct auth_request {
	const char *user;
	const char *host;	/* its name, for prompts; NULL: the server */
	const struct algorithm_list *allowed;	/* of keys; it has names */
	int required_rsa_bits;	/* smaller RSA keys are not offered */
	struct keyring *keys;	/* wiped and empty when auth_run() returns */
	int64_t deadline_ms;	/* a clock_now_ms() time; ask()'s time does
				   not count */
	/*
	 * What to try, best first: "publickey", "keyboard-interactive",
	 * "password"; NULL: keys.
	 */
	const char *const *methods;
	size_t method_count;
	/*
	 * Answers a question, in out, which is secret_init()ed; -1 with a
	 * sentence if there is no answer. NULL: nobody can be asked.
	 */
	int (*ask)(void *arg, const struct auth_question *,
	    struct secret *out, struct err *);
	void *arg;
	int tries;		/* wrong answers to one question, at least 1 */
};

/*
 * Authenticates. Every secret is wiped when this returns. 0; -1 with
 *	ERR_REFUSED	the server does not want us: the text says what it was
 *			offered, what it allows, and what could not be asked
 *	ERR_NOTFOUND	there is no key to offer: the text says why
 *	ERR_INPUT	the user name cannot be sent
 *	ERR_TIMEOUT, ERR_CLOSED, ERR_SYS, ERR_PROTOCOL	the link ended it
 */
int auth_run(struct transport *, const struct auth_request *, struct err *);

#endif
