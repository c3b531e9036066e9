/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "ssh/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/str.h"
#include "base/base64.h"
#include "ssh/packet.h"
#include "ssh/private_key.h"
#include "ssh/secret.h"

#define OPENSSH_BEGIN	"-----BEGIN OPENSSH PRIVATE KEY-----"
#define OPENSSH_END	"-----END OPENSSH PRIVATE KEY-----"
#define OPENSSH_MAGIC	"openssh-key-v1"	/* and its NUL */

/* What libssh2 and OpenSSL sign with. */
static const char *const supported[] = {
	"ssh-ed25519",
	"ecdsa-sha2-nistp256",
	"ecdsa-sha2-nistp384",
	"ecdsa-sha2-nistp521",
	"ssh-rsa",
};
#define SUPPORTED_COUNT	(sizeof(supported) / sizeof(supported[0]))

/* What libssh2 decrypts in a file. */
static const char *const ciphers[] = {
	"aes256-ctr", "aes192-ctr", "aes128-ctr", "aes256-cbc", "aes192-cbc",
	"aes128-cbc", "3des-cbc",
};
#define CIPHER_COUNT	(sizeof(ciphers) / sizeof(ciphers[0]))

/* OpenSSL's names of the curves of RFC 5656. */
static const struct {
	const char *group;
	const char *type;
} curves[] = {
	{ .group = "prime256v1", .type = "ecdsa-sha2-nistp256" },
	{ .group = "secp384r1", .type = "ecdsa-sha2-nistp384" },
	{ .group = "secp521r1", .type = "ecdsa-sha2-nistp521" },
};
#define CURVE_COUNT	(sizeof(curves) / sizeof(curves[0]))

/* Text that is seen at the beginning of files that are no private keys. */
static const struct {
	const char *begin;
	const char *why;
} strangers[] = {
	{ .begin = "ssh-",
	  .why = "is a public key; name the private one, without .pub" },
	{ .begin = "ecdsa-sha2-",
	  .why = "is a public key; name the private one, without .pub" },
	{ .begin = "---- BEGIN SSH2 PUBLIC KEY",
	  .why = "is a public key; name the private one" },
	{ .begin = "-----BEGIN PUBLIC KEY",
	  .why = "is a public key; name the private one" },
	{ .begin = "PuTTY-User-Key-File-",
	  .why = "is a PuTTY key; convert it: puttygen KEY -O "
	      "private-openssh -o NEW" },
	{ .begin = "SSH PRIVATE KEY FILE FORMAT 1.1",
	  .why = "is a key of SSH version 1, which nobody takes any more" },
};
#define STRANGER_COUNT	(sizeof(strangers) / sizeof(strangers[0]))

