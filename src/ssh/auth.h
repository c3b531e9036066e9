/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SSH_AUTH_H
#define HAWSER_SSH_AUTH_H

#include <stdint.h>

#include "base/err.h"
#include "ssh/keyring.h"
#include "ssh/transport.h"

/*
 * auth: authentication (RFC 4252), in blocking mode, after the host key was
 * accepted.
 */

#define AUTH_AGENT_MS	10000	/* an agent has this long for a signature */

struct auth_request {
	const char *user;
	struct keyring *keys;	/* wiped and empty when auth_run() returns */
	int64_t deadline_ms;	/* a clock_now_ms() time */
};

/*
 * Authenticates, offering the keys in their order. 0; -1 with
 *	ERR_REFUSED	the server does not want us: the text says which keys
 *			it was offered and which methods it allows
 *	ERR_NOTFOUND	there is no key to offer: the text says why
 *	ERR_INPUT	the user name cannot be sent
 *	ERR_TIMEOUT, ERR_CLOSED, ERR_SYS, ERR_PROTOCOL	the link ended it
 */
int auth_run(struct transport *, const struct auth_request *, struct err *);

#endif
