/* SPDX-License-Identifier: ISC */
#include "ipc/hostkey.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

static const char *const verdicts[] = {
	[HOSTKEY_UNKNOWN] = "unknown",
	[HOSTKEY_CHANGED] = "changed",
	[HOSTKEY_REVOKED] = "revoked",
	[HOSTKEY_OFFERED] = "offered",
};
static_assert(sizeof(verdicts) / sizeof(verdicts[0]) ==
    HOSTKEY_VERDICT_COUNT, "one name per verdict");

const char *
hostkey_verdict_name(enum hostkey_verdict verdict)
{
	return verdicts[verdict];
}

json_t *
hostkey_encode(const struct hostkey *k)
{
	json_t *o = json_pack("{s:s, s:s, s:s, s:s}", "type", k->type,
	    "key", k->key, "fingerprint", k->fingerprint,
	    "verdict", verdicts[k->verdict]);

	if (k->known_at != NULL)
		json_object_set_new(o, "known_at", json_string(k->known_at));
	return o;
}

/* Graphic ASCII: these become part of a line of known_hosts. */
static int
get_word(json_t *o, const char *field, char **out)
{
	const char *text = json_string_value(json_object_get(o, field));

	if (text == NULL || *text == '\0' || strlen(text) > HOSTKEY_TEXT_MAX)
		return -1;
	for (const char *p = text; *p != '\0'; p++)
		if (*p <= ' ' || *p > '~')
			return -1;
	*out = str_dup(text);
	return 0;
}

static bool
get_verdict(json_t *o, enum hostkey_verdict *out)
{
	const char *text = json_string_value(json_object_get(o, "verdict"));

	for (int i = 0; i < HOSTKEY_VERDICT_COUNT && text != NULL; i++)
		if (strcmp(verdicts[i], text) == 0) {
			*out = (enum hostkey_verdict)i;
			return true;
		}
	return false;
}

int
hostkey_decode(json_t *o, struct hostkey *out, struct err *err)
{
	json_t *at = json_object_get(o, "known_at");

	if (get_word(o, "type", &out->type) == -1 ||
	    get_word(o, "key", &out->key) == -1 ||
	    get_word(o, "fingerprint", &out->fingerprint) == -1 ||
	    !get_verdict(o, &out->verdict) ||
	    (at != NULL && (!json_is_string(at) ||
	    json_string_length(at) > HOSTKEY_TEXT_MAX)))
		return err_set(err, ERR_PROTOCOL, "a host key is broken");
	if (at != NULL)
		out->known_at = str_dup(json_string_value(at));
	return 0;
}

void
hostkey_fini(struct hostkey *k)
{
	free(k->type);
	free(k->key);
	free(k->fingerprint);
	free(k->known_at);
	*k = (struct hostkey){ 0 };
}

int
hostkey_list_decode(json_t *array, struct hostkey_list *out, struct err *err)
{
	size_t n = json_array_size(array);

	if (n == 0 || n > HOSTKEY_LIST_MAX)
		return err_set(err, ERR_PROTOCOL, "a list of host keys is "
		    "broken");
	for (out->count = 0; out->count < n; ) {
		struct hostkey *k = &out->keys[out->count];

		if (hostkey_decode(json_array_get(array, out->count++), k,
		    err) == -1)
			return -1;
	}
	return 0;
}

void
hostkey_list_fini(struct hostkey_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		hostkey_fini(&list->keys[i]);
	list->count = 0;
}
