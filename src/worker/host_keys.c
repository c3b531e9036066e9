/* SPDX-License-Identifier: ISC */
#include "worker/host_keys.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/algorithms.h"
#include "base/base64.h"
#include "base/log.h"
#include "base/str.h"
#include "ipc/hostkey.h"
#include "ssh/connection.h"
#include "ssh/key_list.h"
#include "worker/report.h"

struct host_keys {
	struct loop *loop;
	const struct session_order *order;
	struct known_hosts *known;
	struct key_list list;
	bool told;		/* the server has sent its list */
};

struct host_keys *
host_keys_new(struct loop *loop, const struct session_order *order,
    struct known_hosts *known)
{
	struct host_keys *h = mem_alloc(sizeof(*h));

	h->loop = loop;
	h->order = order;
	h->known = known;
	return h;
}

void
host_keys_free(struct host_keys *h)
{
	if (h == NULL)
		return;
	key_list_fini(&h->list);
	known_hosts_free(h->known);
	free(h);
}

static json_t *
describe(const struct listed_key *k)
{
	char print[HOST_KEY_FINGERPRINT_SIZE];
	struct hostkey key = { .verdict = HOSTKEY_OFFERED,
	    .type = (char *)k->type, .fingerprint = print,
	    .key = base64_encode(k->blob, k->len) };
	json_t *o;

	host_key_fingerprint(k->blob, k->len, print);
	o = hostkey_encode(&key);
	free(key.key);
	return o;
}

static void
report_all(struct host_keys *h)
{
	json_t *keys = json_array();

	for (size_t i = 0; i < h->list.count; i++)
		json_array_append_new(keys, describe(&h->list.keys[i]));
	report_fact(h->loop->report, FACT_HOSTKEYS, json_pack("{s:o}",
	    "host_keys", keys));
}

static void
on_proof(void *arg, bool ok, const uint8_t *bytes, size_t n)
{
	struct host_keys *h = arg;
	const uint8_t *id;
	size_t id_len;
	struct err err;

	id = transport_session_id(connection_transport(h->loop->connection),
	    &id_len);
	if (!ok)
		log_info("the server has new host keys, but doesn't prove "
		    "that it has them: none is recorded");
	else if (key_list_check(&h->list, id, id_len, bytes, n, &err) == -1)
		log_warn("the server's proof of its new host keys is wrong: "
		    "none is recorded why=\"%s\"", err.text);
	else
		report_all(h);
}

/* Could the server show this key in a key exchange, and be taken for it? */
static bool
is_usable(const struct host_keys *h, const struct listed_key *k)
{
	const char *p = h->order->algorithms.lists[ALGORITHM_HOST_KEY].names;
	unsigned bits = host_key_rsa_bits(k->blob, k->len);
	char type[HOST_KEY_TYPE_SIZE];
	const char *name;
	size_t n;

	if (bits > 0 && bits < (unsigned)h->order->required_rsa_bits)
		return false;
	if (p == NULL)
		return true;
	while ((n = algorithm_next(&p, &name)) > 0) {
		host_key_type_of(name, n, type);
		if (strcmp(type, k->type) == 0)
			return true;
	}
	return false;
}

/* Marks keys that are new, leaves out those of no use. Is any new? */
static bool
mark_new(struct host_keys *h)
{
	struct key_list *l = &h->list;
	bool any = false;
	size_t kept = 0;

	for (size_t i = 0; i < l->count; i++) {
		struct listed_key *k = &l->keys[i];
		struct known_hosts_match m;

		known_hosts_check(h->known, k->blob, k->len, &m);
		/* Without a port it may be another server's key. */
		k->asked = m.verdict != KNOWN_HOSTS_KNOWN || m.portless;
		if (m.verdict == KNOWN_HOSTS_REVOKED ||
		    (k->asked && !is_usable(h, k)))
			continue;
		any = any || m.verdict != KNOWN_HOSTS_KNOWN;
		l->keys[kept++] = *k;
	}
	l->count = kept;
	return any;
}

/* Does known_hosts list one that the server no longer has? */
static bool
is_any_gone(const struct host_keys *h)
{
	const uint8_t *blob;
	size_t len;

	for (size_t i = 0; (blob = known_hosts_key(h->known, i, &len)) != NULL;
	    i++)
		if (!key_list_has(&h->list, blob, len))
			return true;
	return false;
}

void
host_keys_on_list(struct host_keys *h, const uint8_t *bytes, size_t n)
{
	struct str request;
	struct err err;

	if (h->told || h->known == NULL)
		return;
	h->told = true;
	if (key_list_parse(&h->list, bytes, n, &err) == -1) {
		log_warn("the server's list of host keys is not used: %s",
		    err.text);
		return;
	}
	if (!mark_new(h)) {
		if (h->list.count > 0 && is_any_gone(h))
			report_all(h);
		return;
	}
	str_init(&request);
	key_list_request(&h->list, &request);
	connection_prove(h->loop->connection, request.p, request.len,
	    on_proof, h);
	str_fini(&request);
}
