/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "config/config.h"
#include "config/host.h"
#include "ipc/order.h"

/*
 * The model as JSON: {"settings":{…},"hosts":[…],"diagnostics":[…],
 * "files":[{"path":…,"is_cut":…}…]}. Strings that aren't UTF-8 (file names may
 * be anything) travel with each bad byte as '?'.
 */

/* How the fields that hold one value are named; the order of the object. */
enum field { F_STRING, F_INT, F_PORT, F_BOOL, F_MS };

static const struct {
	const char *name;
	enum field type;
	size_t at;
} fields[] = {
#define FIELD(type, field)	{ #field, type, offsetof(struct host, field) }
	FIELD(F_STRING, name),
	FIELD(F_STRING, file),
	FIELD(F_INT, line),
	FIELD(F_STRING, hostname),
	FIELD(F_PORT, port),
	FIELD(F_STRING, user),
	FIELD(F_INT, address_family),
	FIELD(F_STRING, bind_address),
	FIELD(F_STRING, bind_interface),
	FIELD(F_INT, ip_tos),
	FIELD(F_BOOL, tcp_keepalive),
	FIELD(F_INT, unix_mask),
	FIELD(F_BOOL, unix_unlink),
	FIELD(F_BOOL, identities_only),
	FIELD(F_STRING, agent),
	FIELD(F_BOOL, pubkey),
	FIELD(F_BOOL, kbd_interactive),
	FIELD(F_BOOL, password),
	FIELD(F_INT, password_tries),
	FIELD(F_BOOL, batch_mode),
	FIELD(F_STRING, passphrase_command),
	FIELD(F_STRING, takeover),
	FIELD(F_STRING, on_change),
	FIELD(F_INT, user_known_hosts_count),
	FIELD(F_BOOL, hash_known_hosts),
	FIELD(F_BOOL, update_host_keys),
	FIELD(F_STRING, host_key_alias),
	FIELD(F_INT, proxy_protocol),
	FIELD(F_INT, required_rsa_bits),
	FIELD(F_BOOL, compression),
	FIELD(F_BOOL, exit_on_failure),
	FIELD(F_INT, connect_timeout_s),
	FIELD(F_INT, alive_interval_s),
	FIELD(F_INT, alive_count_max),
	FIELD(F_BOOL, enabled),
	FIELD(F_MS, backoff_min_ms),
	FIELD(F_MS, backoff_max_ms),
	FIELD(F_MS, stable_ms),
	FIELD(F_MS, hold_ms),
	FIELD(F_MS, verify_ms),
	FIELD(F_MS, drain_ms),
	FIELD(F_STRING, proxy_command),
#undef FIELD
};
#define FIELD_COUNT	(sizeof(fields) / sizeof(fields[0]))

static const char *const checkings[] = {
	[CHECKING_YES] = "yes",
	[CHECKING_ACCEPT_NEW] = "accept-new",
	[CHECKING_NO] = "no",
};

static const char *const severities[] = {
	[SEVERITY_ERROR] = "error",
	[SEVERITY_WARNING] = "warning",
	[SEVERITY_NOTE] = "note",
};

static json_t *
put_string(const char *text)
{
	json_t *j = json_string(text);
	char *copy;

	if (j != NULL)
		return j;
	copy = str_dup(text);
	for (char *p = copy; *p != '\0'; p++)
		if ((unsigned char)*p >= 128)
			*p = '?';
	j = json_string(copy);
	free(copy);
	return j;
}

static json_t *
put_strings(char *const *list, size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(array, put_string(list[i]));
	return array;
}

static json_t *
put_forwards(const struct host *h)
{
	json_t *array = json_array();

	for (size_t i = 0; i < h->forward_count; i++) {
		json_t *f = forward_encode(&h->forwards[i]);

		json_object_set_new(f, "file",
		    put_string(h->forward_origins[i].file));
		json_object_set_new(f, "line",
		    json_integer(h->forward_origins[i].line));
		json_object_set_new(f, "column",
		    json_integer(h->forward_origins[i].column));
		json_array_append_new(array, f);
	}
	return array;
}

