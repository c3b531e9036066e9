/* SPDX-License-Identifier: ISC */
#include "ssh/key_list.h"

#include <stdlib.h>
#include <string.h>

#include "ssh/key_verify.h"
#include "ssh/packet.h"

bool
key_list_has(const struct key_list *list, const uint8_t *blob, size_t len)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->keys[i].len == len &&
		    memcmp(list->keys[i].blob, blob, len) == 0)
			return true;
	return false;
}

static int
add(struct key_list *list, const uint8_t *blob, size_t len, struct err *err)
{
	struct listed_key *k = &list->keys[list->count];
	char type[HOST_KEY_TYPE_SIZE];

	if (len > KEY_LIST_BLOB_MAX || host_key_type(blob, len, type) == -1 ||
	    !key_verify_knows(type))
		return 0;
	if (key_list_has(list, blob, len))
		return err_set(err, ERR_PROTOCOL, "a host key comes twice");
	if (list->count == KEY_LIST_MAX)
		return err_set(err, ERR_INPUT, "it has more than %d host keys",
		    KEY_LIST_MAX);
	*k = (struct listed_key){ .blob = blob, .len = len };
	memcpy(k->type, type, sizeof(k->type));
	list->count++;
	return 0;
}

int
key_list_parse(struct key_list *out, const uint8_t *bytes, size_t n,
    struct err *err)
{
	struct reader r;
	int rc = 0;

	*out = (struct key_list){ .bytes = mem_alloc(n) };
	if (n > 0)
		memcpy(out->bytes, bytes, n);
	reader_init(&r, out->bytes, n);
	while (r.left > 0 && !r.broken && rc == 0) {
		size_t len;
		const uint8_t *blob = reader_string(&r, &len);

		if (!r.broken)
			rc = add(out, blob, len, err);
	}
	if (r.broken)
		rc = err_set(err, ERR_PROTOCOL, "the list is cut off");
	if (rc == -1)
		key_list_fini(out);
	return rc;
}

void
key_list_fini(struct key_list *list)
{
	free(list->bytes);
	*list = (struct key_list){ 0 };
}

/* Appends a string of RFC 4251 5. */
static void
put(struct str *out, const void *bytes, size_t n)
{
	uint8_t len[4];

	packet_store_u32(len, (uint32_t)n);
	str_append_n(out, (const char *)len, sizeof(len));
	str_append_n(out, bytes, n);
}

void
key_list_request(const struct key_list *list, struct str *out)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->keys[i].asked)
			put(out, list->keys[i].blob, list->keys[i].len);
}

static int
check(const struct listed_key *k, const uint8_t *session_id,
    size_t session_id_len, struct reader *r, struct err *err)
{
	static const char name[] = "hostkeys-prove-00@openssh.com";
	struct str data;
	size_t len;
	const uint8_t *signature = reader_string(r, &len);
	int rc;

	if (r->broken)
		return err_set(err, ERR_PROTOCOL, "the proof is cut off");
	str_init(&data);
	put(&data, name, sizeof(name) - 1);
	put(&data, session_id, session_id_len);
	put(&data, k->blob, k->len);
	rc = key_verify(k->blob, k->len, signature, len,
	    (const uint8_t *)data.p, data.len, err);
	str_fini(&data);
	return rc;
}

int
key_list_check(const struct key_list *list, const uint8_t *session_id,
    size_t session_id_len, const uint8_t *bytes, size_t n, struct err *err)
{
	struct reader r;

	reader_init(&r, bytes, n);
	for (size_t i = 0; i < list->count; i++)
		if (list->keys[i].asked && check(&list->keys[i], session_id,
		    session_id_len, &r, err) == -1)
			return -1;
	if (r.left > 0)
		return err_set(err, ERR_PROTOCOL,
		    "the proof has more signatures than keys");
	return 0;
}
