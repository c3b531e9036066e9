/* SPDX-License-Identifier: ISC */
#include "ssh/private_key.h"

#include <libssh2_priv.h>

#include <stdlib.h>

#include <openssl/err.h>

#include "ssh/wipe.h"

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
	ERR_clear_error();
	if (rc == -1)
		err_set(err, ERR_INPUT, "%s", passphrase != NULL ?
		    "the passphrase is wrong, or the key is damaged" :
		    "the key is damaged");
	return rc;
}
