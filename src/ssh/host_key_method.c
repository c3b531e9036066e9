/* SPDX-License-Identifier: ISC */
/*
 * host_key_method: libssh2's table of host key methods is answered here in its
 * place, by the linker's --wrap: in 1.11.1 those of certificates take them for
 * plain keys, so that no server can be met by one. Here they hand the plain
 * method the key that is certified; whether the certificate is one is for
 * host_cert to say, before any authentication.
 */
#include <libssh2_priv.h>

#include <string.h>

#include "ssh/public_key.h"

#define METHODS_MAX	32

/* Names that the linker gives and asks for (--wrap). */
const LIBSSH2_HOSTKEY_METHOD **__real_libssh2_hostkey_methods(void);
const LIBSSH2_HOSTKEY_METHOD **__wrap_libssh2_hostkey_methods(void);

static LIBSSH2_HOSTKEY_METHOD cert_methods[METHODS_MAX];
static const LIBSSH2_HOSTKEY_METHOD *methods[METHODS_MAX + 1];

/* The method of the key that such a certificate is for, or NULL. */
static const LIBSSH2_HOSTKEY_METHOD *
method_of_key(const char *name)
{
	const LIBSSH2_HOSTKEY_METHOD **all = __real_libssh2_hostkey_methods();
	char plain[HOST_KEY_TYPE_SIZE];

	public_key_plain_name(name, strlen(name), plain);
	for (size_t i = 0; all[i] != NULL; i++)
		if (strcmp(all[i]->name, plain) == 0)
			return all[i];
	return NULL;
}

static int
init_cert(LIBSSH2_SESSION *session, const unsigned char *bytes, size_t len,
    void **abstract)
{
	const LIBSSH2_HOSTKEY_METHOD *m = method_of_key(session->hostkey->name);
	struct public_key cert = { 0 }, key = { 0 };
	int rc = -1;

	if (m != NULL && public_key_set(&cert, bytes, len) == 0 &&
	    public_key_of_cert(&cert, &key) == 0)
		rc = m->init(session, key.blob, key.len, abstract);
	public_key_fini(&key);
	public_key_fini(&cert);
	return rc;
}

static void
fill(void)
{
	const LIBSSH2_HOSTKEY_METHOD **all = __real_libssh2_hostkey_methods();
	const LIBSSH2_HOSTKEY_METHOD *plain;

	for (size_t i = 0; i < METHODS_MAX && all[i] != NULL; i++) {
		methods[i] = all[i];
		plain = method_of_key(all[i]->name);
		if (plain == NULL || plain == all[i])
			continue;
		cert_methods[i] = *all[i];
		cert_methods[i].init = init_cert;
		cert_methods[i].sig_verify = plain->sig_verify;
		cert_methods[i].dtor = plain->dtor;
		methods[i] = &cert_methods[i];
	}
}

const LIBSSH2_HOSTKEY_METHOD **
__wrap_libssh2_hostkey_methods(void)
{
	if (methods[0] == NULL)
		fill();
	return methods;
}
