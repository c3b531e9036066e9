/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>

#include "ssh/auth_impl.h"
#include "ssh/session.h"
#include "ssh/wipe.h"

#define USER_MAX	255	/* bytes; servers' own limits are lower */

/* RFC 4253 11.1: reasons to disconnect that are about who we are. */
enum {
	DISCONNECT_PROTOCOL_ERROR = 2,	/* sshd: too many failures */
	DISCONNECT_CANCELLED_BY_USER = 13,
	DISCONNECT_NO_MORE_METHODS = 14,
	DISCONNECT_ILLEGAL_USER = 15,
};

static bool
is_refusal(unsigned reason)
{
	return reason == DISCONNECT_PROTOCOL_ERROR ||
	    reason == DISCONNECT_CANCELLED_BY_USER ||
	    reason == DISCONNECT_NO_MORE_METHODS ||
	    reason == DISCONNECT_ILLEGAL_USER;
}

const char *
auth_last_error(LIBSSH2_SESSION *session)
{
	char *text = NULL;

	libssh2_session_last_error(session, &text, NULL, 0);
	return text != NULL && *text != '\0' ? text : "no reason given";
}

int
auth_check_alive(const struct auth *a, struct err *err)
{
	unsigned reason = 0;
	const char *text = transport_disconnect_text(a->transport, &reason);

	if (text == NULL) {
		if (transport_link_error(a->transport, err) == 0)
			return 0;
		return err_prefix(err, "authentication of user \"%s\"",
		    a->request->user);
	}
	return err_set(err, is_refusal(reason) ? ERR_REFUSED : ERR_CLOSED,
	    "the server ended the authentication of user \"%s\": %s%s%s%s",
	    a->request->user, *text != '\0' ? text : "no reason given",
	    a->offered.len > 0 ? "; it was offered " : "",
	    a->offered.len > 0 ? a->offered.p : "",
	    a->remarks.len > 0 ? a->remarks.p : "");
}

static void
keep_methods(struct auth *a, const char *list)
{
	size_t n = strlen("publickey");

	snprintf(a->methods, sizeof(a->methods), "%s", list);
	for (char *p = a->methods; *p != '\0'; p++)
		if (*p <= ' ' || *p > '~')
			*p = '?';
	a->publickey = false;
	for (const char *p = list; p != NULL; p = strchr(p, ',')) {
		p += *p == ',';
		if (strncmp(p, "publickey", n) == 0 &&
		    (p[n] == ',' || p[n] == '\0'))
			a->publickey = true;
	}
}

enum auth_outcome
auth_ask_methods(struct auth *a, struct err *err)
{
	/*
	 * libssh2 forgets its list when it makes the next one, without
	 * freeing it; the last one goes with the session.
	 */
	if (a->list != NULL)
		libssh2_free(a->session, a->list);
	a->list = libssh2_userauth_list(a->session, a->request->user,
	    (unsigned)strlen(a->request->user));
	if (a->list != NULL) {
		keep_methods(a, a->list);
		return AUTH_NEXT;
	}
	/* No list because nothing is left to ask for. */
	if (libssh2_userauth_authenticated(a->session))
		return AUTH_DONE;
	if (auth_check_alive(a, err) == 0)
		err_set(err, ERR_PROTOCOL,
		    "the server did not say how to authenticate: %s",
		    auth_last_error(a->session));
	return AUTH_FAILED;
}

static int
nothing_to_offer(const struct auth *a, struct err *err)
{
	const struct keyring *ring = a->request->keys;
	bool both = ring->problems.len > 0 && ring->missing.len > 0;

	return err_set(err, ERR_NOTFOUND,
	    "there is no key to offer for user \"%s\" (the server allows %s): "
	    "%s%s%s%s", a->request->user, a->methods,
	    ring->problems.len > 0 ? ring->problems.p : "",
	    both ? "; " : "",
	    ring->missing.len > 0 ? ring->missing.p : "",
	    ring->problems.len + ring->missing.len > 0 ? "" :
	    "no key file is configured, and no agent has a key");
}

/* Files that do not exist are not worth a word when others were offered. */
static int
refused(const struct auth *a, struct err *err)
{
	const struct str *problems = &a->request->keys->problems;

	if (!a->publickey && a->offered.len == 0)
		return err_set(err, ERR_REFUSED,
		    "the server takes no keys from user \"%s\"; it allows %s",
		    a->request->user, a->methods);
	return err_set(err, ERR_REFUSED,
	    "the server refused user \"%s\": offered %s; it allows %s%s%s%s",
	    a->request->user, a->offered.len > 0 ? a->offered.p : "no key",
	    a->methods, a->remarks.len > 0 ? a->remarks.p : "",
	    problems->len > 0 ? "; " : "",
	    problems->len > 0 ? problems->p : "");
}

static int
run(struct auth *a, struct err *err)
{
	const struct keyring *ring = a->request->keys;
	enum auth_outcome o = auth_ask_methods(a, err);

	if (o == AUTH_NEXT && ring->count == 0)
		return nothing_to_offer(a, err);
	for (size_t i = 0; o == AUTH_NEXT && a->publickey &&
	    i < ring->count; i++)
		o = auth_offer_key(a, &ring->keys[i], err);
	if (o == AUTH_NEXT)
		return refused(a, err);
	return o == AUTH_DONE ? 0 : -1;
}

int
auth_run(struct transport *transport, const struct auth_request *request,
    struct err *err)
{
	struct auth a = {
		.transport = transport,
		.session = transport_session(transport),
		.request = request,
	};
	int rc;

	if (*request->user == '\0' || strlen(request->user) > USER_MAX) {
		rc = err_set(err, ERR_INPUT,
		    "a user name has 1 to %d bytes", USER_MAX);
	} else {
		transport_set_deadline(transport, request->deadline_ms);
		rc = run(&a, err);
	}
	str_fini(&a.offered);
	str_fini(&a.remarks);
	keyring_fini(request->keys);
	wipe_frees(false);
	return rc;
}
