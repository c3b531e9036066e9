/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/clock.h"
#include "ssh/auth_impl.h"
#include "ssh/host_key.h"
#include "ssh/packet.h"
#include "ssh/session.h"
#include "ssh/signature.h"

/* One signature that an agent makes. */
struct signing {
	struct agent *agent;
	const struct keyring_key *key;
	int64_t deadline_ms;
	struct err err;		/* why there is none; else ERR_NONE */
};

/* The algorithm that the request to be signed (RFC 4252 7) names. */
static int
read_algorithm(const uint8_t *data, size_t len, char out[HOST_KEY_TYPE_SIZE])
{
	struct reader r;
	size_t n;

	reader_init(&r, data, len);
	reader_string(&r, &n);		/* the session's id */
	reader_u8(&r);			/* SSH_MSG_USERAUTH_REQUEST */
	reader_string(&r, &n);		/* the user */
	reader_string(&r, &n);		/* "ssh-connection" */
	reader_string(&r, &n);		/* "publickey" */
	reader_bool(&r);		/* it has a signature */
	reader_text(&r, out, HOST_KEY_TYPE_SIZE);
	return r.broken ? -1 : 0;
}

static int
sign_by_agent(LIBSSH2_SESSION *session, unsigned char **sig, size_t *sig_len,
    const unsigned char *data, size_t len, void **abstract)
{
	char algorithm[HOST_KEY_TYPE_SIZE];
	struct signing *s = *abstract;

	(void)session;
	if (read_algorithm(data, len, algorithm) == -1)
		return err_set(&s->err, ERR_PROTOCOL, "the request to be "
		    "signed was not understood");
	return agent_sign(s->agent, &s->key->agent_key, algorithm, data, len,
	    s->deadline_ms, sig, sig_len, &s->err);
}

static int
offer_by_agent(struct auth *a, const struct keyring_key *k, char *why,
    size_t size)
{
	int64_t limit = clock_now_ms() + AUTH_AGENT_MS;
	struct signing s = { .agent = a->request->keys->agent, .key = k,
	    .deadline_ms = limit < a->request->deadline_ms ? limit :
	    a->request->deadline_ms };
	void *abstract = &s;
	int rc = libssh2_userauth_publickey(a->session, a->request->user,
	    k->public.blob, k->public.len, sign_by_agent, &abstract);

	snprintf(why, size, "%s", s.err.code != ERR_NONE ? s.err.text :
	    auth_last_error(a->session));
	/* The key was fine with the server, but nobody signed. */
	if (rc != 0 && s.err.code != ERR_NONE)
		rc = LIBSSH2_ERROR_AGENT_PROTOCOL;
	return rc;
}

/* New: a certificate as libssh2 wants it, as the line of a .pub file. */
static char *
certificate_line(const struct public_key *k)
{
	char *text = base64_encode(k->blob, k->len);
	char *line = str_dupf("%s %s", k->type, text);

	free(text);
	return line;
}

static int
offer_by_file(struct auth *a, const struct keyring_key *k, char *why,
    size_t size)
{
	const struct identity *id = k->identity;
	char *line = public_key_is_cert(&k->public) ?
	    certificate_line(&k->public) : NULL;
	int rc = libssh2_userauth_publickey_frommemory(a->session,
	    a->request->user, strlen(a->request->user), line,
	    line != NULL ? strlen(line) : 0, id->key, id->len, NULL);

	snprintf(why, size, "%s", auth_last_error(a->session));
	free(line);
	return rc;
}

/* The key was good, but it was not enough; or its signature was not good. */
static enum auth_outcome
go_on(struct auth *a, const struct keyring_key *k, struct err *err)
{
	char before[AUTH_METHODS_SIZE];
	enum auth_outcome o;

	memcpy(before, a->methods, sizeof(before));
	if ((o = auth_ask_methods(a, err)) != AUTH_NEXT)
		return o;
	str_printf(&a->remarks, "; %s was %s", k->name,
	    strcmp(before, a->methods) != 0 ?
	    "accepted, but is not enough" : "known, but its signature was not "
	    "accepted or is not enough");
	return AUTH_NEXT;
}

static bool
is_rsa(const struct public_key *k)
{
	return strncmp(k->type, "ssh-rsa", 7) == 0;
}

enum auth_outcome
auth_offer_key(struct auth *a, const struct keyring_key *k, struct err *err)
{
	char why[ERR_TEXT_SIZE];
	int rc;

	signature_forget_method(a->session);
	if (is_rsa(&k->public) && !signature_prepare_rsa(a->session)) {
		str_printf(&a->remarks, "; %s was not offered, because the "
		    "server takes RSA signatures by SHA-1 only", k->name);
		return AUTH_NEXT;
	}
	rc = k->identity != NULL ? offer_by_file(a, k, why, sizeof(why)) :
	    offer_by_agent(a, k, why, sizeof(why));
	if (rc == 0)
		return AUTH_DONE;
	str_printf(&a->offered, "%s%s (%s)",
	    a->offered.len > 0 ? ", " : "", k->name, k->public.type);
	if (auth_check_alive(a, err) == -1)
		return AUTH_FAILED;
	switch (rc) {
	case LIBSSH2_ERROR_AUTHENTICATION_FAILED:
		return AUTH_NEXT;
	case LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED:
		return go_on(a, k, err);
	default:
		str_printf(&a->remarks, "; %s was not usable: %s", k->name,
		    why);
		return AUTH_NEXT;
	}
}