static json_t *
put_host(const struct host *h)
{
	json_t *j = json_object(), *jumps = json_array();

	for (size_t i = 0; i < FIELD_COUNT; i++) {
		const void *at = (const char *)h + fields[i].at;
		json_t *v = NULL;

		switch (fields[i].type) {
		case F_STRING:
			v = put_string(*(char *const *)at);
			break;
		case F_INT:
			v = json_integer(*(const int *)at);
			break;
		case F_PORT:
			v = json_integer(*(const uint16_t *)at);
			break;
		case F_BOOL:
			v = json_boolean(*(const bool *)at);
			break;
		case F_MS:
			v = json_integer(*(const int64_t *)at);
			break;
		}
		json_object_set_new(j, fields[i].name, v);
	}
	json_object_set_new(j, "algorithms",
	    algorithms_encode(&h->algorithms));
	json_object_set_new(j, "checking",
	    json_string(checkings[h->checking]));
	json_object_set_new(j, "identity_files",
	    put_strings(h->identity_files, h->identity_file_count));
	json_object_set_new(j, "certificate_files",
	    put_strings(h->certificate_files, h->certificate_file_count));
	json_object_set_new(j, "auth_methods",
	    put_strings(h->auth_methods, h->auth_method_count));
	json_object_set_new(j, "known_hosts_files",
	    put_strings(h->known_hosts_files, h->known_hosts_file_count));
	json_object_set_new(j, "permit_remote_open",
	    put_strings(h->permit_remote_open, h->permit_remote_open_count));
	json_object_set_new(j, "revoked_key_files",
	    put_strings(h->revoked_key_files, h->revoked_key_file_count));
	json_object_set_new(j, "forwards", put_forwards(h));
	for (size_t i = 0; i < h->jump_count; i++)
		json_array_append_new(jumps, put_host(&h->jumps[i]));
	json_object_set_new(j, "jumps", jumps);
	return j;
}

static json_t *
put_settings(const struct settings *s)
{
	json_t *j = json_object();

	if (s->has_log_level)
		json_object_set_new(j, "log_level",
		    json_integer(s->log_level));
	json_object_set_new(j, "log_json",
	    json_boolean(s->log_format == LOG_JSON));
	if (s->has_api_group)
		json_object_set_new(j, "api_gid", json_integer(s->api_gid));
	return j;
}

json_t *
config_encode(const struct config *c)
{
	json_t *hosts = json_array(), *diagnostics = json_array();
	json_t *files = json_array();

	for (size_t i = 0; i < c->host_count; i++)
		json_array_append_new(hosts, put_host(&c->hosts[i]));
	for (size_t i = 0; i < c->diagnostic_count; i++) {
		const struct diagnostic *d = &c->diagnostics[i];

		json_array_append_new(diagnostics, json_pack(
		    "{s:s, s:o, s:i, s:i, s:o}", "severity",
		    severity_name(d->severity), "file", d->file != NULL ?
		    put_string(d->file) : json_null(), "line", d->line,
		    "column", d->column, "text", put_string(d->text)));
	}
	for (size_t i = 0; i < c->file_count; i++)
		json_array_append_new(files, json_pack("{s:o, s:b}", "path",
		    put_string(c->files[i].path), "is_cut",
		    c->files[i].is_cut));
	return json_pack("{s:o, s:o, s:o, s:o}", "settings",
	    put_settings(&c->settings), "hosts", hosts, "diagnostics",
	    diagnostics, "files", files);
}

static int
bad(const char *field, struct err *err)
{
	return err_set(err, ERR_PROTOCOL,
	    "the configuration's field \"%s\" is missing or broken", field);
}