static int
open_file(const char *path, struct err *err)
{
	/* Without waiting, should it be a pipe. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd != -1)
		return fd;
	switch (errno) {
	case ENOENT:
	case ENOTDIR:
		return err_set(err, ERR_NOTFOUND,
		    "key file %s does not exist", path);
	case EACCES:
	case EPERM:
		return err_set(err, ERR_PERM, "key file %s cannot be read by "
		    "user %u, as whom hawser runs: permission denied; chown "
		    "it", path, (unsigned)geteuid());
	default:
		return err_sys(err, "key file %s cannot be opened", path);
	}
}

/*
 * Who may read root's file is root's to say: a credential that systemd gives
 * us by an ACL shows it as the group's rights. All may not.
 */
static bool
is_private(const struct stat *st)
{
	mode_t others = st->st_uid == geteuid() ? S_IRWXG | S_IRWXO :
	    S_IWGRP | S_IRWXO;

	return (st->st_mode & others) == 0;
}

static int
check_file(int fd, const char *path, size_t *size, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return err_sys(err, "key file %s cannot be read", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_INPUT,
		    "key file %s is not a regular file", path);
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return err_set(err, ERR_PERM,
		    "key file %s belongs to user %u; it must be owned by root "
		    "or by the user hawser runs as", path,
		    (unsigned)st.st_uid);
	if (!is_private(&st))
		return err_set(err, ERR_PERM,
		    "key file %s is readable by others (mode %04o); "
		    "chmod 600 it", path, (unsigned)st.st_mode & 07777);
	if (st.st_size > IDENTITY_FILE_MAX)
		return err_set(err, ERR_INPUT,
		    "key file %s is larger than %d bytes", path,
		    IDENTITY_FILE_MAX);
	*size = (size_t)st.st_size;
	return 0;
}

/* Reads the file into id->key. Its size is what fstat said, or it changed. */
static int
read_file(int fd, struct identity *id, size_t size, struct err *err)
{
	if (size == 0)
		return err_set(err, ERR_INPUT, "key file %s is empty",
		    id->path);
	if ((id->key = secret_new(size, err)) == NULL)
		return -1;
	id->len = size;
	for (size_t have = 0; have < size;) {
		ssize_t n = read(fd, id->key + have, size - have);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return err_sys(err, "key file %s cannot be read",
			    id->path);
		if (n == 0)
			return err_set(err, ERR_INPUT,
			    "key file %s changed while it was read",
			    id->path);
		have += (size_t)n;
	}
	return 0;
}

static bool
has_prefix(const struct identity *id, const char *prefix)
{
	size_t n = strlen(prefix);

	return id->len >= n && memcmp(id->key, prefix, n) == 0;
}

static bool
has_text(const struct identity *id, const char *text)
{
	return memmem(id->key, id->len, text, strlen(text)) != NULL;
}

static int
unsuitable(const struct identity *id, struct err *err, const char *why)
{
	return err_set(err, ERR_INPUT, "key file %s %s", id->path, why);
}

static int
check_type(const struct identity *id, const char *type, struct err *err)
{
	for (size_t i = 0; i < SUPPORTED_COUNT; i++)
		if (strcmp(type, supported[i]) == 0)
			return 0;
	return err_set(err, ERR_INPUT,
	    "key file %s holds a key of type %s, which is not supported",
	    id->path, type);
}

static int
check_cipher(struct identity *id, const char *cipher, struct err *err)
{
	if (strcmp(cipher, "none") == 0)
		return 0;
	id->encrypted = true;
	for (size_t i = 0; i < CIPHER_COUNT; i++)
		if (strcmp(cipher, ciphers[i]) == 0)
			return 0;
	return err_set(err, ERR_INPUT, "key file %s is encrypted by %s, which "
	    "is not supported; write it anew: ssh-keygen -p -Z aes256-ctr "
	    "-f %s", id->path, cipher, id->path);
}

/*
 * The part of OpenSSH's container that is never encrypted (PROTOCOL.key):
 * magic, cipher, kdf, its options, the number of keys and the public key.
 */
static int
parse_container(struct identity *id, const uint8_t *bytes, size_t len,
    struct err *err)
{
	const uint8_t *public;
	size_t public_len, n;
	char type[HOST_KEY_TYPE_SIZE], cipher[64];
	struct reader r;
	uint32_t keys;

	if (len < sizeof(OPENSSH_MAGIC) ||
	    memcmp(bytes, OPENSSH_MAGIC, sizeof(OPENSSH_MAGIC)) != 0)
		return unsuitable(id, err, "is damaged");
	reader_init(&r, bytes, len);
	reader_skip(&r, sizeof(OPENSSH_MAGIC));
	reader_text(&r, cipher, sizeof(cipher));
	reader_string(&r, &n);		/* kdf */
	reader_string(&r, &n);		/* its options */
	keys = reader_u32(&r);
	if (!r.broken && keys != 1)
		return unsuitable(id, err, "does not hold exactly one key");
	public = reader_string(&r, &public_len);
	reader_string(&r, &n);		/* the private key */
	if (r.broken || host_key_type(public, public_len, type) == -1)
		return unsuitable(id, err, "is damaged");
	(void)public_key_set(&id->public, public, public_len);
	if (check_type(id, type, err) == -1)
		return -1;
	return check_cipher(id, cipher, err);
}

static int
inspect_openssh(struct identity *id, struct err *err)
{
	const char *begin = id->key + strlen(OPENSSH_BEGIN);
	size_t left = id->len - strlen(OPENSSH_BEGIN), size;
	const char *end = memmem(begin, left, OPENSSH_END,
	    strlen(OPENSSH_END));
	char *bytes;
	ssize_t n;
	int rc;

	if (end == NULL)
		return unsuitable(id, err, "is cut off");
	size = BASE64_DECODED_MAX((size_t)(end - begin)) + 1;
	if ((bytes = secret_new(size, err)) == NULL)
		return -1;
	n = base64_decode(begin, (size_t)(end - begin), (uint8_t *)bytes,
	    size);
	if (n == -1)
		rc = unsuitable(id, err, "is damaged");
	else
		rc = parse_container(id, (uint8_t *)bytes, (size_t)n, err);
	secret_free(bytes, size);
	return rc;
}

/* OpenSSL asks for a passphrase: there is none. */
static int
no_passphrase(char *buf, int size, int writing, void *arg)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

static void
name_type(const EVP_PKEY *pkey, char type[HOST_KEY_TYPE_SIZE])
{
	const char *name = NULL;
	char group[64] = "";

	switch (EVP_PKEY_get_base_id(pkey)) {
	case EVP_PKEY_ED25519:
		name = "ssh-ed25519";
		break;
	case EVP_PKEY_RSA:
		name = "ssh-rsa";
		break;
	case EVP_PKEY_EC:
		EVP_PKEY_get_group_name(pkey, group, sizeof(group), NULL);
		for (size_t i = 0; i < CURVE_COUNT; i++)
			if (strcmp(group, curves[i].group) == 0)
				name = curves[i].type;
		break;
	default:
		name = EVP_PKEY_get0_type_name(pkey);
		break;
	}
	snprintf(type, HOST_KEY_TYPE_SIZE, "%s", name != NULL ? name : group);
}

/* PEM and PKCS#8, by the function that libssh2 will use. */
static int
inspect_pem(struct identity *id, struct err *err)
{
	char type[HOST_KEY_TYPE_SIZE];
	EVP_PKEY *pkey;
	BIO *bio;

	id->encrypted = has_text(id, "-----BEGIN ENCRYPTED PRIVATE KEY-----") ||
	    has_text(id, "Proc-Type: 4,ENCRYPTED");
	if (id->encrypted)
		return 0;
	if ((bio = BIO_new_mem_buf(id->key, (int)id->len)) == NULL)
		return err_set(err, ERR_NOMEM, "out of memory for a key");
	pkey = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
	BIO_free(bio);
	ERR_clear_error();
	if (pkey == NULL)
		return unsuitable(id, err, "is damaged");
	name_type(pkey, type);
	EVP_PKEY_free(pkey);
	if (check_type(id, type, err) == -1)
		return -1;
	if (private_key_public(id->key, id->len, NULL, &id->public,
	    NULL) == -1)
		return unsuitable(id, err, "is damaged");
	return 0;
}

static int
inspect(struct identity *id, struct err *err)
{
	for (size_t i = 0; i < STRANGER_COUNT; i++)
		if (has_prefix(id, strangers[i].begin))
			return unsuitable(id, err, strangers[i].why);
	if (has_prefix(id, OPENSSH_BEGIN))
		return inspect_openssh(id, err);
	if (has_text(id, "-----BEGIN "))
		return inspect_pem(id, err);
	return unsuitable(id, err, "holds no private key");
}

static int
read_identity(struct identity *id, struct err *err)
{
	size_t size = 0;
	int fd, rc = -1;

	if ((fd = open_file(id->path, err)) == -1)
		return -1;
	if (check_file(fd, id->path, &size, err) == 0 &&
	    read_file(fd, id, size, err) == 0)
		rc = inspect(id, err);
	fd_close(&fd);
	return rc;
}

static void
forget_secret(struct identity *id)
{
	secret_free(id->key, id->len);
	id->key = NULL;
	id->len = 0;
}

int
identity_load(struct identity *out, const char *path, struct err *err)
{
	*out = (struct identity){ .path = str_dup(path) };
	if (read_identity(out, err) == 0)
		return 0;
	forget_secret(out);
	free(out->path);
	out->path = NULL;
	return -1;
}

void
identity_fini(struct identity *id)
{
	forget_secret(id);
	secret_fini(&id->passphrase);
	free(id->path);
	public_key_fini(&id->public);
	*id = (struct identity){ 0 };
}
