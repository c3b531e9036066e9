/* SPDX-License-Identifier: ISC */
#include "ssh/private_key.h"

#include <libssh2_priv.h>

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "ssh/wipe.h"

static int
unusable(const char *passphrase, struct err *err)
{
	ERR_clear_error();
	if (passphrase != NULL)
		return err_set(err, ERR_PERM,
		    "the passphrase is wrong, or the key is damaged");
	return err_set(err, ERR_INPUT, "the key is damaged");
}

int
private_key_public(const char *key, size_t len, const char *passphrase,
    struct public_key *out, struct err *err)
{
	LIBSSH2_SESSION *session = libssh2_session_init_ex(wipe_session_alloc,
	    wipe_session_free, wipe_session_realloc, NULL);
	unsigned char *method = NULL, *blob = NULL;
	size_t method_len = 0, blob_len = 0;
	int rc = -1;

	*out = (struct public_key){ 0 };
	if (session == NULL)
		return err_set(err, ERR_NOMEM, "out of memory for a key");
	if (_libssh2_pub_priv_keyfilememory(session, &method, &method_len,
	    &blob, &blob_len, key, len, passphrase) == 0)
		rc = public_key_set(out, blob, blob_len);
	free(method);
	free(blob);
	libssh2_session_free(session);
	return rc == 0 ? 0 : unusable(passphrase, err);
}

static const LIBSSH2_HOSTKEY_METHOD *
find_method(const char *algorithm)
{
	const LIBSSH2_HOSTKEY_METHOD **m = libssh2_hostkey_methods();

	while (*m != NULL && strcmp((*m)->name, algorithm) != 0)
		m++;
	return *m;
}

int
private_key_sign(LIBSSH2_SESSION *session, const char *key, size_t len,
    const char *passphrase, const char *algorithm, const uint8_t *data,
    size_t data_len, uint8_t **sig, size_t *sig_len, struct err *err)
{
	const LIBSSH2_HOSTKEY_METHOD *m = find_method(algorithm);
	struct iovec vector = { .iov_base = (void *)data,
	    .iov_len = data_len };
	void *state = NULL;
	int rc;

	if (m == NULL || m->initPEMFromMemory == NULL)
		return err_set(err, ERR_INPUT, "no key signs by %s",
		    algorithm);
	if (m->initPEMFromMemory(session, key, len,
	    (const unsigned char *)(passphrase != NULL ? passphrase : ""),
	    &state) != 0)
		return unusable(passphrase, err);
	rc = m->signv(session, sig, sig_len, 1, &vector, &state);
	if (m->dtor != NULL)
		m->dtor(session, &state);
	ERR_clear_error();
	return rc == 0 ? 0 : err_set(err, ERR_INPUT,
	    "the key cannot sign by %s", algorithm);
}
