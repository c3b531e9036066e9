/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SSH_AUTH_IMPL_H
#define HAWSER_SSH_AUTH_IMPL_H

#include <libssh2.h>
#include <stdbool.h>

#include "base/str.h"
#include "ssh/auth.h"

/*
 * auth_impl: what auth.c (the order of things) and auth_key.c (one key) share.
 * Nobody else includes this.
 */

#define AUTH_METHODS_SIZE	128	/* of the server's list, for people */

struct auth {
	struct transport *transport;
	LIBSSH2_SESSION *session;
	const struct auth_request *request;
	char *list;			/* libssh2's, or NULL */
	bool publickey;			/* is in the list */
	char methods[AUTH_METHODS_SIZE];	/* the list, printable */
	struct str offered;		/* "PATH (TYPE), PATH (TYPE)" */
	struct str remarks;		/* "; PATH: why" */
};

/* What became of a request. */
enum auth_outcome { AUTH_DONE, AUTH_NEXT, AUTH_FAILED };

/* The text of libssh2's last error; any later call overwrites it. */
const char *auth_last_error(LIBSSH2_SESSION *);

/*
 * Did the connection end? libssh2 reports that with codes that also mean "key
 * not accepted". -1 with err set, or 0.
 */
int auth_check_alive(const struct auth *, struct err *);

/* Asks which methods go on (RFC 4252 5.2, "none"). */
enum auth_outcome auth_ask_methods(struct auth *, struct err *);

/* Offers one key. */
enum auth_outcome auth_offer_key(struct auth *, const struct keyring_key *,
    struct err *);

#endif
