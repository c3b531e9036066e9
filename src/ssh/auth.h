/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SSH_AUTH_H
#define HAWSER_SSH_AUTH_H

#include <stdint.h>

#include "base/err.h"
#include "ssh/identity.h"
#include "ssh/transport.h"

/*
 * auth: authentication (RFC 4252) by private key files, in blocking mode,
 * after the host key was accepted.
 */

/*
 * Authenticates as user, offering the keys in their order, until clock_now_ms()
 * is deadline_ms. The keys are wiped and the list is empty when this returns.
 * 0; -1 with
 *	ERR_REFUSED	the server does not want us: the text says which keys
 *			it was offered and which methods it allows
 *	ERR_NOTFOUND	there is no key to offer: the text says why
 *	ERR_INPUT	the user name cannot be sent
 *	ERR_TIMEOUT, ERR_CLOSED, ERR_SYS, ERR_PROTOCOL	the link ended it
 */
int auth_run(struct transport *, const char *user, struct identity_list *,
    int64_t deadline_ms, struct err *);

#endif
