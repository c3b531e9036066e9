/* SPDX-License-Identifier: ISC */
#include "ssh/host_cert.h"

#include <stdlib.h>
#include <string.h>

#include "base/algorithms.h"
#include "base/str.h"
#include "ssh/key_verify.h"
#include "ssh/packet.h"

#define HOST_CERT	2	/* PROTOCOL.certkeys, SSH_CERT_TYPE_HOST */

bool
host_cert_is(const uint8_t *blob, size_t len)
{
	const size_t suffix = strlen(HOST_CERT_SUFFIX);
	char type[HOST_KEY_TYPE_SIZE];
	struct reader r;
	size_t n;

	reader_init(&r, blob, len);
	reader_text(&r, type, sizeof(type));
	n = strlen(type);
	return !r.broken && n > suffix &&
	    strcmp(type + n - suffix, HOST_CERT_SUFFIX) == 0;
}

/* What stands behind the key's parts. */
static void
read_rest(struct host_cert *c, struct reader *r)
{
	size_t n;

	reader_skip(r, 8);		/* the serial number */
	c->kind = reader_u32(r);
	reader_string(r, &n);		/* the key's id */
	c->principals = reader_string(r, &c->principals_len);
	c->after_s = reader_u64(r);
	c->before_s = reader_u64(r);
	c->critical = reader_string(r, &c->critical_len);
	reader_string(r, &n);		/* extensions */
	reader_string(r, &n);		/* reserved */
	c->ca = reader_string(r, &c->ca_len);
	c->signed_len = (size_t)(r->p - c->blob);
	c->signature = reader_string(r, &c->signature_len);
}

int
host_cert_parse(struct host_cert *out, const uint8_t *blob, size_t len,
    struct err *err)
{
	struct public_key cert = { 0 };
	struct reader r, parts;
	size_t n;

	*out = (struct host_cert){ .blob = blob };
	if (public_key_set(&cert, blob, len) == -1 ||
	    public_key_of_cert(&cert, &out->key) == -1) {
		public_key_fini(&cert);
		return err_set(err, ERR_PROTOCOL, "the certificate is of an "
		    "unknown type, or damaged");
	}
	public_key_fini(&cert);
	reader_init(&r, blob, len);
	reader_string(&r, &n);		/* the type */
	reader_string(&r, &n);		/* the nonce */
	reader_init(&parts, out->key.blob, out->key.len);
	for (reader_string(&parts, &n); parts.left > 0 && !r.broken;) {
		reader_string(&parts, &n);
		reader_string(&r, &n);
	}
	read_rest(out, &r);
	if (!r.broken && r.left == 0)
		return 0;
	host_cert_fini(out);
	return err_set(err, ERR_PROTOCOL, "the certificate is damaged");
}

void
host_cert_fini(struct host_cert *c)
{
	public_key_fini(&c->key);
}

static bool
is_for(const struct host_cert *c, const char *name)
{
	bool found = c->principals_len == 0;
	struct reader r;

	reader_init(&r, c->principals, c->principals_len);
	while (r.left > 0 && !r.broken) {
		size_t n;
		const uint8_t *p = reader_string(&r, &n);
		char *pattern = str_dupf("%.*s", (int)n, (const char *)p);

		/* A NUL byte would hide what follows it. */
		found = found || (!r.broken && strlen(pattern) == n &&
		    str_match(name, pattern));
		free(pattern);
	}
	return found && !r.broken;
}

int
host_cert_check(const struct host_cert *c, const char *name, int64_t wall_s,
    const char *algorithms, struct err *err)
{
	const uint8_t *algorithm;
	struct reader r;
	struct err why;
	size_t n;

	if (c->kind != HOST_CERT)
		return err_set(err, ERR_REFUSED, "it is not a host's");
	if ((uint64_t)wall_s < c->after_s)
		return err_set(err, ERR_REFUSED, "it is not valid yet");
	if ((uint64_t)wall_s >= c->before_s)
		return err_set(err, ERR_REFUSED, "it has expired");
	if (!is_for(c, name))
		return err_set(err, ERR_REFUSED, "it is not for %s", name);
	if (c->critical_len > 0)
		return err_set(err, ERR_REFUSED,
		    "it has critical options, which no host has");
	reader_init(&r, c->signature, c->signature_len);
	algorithm = reader_string(&r, &n);
	if (!algorithm_is_in(algorithms, (const char *)algorithm, n))
		return err_set(err, ERR_REFUSED, "its CA has signed it by an "
		    "algorithm that is not one of CASignatureAlgorithms");
	if (key_verify(c->ca, c->ca_len, c->signature, c->signature_len,
	    c->blob, c->signed_len, &why) == -1)
		return err_set(err, ERR_REFUSED, "its CA has not signed it: "
		    "%s", why.text);
	return 0;
}
