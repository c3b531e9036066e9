/* SPDX-License-Identifier: ISC */
#include "ssh/auth.h"

#include <libssh2.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "ssh/session.h"
#include "ssh/signature.h"

#define USER_MAX	255	/* bytes; servers' own limits are lower */
#define METHODS_SIZE	128	/* of the server's list, for people */

/* RFC 4253 11.1: reasons to disconnect that are about who we are. */
enum {
	DISCONNECT_PROTOCOL_ERROR = 2,	/* sshd: too many failures */
	DISCONNECT_CANCELLED_BY_USER = 13,
	DISCONNECT_NO_MORE_METHODS = 14,
	DISCONNECT_ILLEGAL_USER = 15,
};

struct auth {
	struct transport *transport;
	LIBSSH2_SESSION *session;
	const char *user;
	char *list;			/* libssh2's, or NULL */
	bool publickey;			/* is in the list */
	char methods[METHODS_SIZE];	/* the list, printable */
	struct str offered;		/* "PATH (TYPE), PATH (TYPE)" */
	struct str remarks;		/* "; PATH: why" */
};

/* What became of a request. */
enum outcome { DONE, NEXT, FAILED };

static bool
is_refusal(unsigned reason)
{
	return reason == DISCONNECT_PROTOCOL_ERROR ||
	    reason == DISCONNECT_CANCELLED_BY_USER ||
	    reason == DISCONNECT_NO_MORE_METHODS ||
	    reason == DISCONNECT_ILLEGAL_USER;
}

/* The text of libssh2's last error; any later call overwrites it. */
static const char *
last_error(LIBSSH2_SESSION *session)
{
	char *text = NULL;

	libssh2_session_last_error(session, &text, NULL, 0);
	return text != NULL && *text != '\0' ? text : "no reason given";
}

/*
 * Did the connection end? libssh2 reports that with codes that also mean "key
 * not accepted". -1 with err set, or 0.
 */
static int
check_alive(const struct auth *a, struct err *err)
{
	unsigned reason = 0;
	const char *text = transport_disconnect_text(a->transport, &reason);

	if (text == NULL) {
		if (transport_link_error(a->transport, err) == 0)
			return 0;
		return err_prefix(err, "authentication of user \"%s\"",
		    a->user);
	}
	return err_set(err, is_refusal(reason) ? ERR_REFUSED : ERR_CLOSED,
	    "the server ended the authentication of user \"%s\": %s%s%s%s",
	    a->user, *text != '\0' ? text : "no reason given",
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

/* Asks which methods go on (RFC 4252 5.2, "none"). */
static enum outcome
ask_methods(struct auth *a, struct err *err)
{
	/*
	 * libssh2 forgets its list when it makes the next one, without
	 * freeing it; the last one goes with the session.
	 */
	if (a->list != NULL)
		libssh2_free(a->session, a->list);
	a->list = libssh2_userauth_list(a->session, a->user,
	    (unsigned)strlen(a->user));
	if (a->list != NULL) {
		keep_methods(a, a->list);
		return NEXT;
	}
	/* No list because nothing is left to ask for. */
	if (libssh2_userauth_authenticated(a->session))
		return DONE;
	if (check_alive(a, err) == 0)
		err_set(err, ERR_PROTOCOL,
		    "the server did not say how to authenticate: %s",
		    last_error(a->session));
	return FAILED;
}

/* The key was good, but it was not enough; or its signature was not good. */
static enum outcome
go_on(struct auth *a, const struct identity *id, struct err *err)
{
	char before[METHODS_SIZE];
	enum outcome o;

	memcpy(before, a->methods, sizeof(before));
	if ((o = ask_methods(a, err)) != NEXT)
		return o;
	str_printf(&a->remarks, "; %s was %s", id->path,
	    strcmp(before, a->methods) != 0 ?
	    "accepted, but is not enough" : "known, but its signature was not "
	    "accepted or is not enough");
	return NEXT;
}

static enum outcome
offer(struct auth *a, const struct identity *id, struct err *err)
{
	char why[128];
	int rc;

	if (strcmp(id->type, "ssh-rsa") == 0 &&
	    !signature_prepare_rsa(a->session)) {
		str_printf(&a->remarks, "; %s was not offered, because the "
		    "server takes RSA signatures by SHA-1 only", id->path);
		return NEXT;
	}
	rc = libssh2_userauth_publickey_frommemory(a->session, a->user,
	    strlen(a->user), NULL, 0, id->key, id->len, NULL);
	if (rc == 0)
		return DONE;
	snprintf(why, sizeof(why), "%s", last_error(a->session));
	str_printf(&a->offered, "%s%s (%s)",
	    a->offered.len > 0 ? ", " : "", id->path, id->type);
	if (check_alive(a, err) == -1)
		return FAILED;
	switch (rc) {
	case LIBSSH2_ERROR_AUTHENTICATION_FAILED:
		return NEXT;
	case LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED:
		return go_on(a, id, err);
	default:
		str_printf(&a->remarks, "; %s was not usable: %s", id->path,
		    why);
		return NEXT;
	}
}

static int
nothing_to_offer(const struct auth *a, const struct identity_list *list,
    struct err *err)
{
	bool both = list->problems.len > 0 && list->missing.len > 0;

	return err_set(err, ERR_NOTFOUND,
	    "there is no key to offer for user \"%s\" (the server allows %s): "
	    "%s%s%s%s", a->user, a->methods,
	    list->problems.len > 0 ? list->problems.p : "",
	    both ? "; " : "",
	    list->missing.len > 0 ? list->missing.p : "",
	    list->problems.len + list->missing.len > 0 ? "" :
	    "no key file is configured");
}

/* Files that do not exist are not worth a word when others were offered. */
static int
refused(const struct auth *a, const struct identity_list *list,
    struct err *err)
{
	if (!a->publickey && a->offered.len == 0)
		return err_set(err, ERR_REFUSED,
		    "the server takes no keys from user \"%s\"; it allows %s",
		    a->user, a->methods);
	return err_set(err, ERR_REFUSED,
	    "the server refused user \"%s\": offered %s; it allows %s%s%s%s",
	    a->user, a->offered.len > 0 ? a->offered.p : "no key",
	    a->methods, a->remarks.len > 0 ? a->remarks.p : "",
	    list->problems.len > 0 ? "; " : "",
	    list->problems.len > 0 ? list->problems.p : "");
}

static int
run(struct auth *a, const struct identity_list *list, struct err *err)
{
	enum outcome o = ask_methods(a, err);

	if (o == NEXT && list->count == 0)
		return nothing_to_offer(a, list, err);
	for (size_t i = 0; o == NEXT && a->publickey && i < list->count; i++)
		o = offer(a, &list->items[i], err);
	if (o == NEXT)
		return refused(a, list, err);
	return o == DONE ? 0 : -1;
}

int
auth_run(struct transport *transport, const char *user,
    struct identity_list *list, int64_t deadline_ms, struct err *err)
{
	struct auth a = {
		.transport = transport,
		.session = transport_session(transport),
		.user = user,
	};
	int rc;

	if (*user == '\0' || strlen(user) > USER_MAX) {
		rc = err_set(err, ERR_INPUT,
		    "a user name has 1 to %d bytes", USER_MAX);
	} else {
		transport_set_deadline(transport, deadline_ms);
		rc = run(&a, list, err);
	}
	str_fini(&a.offered);
	str_fini(&a.remarks);
	identity_list_fini(list);
	return rc;
}
