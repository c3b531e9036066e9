/* SPDX-License-Identifier: ISC */
#include <stdlib.h>

#include "ssh/auth_impl.h"

/* RFC 4252 8 */

/* What the server says of a password that was sent. */
static enum auth_outcome
judge(struct auth *a, struct secret *password, uint8_t answer)
{
	auth_take_failure(a);
	auth_judge_password(a, password, answer != MSG_USERAUTH_FAILURE ||
	    a->partial);
	if (answer == MSG_USERAUTH_SUCCESS)
		return AUTH_DONE;
	if (answer == MSG_USERAUTH_METHOD) {
		/* SSH_MSG_USERAUTH_PASSWD_CHANGEREQ */
		str_append(&a->remarks, "; the password has expired and the "
		    "server wants a new one: log in once with ssh and change "
		    "it");
		return AUTH_SPENT;
	}
	if (a->partial)
		str_append(&a->remarks,
		    "; the password was accepted, but is not enough");
	return AUTH_NEXT;
}

enum auth_outcome
auth_password(struct auth *a, struct err *err)
{
	struct secret password = { 0 };
	enum auth_outcome o = AUTH_FAILED;
	uint8_t *data, answer;
	struct packet *p;
	size_t len;

	if (a->request->ask == NULL) {
		a->mute = true;
		return AUTH_SPENT;
	}
	if (auth_ask_password(a, NULL, &password) == -1)
		return AUTH_SPENT;
	p = auth_request_new(a, "password");
	packet_u8(p, 0);		/* it is not a change */
	packet_u32(p, (uint32_t)password.len);
	a->passwords++;
	answer = auth_exchange(a, p, password.text, password.len, true, &data,
	    &len, err);
	if (answer != 0)
		o = judge(a, &password, answer);
	free(data);
	secret_fini(&password);
	return o;
}
