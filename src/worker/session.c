/* SPDX-License-Identifier: ISC */
#include "worker/session.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/clock.h"
#include "base/fdio.h"
#include "base/log.h"
#include "base/str.h"
#include "ipc/hostkey.h"
#include "ssh/auth.h"
#include "ssh/host_cert.h"
#include "ssh/host_key.h"
#include "ssh/keyring.h"
#include "ssh/known_hosts.h"
#include "worker/ask.h"
#include "worker/ask_secret.h"
#include "worker/dial.h"
#include "worker/dial_socket.h"
#include "worker/sandbox.h"

struct session {
	const struct session_order *order;
	int sock;
	struct report *report;
	struct ending *ending;
	struct keyring keys;
	struct known_hosts *known_hosts;
	struct algorithms algorithms;
	struct transport *transport;
	bool by_cert;			/* the server's key is certified */
	char *cert_fault;		/* why it isn't, if it shows that */
	enum phase phase;
	const char *sandbox;		/* its name, once it is entered */
	char *distrust;			/* see struct ask_secret */
	struct targets reach;
};

static void
enter(struct session *s, enum phase phase)
{
	s->phase = phase;
	report_phase(s->report, phase);
}

/* As ssh calls it: to people, and in certificates. */
static const char *
server_name(const struct session_order *o)
{
	return o->host_key_alias[0] != '\0' ? o->host_key_alias :
	    o->hostname;
}

static int
load_known_hosts(struct session *s)
{
	const struct session_order *o = s->order;
	struct err err;
	const char *warning;

	/* An alias is looked up as it is: without a port. */
	s->known_hosts = o->host_key_alias[0] != '\0' ?
	    known_hosts_new(o->host_key_alias, 22) :
	    known_hosts_new(o->hostname, o->port);
	for (size_t i = 0; i < o->known_hosts_file_count; i++)
		if (known_hosts_load(s->known_hosts, o->known_hosts_files[i],
		    &err) == -1)
			return ending_set(s->ending, END_HOSTKEY, "cannot tell "
			    "whether the server's key is known: %s", err.text);
	for (size_t i = 0; i < o->revoked_key_file_count; i++)
		if (known_hosts_load_revoked(s->known_hosts,
		    o->revoked_key_files[i], &err) == -1)
			return ending_set(s->ending, END_HOSTKEY, "cannot tell "
			    "whether the server's key is revoked "
			    "(RevokedHostKeys): %s", err.text);
	for (size_t i = 0; (warning = known_hosts_warning(s->known_hosts,
	    i)) != NULL; i++)
		log_warn("a line of known_hosts is not used: %s", warning);
	return 0;
}

static void
load_keys(struct session *s)
{
	const struct session_order *o = s->order;
	struct keyring_source source = {
		.key_files = o->identity_files,
		.key_file_count = o->identity_file_count,
		.certificate_files = o->certificate_files,
		.certificate_file_count = o->certificate_file_count,
		.agent_path = o->agent[0] != '\0' ? o->agent : NULL,
		.only = o->identities_only,
		.can_ask = o->can_ask,
		.agent_deadline_ms = clock_now_ms() + SESSION_AGENT_MS,
	};

	keyring_load(&s->keys, &source);
	if (s->keys.problems.len > 0)
		log_debug("some keys are not used: %s", s->keys.problems.p);
}

/*
 * All files that are needed, OpenSSL's own too, and the agent: before the
 * sandbox.
 */
static int
load_files(struct session *s)
{
	struct err err;

	if (transport_library_init(&err) == -1)
		return ending_set(s->ending, END_CRASH, "%s", err.text);
	sandbox_prepare();
	load_keys(s);
	return load_known_hosts(s);
}

static int
make_transport(struct session *s, int link_fd)
{
	struct err err;

	if (link_fd == -1)
		link_fd = dial_server(s->order, s->report, s->ending);
	else
		dial_socket_options(link_fd, s->order);
	if (link_fd == -1)
		return -1;
	/* From here on bytes from the network are handled. */
	s->sandbox = sandbox_enter(&s->order->targets, &s->reach);
	if ((s->transport = transport_new(link_fd, &err)) == NULL)
		return ending_set(s->ending, END_CRASH, "%s", err.text);
	return 0;
}

/* The link failed during a phase that was not refused by the server. */
static int
explain_link(struct session *s, enum end_class class, const struct err *err)
{
	const struct session_order *o = s->order;

	if (err->code == ERR_TIMEOUT)
		return ending_set(s->ending, END_TIMEOUT,
		    "%s port %u did not answer in time (phase %s)",
		    o->hostname, o->port, phase_name(s->phase));
	return ending_set(s->ending, class, "%s port %u, phase %s: %s",
	    o->hostname, o->port, phase_name(s->phase), err->text);
}

