/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SSH_KEY_LIST_H
#define HAWSER_SSH_KEY_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "ssh/host_key.h"

/*
 * key_list: the host keys that a server says it has, once it has let us in,
 * and its proof of it: hostkeys-00@openssh.com and
 * hostkeys-prove-00@openssh.com (OpenSSH's PROTOCOL 2.5). Bytes in, verdict
 * out.
 */

#define KEY_LIST_MAX		16	/* keys */
#define KEY_LIST_BLOB_MAX	2560	/* bytes: RSA of 16384 bits, and more */

struct listed_key {
	const uint8_t *blob;	/* in the list's bytes */
	size_t len;
	char type[HOST_KEY_TYPE_SIZE];
	bool asked;		/* for its proof; set by the list's user */
};

struct key_list {
	uint8_t *bytes;
	struct listed_key keys[KEY_LIST_MAX];
	size_t count;
};

/*
 * Reads what follows want_reply in the server's request. Keys whose signatures
 * we can't verify are left out. 0; -1 (out is empty) with ERR_PROTOCOL (cut, or
 * a key comes twice), ERR_INPUT (more than KEY_LIST_MAX).
 */
int key_list_parse(struct key_list *out, const uint8_t *bytes, size_t n,
    struct err *);

void key_list_fini(struct key_list *);

bool key_list_has(const struct key_list *, const uint8_t *blob, size_t len);

/* Appends what follows want_reply in our request: the keys that are asked. */
void key_list_request(const struct key_list *, struct str *out);

/*
 * Reads the answer: one signature for each key that is asked, in order, over
 * the request's name, the session id (RFC 4253 7.2) and the key. 0; -1 with
 * ERR_PROTOCOL: then none is proved.
 */
int key_list_check(const struct key_list *, const uint8_t *session_id,
    size_t session_id_len, const uint8_t *bytes, size_t n, struct err *);

#endif