/* The index of text in names, or -1. */
static int
find(const char *const *names, int count, const char *text)
{
	for (int i = 0; i < count && text != NULL; i++)
		if (strcmp(names[i], text) == 0)
			return i;
	return -1;
}

static int
get_strings(json_t *j, const char *field, char ***out, size_t *count,
    struct err *err)
{
	json_t *array = json_object_get(j, field);

	if (!json_is_array(array))
		return bad(field, err);
	*out = mem_alloc(json_array_size(array) * sizeof(**out));
	for (size_t i = 0; i < json_array_size(array); i++) {
		const char *s = json_string_value(json_array_get(array, i));

		if (s == NULL)
			return bad(field, err);
		(*out)[(*count)++] = str_dup(s);
	}
	return 0;
}

static int
get_forwards(json_t *j, struct host *h, struct err *err)
{
	json_t *array = json_object_get(j, "forwards");

	if (!json_is_array(array))
		return bad("forwards", err);
	for (size_t i = 0; i < json_array_size(array); i++) {
		json_t *o = json_array_get(array, i);
		const char *file = json_string_value(json_object_get(o,
		    "file"));
		struct forward f = { 0 };

		if (file == NULL)
			return bad("forwards", err);
		if (forward_decode(o, &f, err) == -1) {
			forward_fini(&f);
			return -1;
		}
		host_add_forward(h, &f, file, (int)json_integer_value(
		    json_object_get(o, "line")), (int)json_integer_value(
		    json_object_get(o, "column")));
		forward_fini(&f);
	}
	return 0;
}

static int
get_field(json_t *v, enum field type, void *at)
{
	json_int_t n = json_integer_value(v);

	switch (type) {
	case F_STRING:
		if (!json_is_string(v))
			return -1;
		*(char **)at = str_dup(json_string_value(v));
		return 0;
	case F_INT:
		*(int *)at = (int)n;
		break;
	case F_PORT:
		*(uint16_t *)at = (uint16_t)n;
		break;
	case F_MS:
		*(int64_t *)at = n;
		break;
	case F_BOOL:
		*(bool *)at = json_is_true(v);
		return json_is_boolean(v) ? 0 : -1;
	}
	return json_is_integer(v) ? 0 : -1;
}

static int get_host(json_t *, bool is_hop, struct host *, struct err *);

static int
get_jumps(json_t *j, struct host *h, struct err *err)
{
	json_t *array = json_object_get(j, "jumps");
	size_t count = json_array_size(array);

	if (!json_is_array(array))
		return bad("jumps", err);
	h->jumps = mem_alloc(count * sizeof(*h->jumps));
	for (size_t i = 0; i < count; i++)
		if (get_host(json_array_get(array, i), true,
		    &h->jumps[h->jump_count++], err) == -1)
			return -1;
	return 0;
}

static int
get_host(json_t *j, bool is_hop, struct host *h, struct err *err)
{
	int checking;

	for (size_t i = 0; i < FIELD_COUNT; i++)
		if (get_field(json_object_get(j, fields[i].name),
		    fields[i].type, (char *)h + fields[i].at) == -1)
			return bad(fields[i].name, err);
	checking = find(checkings, 3, json_string_value(json_object_get(j,
	    "checking")));
	if (checking == -1)
		return bad("checking", err);
	h->checking = (enum host_key_checking)checking;
	if (algorithms_decode(json_object_get(j, "algorithms"),
	    &h->algorithms, err) == -1 ||
	    get_strings(j, "identity_files", &h->identity_files,
	    &h->identity_file_count, err) == -1 ||
	    get_strings(j, "certificate_files", &h->certificate_files,
	    &h->certificate_file_count, err) == -1 ||
	    get_strings(j, "auth_methods", &h->auth_methods,
	    &h->auth_method_count, err) == -1 ||
	    get_strings(j, "permit_remote_open", &h->permit_remote_open,
	    &h->permit_remote_open_count, err) == -1 ||
	    get_strings(j, "known_hosts_files", &h->known_hosts_files,
	    &h->known_hosts_file_count, err) == -1 ||
	    get_strings(j, "revoked_key_files", &h->revoked_key_files,
	    &h->revoked_key_file_count, err) == -1)
		return -1;
	if (!is_hop && get_jumps(j, h, err) == -1)
		return -1;
	return get_forwards(j, h, err);
}