/* sshd drops connections with a line of its own, a web server with its page. */
static int
explain_early_end(struct session *s)
{
	const struct session_order *o = s->order;
	const char *said = transport_greeting(s->transport);

	return ending_set(s->ending, END_CLOSED_EARLY, "%s port %u hung up "
	    "before its banner%s%.80s%s; see its log (MaxStartups, "
	    "PerSourcePenalties, fail2ban, or no SSH server?)", o->hostname,
	    o->port, *said != '\0' ? ", after saying \"" : "", said,
	    *said != '\0' ? "\"" : "");
}

static int
explain_handshake(struct session *s, const struct err *err)
{
	const struct session_order *o = s->order;
	enum err_code code = err->code;
	unsigned reason;

	if (code == ERR_REFUSED)
		return ending_set(s->ending, END_KEX, "%s port %u: %s",
		    o->hostname, o->port, err->text);
	if (code == ERR_PROTOCOL || code == ERR_INPUT)
		return explain_link(s, END_PROTOCOL, err);
	if (transport_disconnect_text(s->transport, &reason) != NULL)
		return explain_link(s, END_CLOSED, err);
	if (code != ERR_TIMEOUT && !transport_has_banner(s->transport))
		return explain_early_end(s);
	return explain_link(s, END_LOST, err);
}

static void
on_kex(void *arg)
{
	enter(arg, PHASE_KEX);
}

/* As ssh does: what known_hosts has goes first, unless somebody chose. */
static void
arrange_host_keys(struct session *s)
{
	struct algorithm_list *l = &s->algorithms.lists[ALGORITHM_HOST_KEY];
	char *arranged;

	arranged = known_hosts_algorithms(s->known_hosts, l->names,
	    l->is_arranged);
	free(l->names);
	l->names = arranged;
}

static int
shake_hands(struct session *s)
{
	const struct session_order *o = s->order;
	int64_t deadline = clock_now_ms() +
	    (int64_t)o->connect_timeout_s * 1000;
	struct err err;

	enter(s, PHASE_BANNER);
	transport_on_kex(s->transport, on_kex, s);
	arrange_host_keys(s);
	if (transport_handshake(s->transport, &s->algorithms, o->compression,
	    deadline, &err) == -1)
		return explain_handshake(s, &err);
	if (!transport_is_tapped())
		return ending_set(s->ending, END_CRASH, "this hawser-worker "
		    "was linked wrongly: libssh2's packets do not pass "
		    "through it");
	return 0;
}

/* What the supervisor is told of a key that is not known. */
static json_t *
describe_key(const struct known_hosts_match *m, const uint8_t *key,
    size_t len)
{
	static const enum hostkey_verdict verdicts[] = {
		[KNOWN_HOSTS_KNOWN] = HOSTKEY_UNKNOWN,
		[KNOWN_HOSTS_UNKNOWN] = HOSTKEY_UNKNOWN,
		[KNOWN_HOSTS_CHANGED] = HOSTKEY_CHANGED,
		[KNOWN_HOSTS_REVOKED] = HOSTKEY_REVOKED,
	};
	char type[HOST_KEY_TYPE_SIZE], print[HOST_KEY_FINGERPRINT_SIZE];
	struct hostkey k = { .verdict = verdicts[m->verdict], .type = type,
	    .fingerprint = print, .key = base64_encode(key, len) };
	json_t *o;

	host_key_type(key, len, type);
	host_key_fingerprint(key, len, print);
	k.known_at = known_hosts_place(m);
	o = hostkey_encode(&k);
	free(k.key);
	free(k.known_at);
	return o;
}

static int
refuse_key(struct session *s, const struct known_hosts_match *m,
    const uint8_t *key, size_t len)
{
	const struct session_order *o = s->order;
	struct ending *e = s->ending;
	const char *fault = s->cert_fault;
	char type[HOST_KEY_TYPE_SIZE], print[HOST_KEY_FINGERPRINT_SIZE];
	char *place = known_hosts_place(m), *cert = fault == NULL ?
	    str_dup("") : str_dupf(", and its certificate is not accepted "
	    "(%s)", fault);

	host_key_type(key, len, type);
	host_key_fingerprint(key, len, print);
	switch (m->verdict) {
	case KNOWN_HOSTS_REVOKED:
		ending_set(e, END_HOSTKEY, "the key of %s port %u is marked "
		    "as revoked in %s (%s %s); do not connect until its "
		    "operator says why", o->hostname, o->port, place, type,
		    print);
		break;
	case KNOWN_HOSTS_CHANGED:
		ending_set(e, END_HOSTKEY, "the key of %s port %u is not the "
		    "one in %s%s: it shows %s %s; compare that with the "
		    "server's operator, then: hawser hostkey accept %s %s",
		    o->hostname, o->port, place, cert, type, print, o->host,
		    print);
		break;
	case KNOWN_HOSTS_UNKNOWN:
	case KNOWN_HOSTS_KNOWN:
		ending_set(e, END_HOSTKEY, "the key of %s port %u is not "
		    "known%s: it shows %s %s; compare that with the server's "
		    "operator, then: hawser hostkey accept %s %s",
		    o->hostname, o->port, cert, type, print, o->host, print);
		break;
	}
	e->host_key = describe_key(m, key, len);
	free(cert);
	free(place);
	return -1;
}

