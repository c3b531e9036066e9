/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SSH_HOST_CERT_H
#define HAWSER_SSH_HOST_CERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "ssh/public_key.h"

/*
 * host_cert: the certificates of servers (OpenSSH's PROTOCOL.certkeys). Bytes
 * in, verdict out. In the key exchange libssh2 is given the key that is
 * certified: its table of host key methods is answered by this room.
 */

/* Behind the name of the key's algorithm. */
#define HOST_CERT_SUFFIX	"-cert-v01@openssh.com"

struct host_cert {
	struct public_key key;	/* that is certified */
	const uint8_t *ca;	/* the key that has signed it */
	size_t ca_len;
	/* What follows is for host_cert_check(). */
	const uint8_t *blob;
	size_t signed_len;	/* of the blob's bytes */
	const uint8_t *signature, *principals, *critical;
	size_t signature_len, principals_len, critical_len;
	uint32_t kind;
	uint64_t after_s, before_s;	/* since 1970 */
};

/* Is it a certificate, by the name it begins with? */
bool host_cert_is(const uint8_t *blob, size_t len);

/*
 * Borrows the blob, which is as in a key exchange. 0; -1 (nothing is to be
 * freed) with ERR_PROTOCOL.
 */
int host_cert_parse(struct host_cert *out, const uint8_t *blob, size_t len,
    struct err *);

void host_cert_fini(struct host_cert *);

/*
 * Whoever its CA is: is it a host's, valid at wall_s (seconds since 1970) and
 * for this name (lower case, without a port; one without principals is for
 * every name, and principals may be patterns), without critical options, and
 * signed by its CA, by one of these algorithms (with commas; RSA by SHA-2
 * only)? 0; -1 with ERR_REFUSED and why not.
 */
int host_cert_check(const struct host_cert *, const char *name,
    int64_t wall_s, const char *algorithms, struct err *);

#endif