static int
get_diagnostic(json_t *j, struct diagnostic *d, struct err *err)
{
	const char *file = json_string_value(json_object_get(j, "file"));
	const char *text = json_string_value(json_object_get(j, "text"));
	int severity = find(severities, 3, json_string_value(
	    json_object_get(j, "severity")));

	if (severity == -1 || text == NULL)
		return bad("diagnostics", err);
	d->severity = (enum severity)severity;
	d->file = file != NULL ? str_dup(file) : NULL;
	d->line = (int)json_integer_value(json_object_get(j, "line"));
	d->column = (int)json_integer_value(json_object_get(j, "column"));
	d->text = str_dup(text);
	return 0;
}

static int
get_files(json_t *array, struct config *c, struct err *err)
{
	if (!json_is_array(array))
		return bad("files", err);
	c->files = mem_alloc(json_array_size(array) * sizeof(*c->files));
	for (size_t i = 0; i < json_array_size(array); i++) {
		json_t *j = json_array_get(array, i);
		const char *path = json_string_value(json_object_get(j,
		    "path"));

		if (path == NULL)
			return bad("files", err);
		c->files[c->file_count++] = (struct config_file){
			.path = str_dup(path),
			.is_cut = json_is_true(json_object_get(j, "is_cut")),
		};
	}
	return 0;
}

static int
get_settings(json_t *j, struct settings *s, struct err *err)
{
	json_t *level = json_object_get(j, "log_level");
	json_t *log_json = json_object_get(j, "log_json");
	json_t *gid = json_object_get(j, "api_gid");
	json_int_t n = json_integer_value(level);

	if (!json_is_boolean(log_json) ||
	    (level != NULL && !json_is_integer(level)) || n < LOG_ERROR ||
	    n > LOG_DEBUG || (gid != NULL && !json_is_integer(gid)))
		return bad("settings", err);
	s->has_log_level = level != NULL;
	s->log_level = (enum log_level)n;
	s->log_format = json_is_true(log_json) ? LOG_JSON : LOG_TEXT;
	s->has_api_group = gid != NULL;
	s->api_gid = (gid_t)json_integer_value(gid);
	return 0;
}

static int
decode(json_t *j, struct config *c, struct err *err)
{
	json_t *hosts = json_object_get(j, "hosts");
	json_t *diagnostics = json_object_get(j, "diagnostics");

	if (!json_is_array(hosts) || !json_is_array(diagnostics))
		return bad("hosts", err);
	if (get_settings(json_object_get(j, "settings"), &c->settings,
	    err) == -1)
		return -1;
	c->hosts = mem_alloc(json_array_size(hosts) * sizeof(*c->hosts));
	c->diagnostics = mem_alloc(json_array_size(diagnostics) *
	    sizeof(*c->diagnostics));
	for (size_t i = 0; i < json_array_size(hosts); i++)
		if (get_host(json_array_get(hosts, i), false,
		    &c->hosts[c->host_count++], err) == -1)
			return -1;
	for (size_t i = 0; i < json_array_size(diagnostics); i++)
		if (get_diagnostic(json_array_get(diagnostics, i),
		    &c->diagnostics[c->diagnostic_count++], err) == -1)
			return -1;
	return get_files(json_object_get(j, "files"), c, err);
}

struct config *
config_decode(json_t *j, struct err *err)
{
	struct config *c = mem_alloc(sizeof(*c));

	if (decode(j, c, err) == 0)
		return c;
	config_free(c);
	return NULL;
}