/* Nobody checks keys. ssh tells such a server no secrets, either. */
static int
ignore_key(struct session *s, const struct known_hosts_match *m)
{
	char *place = known_hosts_place(m);

	log_warn("the server's key is not checked: StrictHostKeyChecking is "
	    "off");
	if (m->verdict == KNOWN_HOSTS_CHANGED)
		s->distrust = str_dupf("the server's key is not the one in "
		    "%s, so it gets none; to compare and accept it, set "
		    "StrictHostKeyChecking yes, then: hawser hostkey", place);
	free(place);
	return 0;
}

/* accept-new: nothing is sent before the key stands in known_hosts. */
static int
record_key(struct session *s, const struct known_hosts_match *m,
    const uint8_t *key, size_t len)
{
	const struct session_order *o = s->order;
	struct message answer;
	const char *error;
	struct err err;
	int rc = 0;

	if (ask(s->report, s->sock, FACT_HOSTKEY, json_pack("{s:o}",
	    "host_key", describe_key(m, key, len)), ORDER_RECORDED,
	    clock_now_ms() + SESSION_RECORD_MS, &answer, &err) == -1)
		return ending_set(s->ending, END_CRASH, "the key of %s port "
		    "%u could not be recorded: %s", o->hostname, o->port,
		    err.text);
	if ((error = message_string(&answer, "error")) != NULL) {
		rc = ending_set(s->ending, END_HOSTKEY, "the new key of %s "
		    "port %u could not be recorded: %s", o->hostname, o->port,
		    error);
		s->ending->host_key = describe_key(m, key, len);
	}
	message_fini(&answer);
	return rc;
}

static int
check_plain_key(struct session *s, const uint8_t *key, size_t len)
{
	const int policy = s->order->host_key_policy;
	struct known_hosts_match match;

	known_hosts_check(s->known_hosts, key, len, &match);
	if (match.verdict == KNOWN_HOSTS_KNOWN)
		return 0;
	if (match.verdict == KNOWN_HOSTS_UNKNOWN &&
	    policy == HOST_KEY_ACCEPT_NEW)
		return record_key(s, &match, key, len);
	/* A revoked key is refused whatever the configuration says. */
	if (policy == HOST_KEY_OFF &&
	    match.verdict != KNOWN_HOSTS_REVOKED)
		return ignore_key(s, &match);
	return refuse_key(s, &match, key, len);
}

