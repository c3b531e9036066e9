/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>

#include "ssh/auth_impl.h"
#include "ssh/session.h"
#include "ssh/signature.h"
#include "ssh/wipe.h"

#define USER_MAX	255	/* bytes; servers' own limits are lower */

/* RFC 4253 11.1: reasons to disconnect that are about who we are. */
enum {
	DISCONNECT_PROTOCOL_ERROR = 2,	/* sshd: too many failures */
	DISCONNECT_CANCELLED_BY_USER = 13,
	DISCONNECT_NO_MORE_METHODS = 14,
	DISCONNECT_ILLEGAL_USER = 15,
};

/* Stages of a server that wants several factors; more make no sense. */
#define PARTIAL_MAX	8

static const struct method {
	const char *name;
	enum auth_outcome (*run)(struct auth *, struct err *);
} methods[] = {
	{ .name = "publickey", .run = auth_publickey },
	{ .name = "keyboard-interactive", .run = auth_interactive },
	{ .name = "password", .run = auth_password },
};
#define METHOD_COUNT	(sizeof(methods) / sizeof(methods[0]))

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

static void
add_offer(struct str *out, int n, const char *what)
{
	if (n > 0)
		str_printf(out, "%s%s", out->len > 0 ? ", " : "", what);
	if (n > 1)
		str_printf(out, " (%d times)", n);
}

/* What the server was offered; empty if nothing. */
static void
say_offered(const struct auth *a, struct str *out)
{
	str_init(out);
	if (a->offered.len > 0)
		str_append(out, a->offered.p);
	add_offer(out, a->passwords, "a password");
	add_offer(out, a->answers, "answers to keyboard-interactive");
}

int
auth_check_alive(const struct auth *a, struct err *err)
{
	unsigned reason = 0;
	const char *text = transport_disconnect_text(a->transport, &reason);
	struct str offers;

	if (text == NULL) {
		if (transport_link_error(a->transport, err) == 0)
			return 0;
		return err_prefix(err, "authentication of user \"%s\"",
		    a->request->user);
	}
	say_offered(a, &offers);
	err_set(err, is_refusal(reason) ? ERR_REFUSED : ERR_CLOSED,
	    "the server ended the authentication of user \"%s\": %s%s%s%s%s",
	    a->request->user, *text != '\0' ? text : "no reason given",
	    /* An agent may have more keys than MaxAuthTries lets us try. */
	    is_refusal(reason) && a->keys > 1 ? "; name the right key by "
	    "IdentityFile, with IdentitiesOnly yes" : "",
	    offers.len > 0 ? "; it was offered " : "",
	    offers.len > 0 ? offers.p : "",
	    a->remarks.len > 0 ? a->remarks.p : "");
	str_fini(&offers);
	return -1;
}

bool
auth_take_failure(struct auth *a)
{
	const struct transport_failure *f =
	    transport_auth_failure(a->transport);
	bool is_new = f->count != a->failures;

	a->failures = f->count;
	a->methods = f->methods[0] != '\0' ? f->methods : "nothing";
	a->partial = is_new && f->partial;
	return is_new;
}

static bool
has_name(const char *list, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = list; p != NULL; p = strchr(p, ',')) {
		p += *p == ',';
		if (strncmp(p, name, n) == 0 && (p[n] == ',' || p[n] == '\0'))
			return true;
	}
	return false;
}

struct packet *
auth_request_new(const struct auth *a, const char *method)
{
	struct packet *p = packet_new(MSG_USERAUTH_REQUEST);

	packet_cstring(p, a->request->user);
	packet_cstring(p, "ssh-connection");
	packet_cstring(p, method);
	return p;
}

/* Asks which methods go on (RFC 4252 5.2, "none"). */
static enum auth_outcome
ask_methods(struct auth *a, struct err *err)
{
	uint8_t *data, got;
	size_t len;

	got = auth_exchange(a, auth_request_new(a, "none"), NULL, 0, false,
	    &data, &len, err);
	free(data);
	auth_take_failure(a);
	return got == 0 ? AUTH_FAILED :
	    got == MSG_USERAUTH_SUCCESS ? AUTH_DONE : AUTH_NEXT;
}

/* The index in methods of the next one to try; METHOD_COUNT: there is none. */
static size_t
choose(const struct auth *a)
{
	const struct auth_request *r = a->request;
	size_t i;

	for (size_t m = 0; m < r->method_count; m++) {
		for (i = 0; i < METHOD_COUNT; i++)
			if (strcmp(methods[i].name, r->methods[m]) == 0)
				break;
		if (i < METHOD_COUNT && (a->spent & 1u << i) == 0 &&
		    has_name(a->methods, methods[i].name))
			return i;
	}
	return METHOD_COUNT;
}

/* Is the method one of ours? */
static bool
is_wanted(const struct auth *a, const char *name)
{
	for (size_t m = 0; m < a->request->method_count; m++)
		if (strcmp(a->request->methods[m], name) == 0)
			return true;
	return false;
}

