/* SPDX-License-Identifier: ISC */
#include <libssh2_priv.h>

#include <openssl/bn.h>
#include <openssl/evp.h>

/*
 * ecdh: the shared secret of ecdh-sha2-nistp* (RFC 5656 4), in libssh2's
 * place by the linker's --wrap: libssh2 1.11.1 loses about 2 KB of OpenSSL's
 * objects at each of these key exchanges.
 */

#define SECRET_MAX	66	/* bytes: nistp521 */

int __wrap__libssh2_ecdh_gen_k(_libssh2_bn **k, _libssh2_ec_key *key,
    const unsigned char *peer_point, size_t n);

/* 0, or -1 as libssh2 expects it. */
int
__wrap__libssh2_ecdh_gen_k(_libssh2_bn **k, _libssh2_ec_key *key,
    const unsigned char *peer_point, size_t n)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	EVP_PKEY *peer = EVP_PKEY_new();
	unsigned char secret[SECRET_MAX];
	size_t len = sizeof(secret);
	int rc = -1;

	/* set_peer refuses a point that is not on the curve. */
	if (ctx != NULL && peer != NULL &&
	    EVP_PKEY_copy_parameters(peer, key) == 1 &&
	    EVP_PKEY_set1_encoded_public_key(peer, peer_point, n) == 1 &&
	    EVP_PKEY_derive_init(ctx) == 1 &&
	    EVP_PKEY_derive_set_peer(ctx, peer) == 1 &&
	    EVP_PKEY_derive(ctx, secret, &len) == 1 &&
	    BN_bin2bn(secret, (int)len, *k) != NULL)
		rc = 0;
	OPENSSL_cleanse(secret, sizeof(secret));
	EVP_PKEY_free(peer);
	EVP_PKEY_CTX_free(ctx);
	return rc;
}
