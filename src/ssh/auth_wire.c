/* SPDX-License-Identifier: ISC */
#include <libssh2_priv.h>
#include <packet.h>
#include <transport.h>

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "ssh/auth_impl.h"
#include "ssh/session.h"

/*
 * Requests without a signature go out by these few lines instead of libssh2's
 * functions: those can neither give up a question (RFC 4256 3.1 allows it, a
 * wrong answer would count against us), nor say "partial success", nor ask
 * again after a password has expired.
 */

static int
link_failed(const struct auth *a, struct err *err)
{
	if (auth_check_alive(a, err) == -1)
		return -1;
	return err_set(err, ERR_PROTOCOL, "the server did not answer a "
	    "request to authenticate: %s", auth_last_error(a->session));
}

/* 0 with the answer, which is one of types (ended by 0), or -1. */
static int
await(struct auth *a, const uint8_t *types, uint8_t **data, size_t *len,
    struct err *err)
{
	while (_libssh2_packet_askv(a->session, types, data, len, 0, NULL,
	    0) != 0) {
		int rc = _libssh2_transport_read(a->session);

		if (rc < 0 && rc != LIBSSH2_ERROR_EAGAIN)
			return link_failed(a, err);
		if (clock_now_ms() >= a->deadline_ms)
			return err_set(err, ERR_TIMEOUT, "authentication of "
			    "user \"%s\": no answer in time",
			    a->request->user);
	}
	return 0;
}

uint8_t
auth_exchange(struct auth *a, struct packet *p, const char *secret, size_t n,
    bool more, uint8_t **data, size_t *len, struct err *err)
{
	const uint8_t types[] = { MSG_USERAUTH_SUCCESS, MSG_USERAUTH_FAILURE,
	    more ? MSG_USERAUTH_METHOD : 0, 0 };
	int rc = _libssh2_transport_send(a->session, p->bytes, p->len,
	    (const unsigned char *)secret, n);

	packet_free(p);
	*data = NULL;
	if (rc != 0) {
		link_failed(a, err);
		return 0;
	}
	if (await(a, types, data, len, err) == -1)
		return 0;
	if ((*data)[0] == MSG_USERAUTH_SUCCESS)
		a->session->state |= LIBSSH2_STATE_AUTHENTICATED;
	return (*data)[0];
}
