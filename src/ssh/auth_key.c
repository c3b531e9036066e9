/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "base/clock.h"
#include "ssh/auth_impl.h"
#include "ssh/host_key.h"
#include "ssh/packet.h"
#include "ssh/private_key.h"
#include "ssh/signature.h"

/* One signature. */
struct signing {
	struct auth *a;
	LIBSSH2_SESSION *session;
	struct keyring_key *key;
	char algorithm[HOST_KEY_TYPE_SIZE];	/* as the request names it */
	const uint8_t *data;
	size_t len;
	uint8_t **sig;			/* new, from malloc() */
	size_t *sig_len;
	struct err err;			/* why there is none; else ERR_NONE */
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
sign_by_agent(struct signing *s)
{
	int64_t limit = clock_now_ms() + AUTH_AGENT_MS;
	struct auth *a = s->a;

	return agent_sign(a->request->keys->agent, &s->key->agent_key,
	    s->algorithm, s->data, s->len, limit < a->deadline_ms ? limit :
	    a->deadline_ms, s->sig, s->sig_len, &s->err);
}

/* Learns the public half of a file that didn't say it. */
static int
learn_public(void *arg, const char *passphrase, struct err *err)
{
	struct identity *id = arg;

	return private_key_public(id->key, id->len, passphrase, &id->public,
	    err);
}

/* Is the public half from elsewhere (KEY.pub, a certificate) the key's? */
static int
check_halves(const struct keyring_key *k, struct err *err)
{
	const struct public_key *own = &k->identity->public;
	struct public_key plain = { 0 };
	bool is_same;

	if (public_key_is_cert(&k->public))
		(void)public_key_of_cert(&k->public, &plain);
	is_same = public_key_equal(own, plain.blob != NULL ? &plain :
	    &k->public);
	public_key_fini(&plain);
	return is_same ? 0 : err_set(err, ERR_INPUT,
	    "%s.pub is not its public half", k->identity->path);
}

static int
sign_with_file(void *arg, const char *passphrase, struct err *err)
{
	struct signing *s = arg;
	struct identity *id = s->key->identity;
	char plain[HOST_KEY_TYPE_SIZE];

	if (id->public.blob == NULL &&
	    learn_public(id, passphrase, err) == -1)
		return -1;
	if (check_halves(s->key, err) == -1)
		return -1;
	public_key_plain_name(s->algorithm, strlen(s->algorithm), plain);
	return private_key_sign(s->session, id->key, id->len, passphrase,
	    plain, s->data, s->len, s->sig, s->sig_len, err);
}

/* libssh2 wants a signature: the server takes the key. */
static int
sign(LIBSSH2_SESSION *session, unsigned char **sig, size_t *sig_len,
    const unsigned char *data, size_t len, void **abstract)
{
	struct signing *s = *abstract;

	s->session = session;
	s->data = data;
	s->len = len;
	s->sig = sig;
	s->sig_len = sig_len;
	if (read_algorithm(data, len, s->algorithm) == -1)
		return err_set(&s->err, ERR_PROTOCOL, "the request to be "
		    "signed was not understood");
	if (s->key->identity == NULL)
		return sign_by_agent(s);
	return auth_unlock(s->a, s->key->identity, sign_with_file, s,
	    &s->err);
}

/* The key was good, but it was not enough; or its signature was not good. */
static void
remark_signed(struct auth *a, const struct keyring_key *k)
{
	str_printf(&a->remarks, "; %s was %s", k->name, a->partial ?
	    "accepted, but is not enough" :
	    "known, but its signature was not accepted");
}

/* Notes why a key is not offered: "; NAME was not offered: WHY". */
static void
leave_out(struct auth *a, const struct keyring_key *k)
{
	const struct algorithm_list *l = a->request->allowed;
	const char *keyword = algorithm_keyword(ALGORITHM_USER_KEY);

	str_printf(&a->remarks, "; %s was not offered: ", k->name);
	if (!signature_is_possible(k->public.type, l->names))
		str_printf(&a->remarks, "%s%s%s does not allow %s", keyword,
		    l->origin != NULL ? " at " : "",
		    l->origin != NULL ? l->origin : "", k->public.type);
	else if (a->taken == NULL || strstr(a->taken, "rsa-sha2-") == NULL)
		str_printf(&a->remarks, "the server takes RSA signatures by "
		    "SHA-1 only, which \"%s +%s\" would allow", keyword,
		    k->public.type);
	else
		str_printf(&a->remarks, "the server takes none of the RSA "
		    "signatures that %s allows", keyword);
}

/* Has libssh2 make the signature that is allowed. False if there is none. */
static bool
choose_signature(struct auth *a, const struct keyring_key *k)
{
	const struct auth_request *r = a->request;
	const struct public_key *p = &k->public;
	unsigned bits = host_key_rsa_bits(p->blob, p->len);
	const char *name;
	size_t n;

	if (bits > 0 && bits < (unsigned)r->required_rsa_bits) {
		str_printf(&a->remarks, "; %s was not offered: it has %u bits, "
		    "and RequiredRSASize is %d", k->name, bits,
		    r->required_rsa_bits);
		return false;
	}
	name = signature_choose(p->type, r->allowed->names, a->taken,
	    signature_has_old_certs(transport_banner(a->transport)), &n);
	if (name == NULL)
		leave_out(a, k);
	else
		signature_use(a->session, name, n);
	return name != NULL;
}

/* Can it be offered? If not, why is remarked. */
static bool
prepare(struct auth *a, struct keyring_key *k)
{
	struct err err;

	if (k->public.blob == NULL &&
	    auth_unlock(a, k->identity, learn_public, k->identity,
	    &err) == -1) {
		str_printf(&a->remarks, "; %s was not offered: %s", k->name,
		    err.text);
		return false;
	}
	if (k->public.blob == NULL)
		(void)public_key_set(&k->public, k->identity->public.blob,
		    k->identity->public.len);
	return choose_signature(a, k);
}

static enum auth_outcome
offer(struct auth *a, struct keyring_key *k, struct err *err)
{
	struct signing s = { .a = a, .key = k };
	void *abstract = &s;
	bool refused;
	int rc = libssh2_userauth_publickey(a->session, a->request->user,
	    k->public.blob, k->public.len, sign, &abstract);

	if (rc == 0)
		return AUTH_DONE;
	if (s.err.code == ERR_NONE && rc != LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED
	    && rc != LIBSSH2_ERROR_AUTHENTICATION_FAILED)
		err_set(&s.err, ERR_PROTOCOL, "%s",
		    auth_last_error(a->session));
	refused = auth_take_failure(a);
	a->keys++;
	str_printf(&a->offered, "%s%s (%s)",
	    a->offered.len > 0 ? ", " : "", k->name, k->public.type);
	if (auth_check_alive(a, err) == -1)
		return AUTH_FAILED;
	/* The key was fine with the server, but nobody signed. */
	if (s.err.code != ERR_NONE)
		str_printf(&a->remarks, "; %s was not usable: %s", k->name,
		    s.err.text);
	else if (rc == LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED && refused)
		remark_signed(a, k);
	return AUTH_NEXT;
}

enum auth_outcome
auth_publickey(struct auth *a, struct err *err)
{
	struct keyring *ring = a->request->keys;

	while (a->next_key < ring->count) {
		struct keyring_key *k = &ring->keys[a->next_key++];

		if (prepare(a, k))
			return offer(a, k, err);
	}
	return AUTH_SPENT;
}
