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
session_order_encode(const struct session_order *o)
{
	json_t *body = json_pack(
	    "{s:s, s:s, s:i, s:s, s:o, s:o, s:b, s:i, s:i, s:i, s:i, s:b}",
	    "host", o->host, "hostname", o->hostname, "port", (int)o->port,
	    "user", o->user,
	    "identity_files",
	    put_texts(o->identity_files, o->identity_file_count),
	    "known_hosts_files",
	    put_texts(o->known_hosts_files, o->known_hosts_file_count),
	    "check_host_key", o->host_key_policy == HOST_KEY_STRICT,
	    "connect_timeout_s", o->connect_timeout_s,
	    "alive_interval_s", o->alive_interval_s,
	    "alive_count_max", o->alive_count_max,
	    "log_level", o->log_level, "log_json", o->log_json);

	json_object_set_new(body, "targets", targets_encode(&o->targets));
	return body;
}

int
session_order_decode(json_t *body, struct session_order *out,
    struct err *err)
{
	json_t *check = json_object_get(body, "check_host_key");
	json_t *log_json = json_object_get(body, "log_json");
	int port = 0;

	if (get_text(body, "host", &out->host, err) == -1 ||
	    get_text(body, "hostname", &out->hostname, err) == -1 ||
	    get_number(body, "port", 1, 65535, &port, err) == -1 ||
	    get_text(body, "user", &out->user, err) == -1 ||
	    get_texts(body, "identity_files", &out->identity_files,
	    &out->identity_file_count, err) == -1 ||
	    get_texts(body, "known_hosts_files", &out->known_hosts_files,
	    &out->known_hosts_file_count, err) == -1 ||
	    get_number(body, "connect_timeout_s", 1, 3600,
	    &out->connect_timeout_s, err) == -1 ||
	    get_number(body, "alive_interval_s", 0, 3600,
	    &out->alive_interval_s, err) == -1 ||
	    get_number(body, "alive_count_max", 1, 1000,
	    &out->alive_count_max, err) == -1 ||
	    get_number(body, "log_level", 0, 3, &out->log_level, err) == -1)
		return -1;
	if (!json_is_boolean(check))
		return bad("check_host_key", err);
	if (!json_is_boolean(log_json))
		return bad("log_json", err);
	if (targets_decode(json_object_get(body, "targets"), &out->targets,
	    err) == -1)
		return -1;
	out->log_json = json_is_true(log_json);
	out->port = (uint16_t)port;
	out->host_key_policy = json_is_true(check) ?
	    HOST_KEY_STRICT : HOST_KEY_OFF;
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
	free(o->host);
	free(o->hostname);
	free(o->user);
	targets_fini(&o->targets);
	free_texts(o->identity_files, o->identity_file_count);
	free_texts(o->known_hosts_files, o->known_hosts_file_count);
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