/* Does a CA that is listed for the server vouch for its key? 0, or -1. */
static int
check_ca(struct session *s, const struct host_cert *c,
    const struct known_hosts_match *m, struct err *err)
{
	const struct session_order *o = s->order;
	char *name = str_dup(server_name(o));
	int rc;

	for (char *p = name; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	if (m->verdict != KNOWN_HOSTS_KNOWN)
		rc = err_set(err, ERR_REFUSED, "no @cert-authority line has "
		    "its CA for %s", name);
	else if (known_hosts_revokes_certs(s->known_hosts))
		rc = err_set(err, ERR_REFUSED, "the list of RevokedHostKeys "
		    "has certificates, which are not looked up");
	else
		rc = host_cert_check(c, name, clock_wall_ms() / 1000,
		    s->algorithms.lists[ALGORITHM_CA].names, err);
	free(name);
	return rc;
}

/* As ssh: a key whose certificate is not good is a key like any other. */
static int
check_cert(struct session *s, const struct host_cert *c)
{
	const struct session_order *o = s->order;
	char print[HOST_KEY_FINGERPRINT_SIZE], *place;
	struct known_hosts_match key, ca;
	struct err err;

	known_hosts_check(s->known_hosts, c->key.blob, c->key.len, &key);
	known_hosts_check_ca(s->known_hosts, c->ca, c->ca_len, &ca);
	if (key.verdict == KNOWN_HOSTS_REVOKED)
		return refuse_key(s, &key, c->key.blob, c->key.len);
	if (ca.verdict == KNOWN_HOSTS_REVOKED) {
		host_key_fingerprint(c->ca, c->ca_len, print);
		place = known_hosts_place(&ca);
		ending_set(s->ending, END_HOSTKEY, "the CA that certifies the "
		    "key of %s port %u is marked as revoked in %s (%s); do "
		    "not connect until its operator says why", o->hostname,
		    o->port, place, print);
		free(place);
		return -1;
	}
	if (check_ca(s, c, &ca, &err) == 0) {
		s->by_cert = true;
		return 0;
	}
	log_warn("the server's certificate is not accepted, and its key is "
	    "looked up without it: %s", err.text);
	s->cert_fault = str_dup(err.text);
	return check_plain_key(s, c->key.blob, c->key.len);
}

static int
check_host_key(struct session *s)
{
	struct host_cert cert;
	const uint8_t *key;
	unsigned bits;
	struct err err;
	size_t len;
	int rc;

	key = transport_host_key(s->transport, &len);
	if (key == NULL)
		return ending_set(s->ending, END_PROTOCOL,
		    "%s showed no host key", s->order->hostname);
	bits = host_key_rsa_bits(key, len);
	if (bits > 0 && bits < (unsigned)s->order->required_rsa_bits)
		return ending_set(s->ending, END_KEX, "the RSA key of %s port "
		    "%u has only %u bits, and RequiredRSASize is %d: have the "
		    "server show a key of another type or a longer one",
		    s->order->hostname, s->order->port, bits,
		    s->order->required_rsa_bits);
	if (!host_cert_is(key, len))
		return check_plain_key(s, key, len);
	if (host_cert_parse(&cert, key, len, &err) == -1)
		return ending_set(s->ending, END_PROTOCOL, "%s port %u: %s",
		    s->order->hostname, s->order->port, err.text);
	rc = check_cert(s, &cert);
	host_cert_fini(&cert);
	return rc;
}

static int
authenticate(struct session *s)
{
	const struct session_order *o = s->order;
	struct ask_secret secrets = { .report = s->report, .sock = s->sock,
	    .distrust = s->distrust };
	struct auth_request request = {
		.user = o->user,
		.host = server_name(o),
		.allowed = &s->algorithms.lists[ALGORITHM_USER_KEY],
		.required_rsa_bits = o->required_rsa_bits,
		.keys = &s->keys,
		.deadline_ms = clock_now_ms() + SESSION_AUTH_MS,
		.methods = (const char *const *)o->auth_methods,
		.method_count = o->auth_method_count,
		.ask = o->can_ask ? ask_secret : NULL,
		.arg = &secrets,
		.tries = o->password_tries,
	};
	struct err err;
	unsigned reason;

	enter(s, PHASE_AUTH);
	if (auth_run(s->transport, &request, &err) == 0)
		return 0;
	if (err.code == ERR_REFUSED || err.code == ERR_NOTFOUND ||
	    err.code == ERR_INPUT)
		return ending_set(s->ending, END_AUTH, "%s@%s port %u: %s",
		    o->user, o->hostname, o->port, err.text);
	if (transport_disconnect_text(s->transport, &reason) != NULL)
		return explain_link(s, END_AUTH, &err);
	if (err.code == ERR_PROTOCOL)
		return explain_link(s, END_PROTOCOL, &err);
	return explain_link(s, END_LOST, &err);
}

static void
report_up(struct session *s)
{
	char *server = str_dup(transport_banner(s->transport));

	str_make_printable(server);	/* facts are UTF-8 */
	report_fact(s->report, FACT_UP, json_pack("{s:s, s:s, s:o}",
	    "server", server, "sandbox", s->sandbox,
	    "targets", targets_encode(&s->reach)));
	free(server);
}

struct transport *
session_start(const struct session_order *o, int sock, int link_fd,
    struct report *report, struct known_hosts **known, struct ending *e)
{
	struct session s = { .order = o, .sock = sock, .report = report,
	    .ending = e };
	struct transport *t = NULL;

	*known = NULL;
	algorithms_complete(&s.algorithms, &o->algorithms);
	enter(&s, PHASE_START);
	if (load_files(&s) == -1) {
		fd_close(&link_fd);
		goto out;
	}
	if (make_transport(&s, link_fd) == -1 || shake_hands(&s) == -1 ||
	    check_host_key(&s) == -1 || authenticate(&s) == -1)
		goto out;
	enter(&s, PHASE_UP);
	report_up(&s);
	t = s.transport;
	s.transport = NULL;
	if (!s.by_cert) {
		*known = s.known_hosts;
		s.known_hosts = NULL;
	}
out:
	transport_free(s.transport);
	known_hosts_free(s.known_hosts);
	keyring_fini(&s.keys);
	algorithms_fini(&s.algorithms);
	targets_fini(&s.reach);
	free(s.cert_fault);
	free(s.distrust);
	return t;
}
