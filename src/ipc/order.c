/* SPDX-License-Identifier: ISC */
#include "ipc/order.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

/* Bounds of what a record may hold: a broken one is refused, not obeyed. */
#define FILES_MAX	256

static int
bad(const char *field, struct err *err)
{
	return err_set(err, ERR_PROTOCOL,
	    "field \"%s\" is missing or out of bounds", field);
}

static int
get_text(json_t *body, const char *field, char **out, struct err *err)
{
	const char *text = json_string_value(json_object_get(body, field));

	if (text == NULL)
		return bad(field, err);
	*out = str_dup(text);
	return 0;
}

static int
get_number(json_t *body, const char *field, int min, int max, int *out,
    struct err *err)
{
	json_t *value = json_object_get(body, field);
	json_int_t n = json_integer_value(value);

	if (!json_is_integer(value) || n < min || n > max)
		return bad(field, err);
	*out = (int)n;
	return 0;
}

/* The members of the record. */
enum member {
	M_TEXT, M_TEXTS, M_NUMBER, M_PORT, M_FLAG, M_TARGETS, M_ALGORITHMS
};

static const struct {
	const char *name;
	enum member type;
	size_t at, count_at;	/* offsets in struct session_order */
	int min, max;
} members[] = {
#define AT(field)	offsetof(struct session_order, field)
#define TEXT(field)	{ #field, M_TEXT, AT(field), 0, 0, 0 }
#define TEXTS(field, count) \
	{ #field, M_TEXTS, AT(field), AT(count), 0, 0 }
#define NUMBER(field, min, max)	{ #field, M_NUMBER, AT(field), 0, min, max }
#define FLAG(field)	{ #field, M_FLAG, AT(field), 0, 0, 0 }
	/* What ORDER_SET may change: numbers and flags. */
	NUMBER(alive_interval_s, 0, 3600),
	NUMBER(alive_count_max, 1, 1000),
	NUMBER(log_level, 0, 3),
	FLAG(log_json),
#define SET_COUNT	4
	TEXT(host),
	TEXT(hostname),
	{ "port", M_PORT, AT(port), 0, 1, 65535 },
	TEXT(user),
	TEXTS(identity_files, identity_file_count),
	TEXTS(certificate_files, certificate_file_count),
	FLAG(identities_only),
	TEXT(agent),
	TEXTS(auth_methods, auth_method_count),
	FLAG(can_ask),
	NUMBER(password_tries, 1, 10),
	TEXTS(known_hosts_files, known_hosts_file_count),
	TEXTS(revoked_key_files, revoked_key_file_count),
	TEXT(host_key_alias),
	NUMBER(host_key_policy, 0, HOST_KEY_POLICY_COUNT - 1),
	FLAG(update_host_keys),
	{ "algorithms", M_ALGORITHMS, AT(algorithms), 0, 0, 0 },
	NUMBER(required_rsa_bits, 0, 16384),
	FLAG(compression),
	NUMBER(address_family, 0, 255),
	TEXT(bind_address),
	TEXT(bind_interface),
	NUMBER(ip_tos, -1, 255),
	FLAG(tcp_keepalive),
	NUMBER(connect_timeout_s, 1, 3600),
	TEXTS(permit_remote_open, permit_remote_open_count),
	NUMBER(proxy_protocol, 0, PROXY_PROTOCOL_COUNT - 1),
	{ "targets", M_TARGETS, AT(targets), 0, 0, 0 },
#undef AT
#undef TEXT
#undef TEXTS
#undef NUMBER
#undef FLAG
};
#define MEMBER_COUNT	(sizeof(members) / sizeof(members[0]))

/* The member of o, which may be const, at an offset that a row names. */
#define MEMBER(type, o, offset) \
	((type *)((uintptr_t)(const void *)(o) + (offset)))

static int
get_texts(json_t *body, const char *field, char ***out, size_t *count,
    struct err *err)
{
	json_t *array = json_object_get(body, field);
	size_t n = json_array_size(array);

	if (!json_is_array(array) || n > FILES_MAX)
		return bad(field, err);
	*out = mem_alloc(n * sizeof(**out));
	for (size_t i = 0; i < n; i++) {
		const char *s = json_string_value(json_array_get(array, i));

		if (s == NULL)
			return bad(field, err);
		(*out)[(*count)++] = str_dup(s);
	}
	return 0;
}

static json_t *
put_texts(char *const *texts, size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(array, json_string(texts[i]));
	return array;
}

json_t *
algorithms_encode(const struct algorithms *a)
{
	json_t *o = json_object();

	for (int i = 0; i < ALGORITHM_KIND_COUNT; i++) {
		const struct algorithm_list *l = &a->lists[i];

		if (l->names != NULL)
			json_object_set_new(o, algorithm_keyword(
			    (enum algorithm_kind)i), json_pack(
			    "{s:s, s:b, s:s}", "names", l->names,
			    "is_arranged", l->is_arranged, "origin",
			    l->origin));
	}
	return o;
}

int
algorithms_decode(json_t *body, struct algorithms *out, struct err *err)
{
	if (!json_is_object(body))
		return bad("algorithms", err);
	for (int i = 0; i < ALGORITHM_KIND_COUNT; i++) {
		const char *name = algorithm_keyword((enum algorithm_kind)i);
		json_t *l = json_object_get(body, name);
		struct algorithm_list *to = &out->lists[i];

		if (l == NULL)
			continue;
		if (get_text(l, "names", &to->names, err) == -1 ||
		    get_text(l, "origin", &to->origin, err) == -1)
			return -1;
		if (to->names[strspn(to->names, ",")] == '\0')
			return bad(name, err);
		to->is_arranged = json_is_true(json_object_get(l,
		    "is_arranged"));
	}
	return 0;
}

static json_t *
put_member(const struct session_order *o, size_t row)
{
	size_t at = members[row].at;

	switch (members[row].type) {
	case M_TEXT:
		return json_string(*MEMBER(char *, o, at));
	case M_TEXTS:
		return put_texts(*MEMBER(char **, o, at),
		    *MEMBER(size_t, o, members[row].count_at));
	case M_NUMBER:
		return json_integer(*MEMBER(int, o, at));
	case M_PORT:
		return json_integer(*MEMBER(uint16_t, o, at));
	case M_FLAG:
		return json_boolean(*MEMBER(bool, o, at));
	case M_TARGETS:
		return targets_encode(MEMBER(const struct targets, o, at));
	case M_ALGORITHMS:
		return algorithms_encode(MEMBER(const struct algorithms, o,
		    at));
	}
	return NULL;
}

/* The first count members. */
static json_t *
put_members(const struct session_order *o, size_t count)
{
	json_t *body = json_object();

	for (size_t i = 0; i < count; i++)
		json_object_set_new(body, members[i].name, put_member(o, i));
	return body;
}

json_t *
session_order_encode(const struct session_order *o)
{
	json_t *body = put_members(o, MEMBER_COUNT);

	json_object_set_new(body, "version", json_string(HAWSER_VERSION));
	return body;
}

json_t *
session_order_encode_set(const struct session_order *o)
{
	return put_members(o, SET_COUNT);
}

static int
get_member(json_t *body, size_t row, struct session_order *o,
    struct err *err)
{
	const char *name = members[row].name;
	size_t at = members[row].at;
	json_t *value = json_object_get(body, name);
	int n = 0;	/* gcc 14 does not see that get_number sets it */

	switch (members[row].type) {
	case M_TEXT:
		return get_text(body, name, MEMBER(char *, o, at), err);
	case M_TEXTS:
		return get_texts(body, name, MEMBER(char **, o, at),
		    MEMBER(size_t, o, members[row].count_at), err);
	case M_FLAG:
		if (!json_is_boolean(value))
			return bad(name, err);
		*MEMBER(bool, o, at) = json_is_true(value);
		return 0;
	case M_TARGETS:
		return targets_decode(value, MEMBER(struct targets, o, at),
		    err);
	case M_ALGORITHMS:
		return algorithms_decode(value, MEMBER(struct algorithms, o,
		    at), err);
	case M_NUMBER:
	case M_PORT:
		break;
	}
	if (get_number(body, name, members[row].min, members[row].max, &n,
	    err) == -1)
		return -1;
	if (members[row].type == M_PORT)
		*MEMBER(uint16_t, o, at) = (uint16_t)n;
	else
		*MEMBER(int, o, at) = n;
	return 0;
}

/* Ends when somebody restarts it: no name of a field helps with that. */
static int
check_version(json_t *body, struct err *err)
{
	const char *theirs = json_string_value(json_object_get(body,
	    "version"));

	if (str_equal(theirs, HAWSER_VERSION))
		return 0;
	return err_set(err, ERR_INPUT, "hawserd is of version %s, but "
	    "hawser-worker of version %s: restart hawserd",
	    theirs != NULL ? theirs : "unknown", HAWSER_VERSION);
}

int
session_order_decode(json_t *body, struct session_order *out,
    struct err *err)
{
	if (check_version(body, err) == -1)
		return -1;
	for (size_t i = 0; i < MEMBER_COUNT; i++)
		if (get_member(body, i, out, err) == -1)
			return -1;
	return 0;
}

int
session_order_decode_set(json_t *body, struct session_order *o,
    struct err *err)
{
	struct session_order next = *o;	/* these members own nothing */

	for (size_t i = 0; i < SET_COUNT; i++)
		if (get_member(body, i, &next, err) == -1)
			return -1;
	*o = next;
	return 0;
}

static void
free_texts(char **texts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(texts[i]);
	free(texts);
}

void
session_order_fini(struct session_order *o)
{
	for (size_t i = 0; i < MEMBER_COUNT; i++)
		if (members[i].type == M_TEXT)
			free(*MEMBER(char *, o, members[i].at));
		else if (members[i].type == M_TEXTS)
			free_texts(*MEMBER(char **, o, members[i].at),
			    *MEMBER(size_t, o, members[i].count_at));
	algorithms_fini(&o->algorithms);
	targets_fini(&o->targets);
	*o = (struct session_order){ 0 };
}

static json_t *
endpoint_encode(const struct endpoint *e)
{
	if (e->kind == ENDPOINT_UNIX)
		return json_pack("{s:s}", "path", e->host);
	return json_pack("{s:s?, s:i}", "host", e->host, "port",
	    (int)e->port);
}

static int
endpoint_decode(json_t *body, const char *field, struct endpoint *out,
    struct err *err)
{
	json_t *o = json_object_get(body, field), *host;
	const char *path = json_string_value(json_object_get(o, "path"));
	int port = 0;

	if (path != NULL && strlen(path) <= ENDPOINT_PATH_MAX) {
		*out = (struct endpoint){ .kind = ENDPOINT_UNIX,
		    .host = str_dup(path) };
		return 0;
	}
	host = json_object_get(o, "host");
	if (path != NULL || !(json_is_string(host) || json_is_null(host)) ||
	    json_string_length(host) > ENDPOINT_HOST_MAX ||
	    get_number(o, "port", 0, 65535, &port, err) == -1)
		return bad(field, err);
	*out = (struct endpoint){ .kind = ENDPOINT_TCP,
	    .port = (uint16_t)port };
	if (json_is_string(host))
		out->host = str_dup(json_string_value(host));
	return 0;
}

json_t *
forward_encode(const struct forward *f)
{
	json_t *o = json_pack("{s:s, s:s, s:o}", "id", f->id,
	    "kind", forward_kind_name(f->kind),
	    "listen", endpoint_encode(&f->listen));

	if (f->target.kind != ENDPOINT_NONE)
		json_object_set_new(o, "target", endpoint_encode(&f->target));
	return o;
}

static int
decode_forward(json_t *body, struct forward *out, struct err *err)
{
	const char *kind = json_string_value(json_object_get(body, "kind"));
	bool has_target = json_object_get(body, "target") != NULL;
	bool dynamic;

	if (get_text(body, "id", &out->id, err) == -1)
		return -1;
	if (kind == NULL || forward_kind_parse(kind, &out->kind) == -1)
		return bad("kind", err);
	dynamic = out->kind == FORWARD_DYNAMIC ||
	    out->kind == FORWARD_REMOTE_DYNAMIC;
	if (has_target == dynamic)
		return bad("target", err);
	if (endpoint_decode(body, "listen", &out->listen, err) == -1)
		return -1;
	if (!has_target)
		return 0;
	return endpoint_decode(body, "target", &out->target, err);
}

int
forward_decode(json_t *body, struct forward *out, struct err *err)
{
	*out = (struct forward){ 0 };
	if (decode_forward(body, out, err) == -1) {
		forward_fini(out);
		return -1;
	}
	return 0;
}