/* The server doesn't say what it has against a key. */
static const char *
where_to_look(const struct auth *a)
{
	if (strstr(a->offered.p, "-cert-v01@") != NULL)
		return "; its log says what is wrong with the certificate "
		    "(the CA, a principal, an address?)";
	return a->keys > 1 ? "; is one of them in authorized_keys there?" :
	    "; is it in authorized_keys there?";
}

/* What else a person should know, as "; WHY; WHY". */
static void
add_reasons(const struct auth *a, struct str *out)
{
	bool keys = has_name(a->methods, "publickey");
	int first = 0;

	if (a->remarks.len > 0)
		str_append(out, a->remarks.p);
	if (a->mute && (!keys || a->offered.len == 0))
		str_append(out, "; there is no password: " AUTH_HOW_TO_ASK);
	if (keys && a->offered.len > 0) {
		if (a->remarks.len == 0)
			str_append(out, where_to_look(a));
		return;
	}
	for (size_t i = 0; i < METHOD_COUNT; i++)
		if (has_name(a->methods, methods[i].name) &&
		    !is_wanted(a, methods[i].name))
			str_printf(out, "%s%s", first++ == 0 ?
			    "; the configuration leaves out " : " and ",
			    methods[i].name);
}

static int
nothing_to_offer(const struct auth *a, struct err *err)
{
	const struct keyring *ring = a->request->keys;
	bool both = ring->problems.len > 0 && ring->missing.len > 0;
	struct str reasons;

	str_init(&reasons);
	add_reasons(a, &reasons);
	err_set(err, ERR_NOTFOUND,
	    "there is no key to offer for user \"%s\" (the server allows %s): "
	    "%s%s%s%s%s", a->request->user, a->methods,
	    ring->problems.len > 0 ? ring->problems.p : "",
	    both ? "; " : "",
	    ring->missing.len > 0 ? ring->missing.p : "",
	    ring->problems.len + ring->missing.len > 0 ? "" :
	    "no key file is configured, and no agent has a key",
	    reasons.len > 0 ? reasons.p : "");
	str_fini(&reasons);
	return -1;
}

/* Files that do not exist are not worth a word when others were offered. */
static int
refused(const struct auth *a, struct err *err)
{
	const struct str *problems = &a->request->keys->problems;
	bool keys = has_name(a->methods, "publickey");
	struct str offers, reasons;

	say_offered(a, &offers);
	if (offers.len == 0 && keys && a->request->keys->count == 0 &&
	    is_wanted(a, "publickey")) {
		str_fini(&offers);
		return nothing_to_offer(a, err);
	}
	str_init(&reasons);
	add_reasons(a, &reasons);
	if (offers.len == 0 && !keys)
		err_set(err, ERR_REFUSED, "the server takes no keys from "
		    "user \"%s\"; it allows %s%s", a->request->user,
		    a->methods, reasons.len > 0 ? reasons.p : "");
	else
		err_set(err, ERR_REFUSED, "the server refused user \"%s\": "
		    "offered %s; it allows %s%s%s%s", a->request->user,
		    offers.len > 0 ? offers.p : "nothing", a->methods,
		    reasons.len > 0 ? reasons.p : "",
		    problems->len > 0 ? "; " : "",
		    problems->len > 0 ? problems->p : "");
	str_fini(&offers);
	str_fini(&reasons);
	return -1;
}

/*
 * The next factor: methods that were no use for this one may be for that. Keys
 * are offered once: the server's mind about them won't change.
 */
static void
begin_stage(struct auth *a)
{
	a->spent = 0;
	a->partial = false;
}

static int
run(struct auth *a, struct err *err)
{
	enum auth_outcome o = ask_methods(a, err);
	int stages = 0;

	/* It came before the answer. */
	a->taken = signature_taken(a->session);
	while (o == AUTH_NEXT) {
		size_t m = choose(a);

		if (m == METHOD_COUNT)
			return refused(a, err);
		o = methods[m].run(a, err);
		if (o == AUTH_SPENT) {
			a->spent |= 1u << m;
			o = AUTH_NEXT;
		} else if (o == AUTH_NEXT && a->partial) {
			if (++stages > PARTIAL_MAX)
				return refused(a, err);
			begin_stage(a);
		}
	}
	return o == AUTH_DONE ? 0 : -1;
}

int
auth_run(struct transport *transport, const struct auth_request *request,
    struct err *err)
{
	static const char *const keys[] = { "publickey" };
	struct auth_request r = *request;
	struct auth a = {
		.transport = transport,
		.session = transport_session(transport),
		.request = &r,
		.deadline_ms = request->deadline_ms,
		.methods = "",
	};
	int rc;

	if (r.methods == NULL) {
		r.methods = keys;
		r.method_count = 1;
	}
	if (*r.user == '\0' || strlen(r.user) > USER_MAX) {
		rc = err_set(err, ERR_INPUT,
		    "a user name has 1 to %d bytes", USER_MAX);
	} else {
		transport_set_deadline(transport, a.deadline_ms);
		rc = run(&a, err);
	}
	free(a.taken);
	str_fini(&a.offered);
	str_fini(&a.remarks);
	secret_fini(&a.refused);
	keyring_fini(r.keys);
	wipe_frees(false);
	return rc;
}
