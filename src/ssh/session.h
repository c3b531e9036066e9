/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SSH_SESSION_H
#define HAWSER_SSH_SESSION_H

#include <libssh2.h>
#include <stdbool.h>
#include <stdint.h>

#include "ssh/transport.h"

/*
 * session: the libssh2 session inside a transport, for the few files of this
 * folder that call libssh2. Nothing outside src/ssh includes this.
 */

/* Borrowed. */
LIBSSH2_SESSION *transport_session(struct transport *);

/* The clock_now_ms() at which blocking reads and writes give up. */
void transport_set_deadline(struct transport *, int64_t deadline_ms);

/* What the server's SSH_MSG_USERAUTH_FAILURE say (RFC 4252 5.1). */
struct transport_failure {
	unsigned count;			/* how many there were */
	/* Of the last one: */
	bool partial;			/* what was asked for was granted, but
					   more is needed */
	char methods[256];		/* that go on; printable, cut */
};

const struct transport_failure *transport_auth_failure(
    const struct transport *);

/*
 * Why the last blocking libssh2 call failed, when the link was the cause
 * (deadline passed, peer gone): fills err and returns -1; 0 if the link is
 * fine, so that libssh2's own error is the cause.
 */
int transport_link_error(const struct transport *, struct err *);

#endif
