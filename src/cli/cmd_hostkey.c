/* SPDX-License-Identifier: ISC */
#include "cli/cmd_hostkey.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "cli/api_call.h"
#include "cli/json_print.h"
#include "cli/text.h"

static const char *
text_of(const json_t *object, const char *field)
{
	const char *text = json_string_value(json_object_get(object, field));

	return text != NULL ? text : "";
}

/* New: what hawserd answers, or NULL with err set. */
static json_t *
call(const struct args *args, enum api_method method, const char *path,
    const char *send, struct err *err)
{
	char *socket = command_socket(args, err);
	json_t *body = NULL;

	if (socket != NULL)
		body = api_call(socket, method, path, send, API_CALL_MS, err);
	free(socket);
	return body;
}

/* New: the keys that wait: [{"name":…, and the members of "parked"}]. */
static json_t *
waiting_keys(const json_t *status)
{
	json_t *keys = json_array(), *host;
	size_t i;

	json_array_foreach(json_object_get(status, "hosts"), i, host) {
		json_t *parked = json_object_get(host, "parked"), *key;

		if (json_object_get(parked, "fingerprint") == NULL)
			continue;
		key = json_pack("{s:s}", "name", text_of(host, "name"));
		json_object_update(key, parked);
		json_array_append_new(keys, key);
	}
	return keys;
}

/* "vps: unknown ssh-ed25519 SHA256:...", and where another key is listed. */
static void
add_line(struct str *out, const json_t *key)
{
	const char *at = text_of(key, "known_at");

	text_append_clean(out, text_of(key, "name"));
	str_append(out, ": ");
	text_append_clean(out, text_of(key, "verdict"));
	str_append(out, " ");
	text_append_clean(out, text_of(key, "algorithm"));
	str_append(out, " ");
	text_append_clean(out, text_of(key, "fingerprint"));
	if (*at != '\0') {
		str_append(out, strcmp(text_of(key, "verdict"), "revoked") ==
		    0 ? ", revoked in " : ", not the one in ");
		text_append_clean(out, at);
	}
	str_append(out, "\n");
}

static int
run_list(const struct args *args)
{
	struct err err = { 0 };
	json_t *status = call(args, API_GET, "/v1/status", "", &err);
	json_t *keys, *key;
	struct str out;
	size_t i;
	int rc;

	if (status == NULL)
		return command_fail(&err);
	keys = waiting_keys(status);
	json_decref(status);
	if (args->seen[ARG_JSON]) {
		rc = json_print(keys);
		json_decref(keys);
		return rc;
	}
	str_init(&out);
	json_array_foreach(keys, i, key)
		add_line(&out, key);
	if (out.len == 0)
		str_append(&out, "no key waits to be accepted\n");
	rc = command_print(out.p);
	str_fini(&out);
	json_decref(keys);
	return rc;
}

static int
run_accept(const struct args *args)
{
	char *path = api_host_path(args->operands[1], "hostkey"), *send;
	json_t *request = json_pack("{s:s}", "accept", args->operands[2]);
	struct err err = { 0 };
	json_t *body = NULL;
	struct str out;
	int rc;

	send = json_dumps(request, JSON_COMPACT);
	json_decref(request);
	if (send == NULL)
		err_set(&err, ERR_INPUT, "a fingerprint is SHA256:...");
	else
		body = call(args, API_POST, path, send, &err);
	free(send);
	free(path);
	if (body == NULL)
		return command_fail(&err);
	str_init(&out);
	str_append(&out, "recorded in ");
	text_append_clean(&out, text_of(body, "file"));
	str_append(&out, "\n");
	rc = command_print(out.p);
	str_fini(&out);
	json_decref(body);
	return rc;
}

static int
run(const struct command *c, const struct args *args)
{
	struct err err;

	(void)c;
	if (args->operand_count == 0)
		return run_list(args);
	if (args->operand_count == 3 &&
	    strcmp(args->operands[0], "accept") == 0)
		return run_accept(args);
	err_set(&err, ERR_INPUT, "hostkey takes nothing, or: accept HOST "
	    "SHA256:...");
	command_fail(&err);
	return EXIT_USAGE;
}

const struct command cmd_hostkey = {
	.name = "hostkey", .operands = "[accept HOST SHA256:...]",
	.operands_max = 3, .options = ARG_API | ARG_BIT(ARG_JSON), .run = run,
	.summary = "list the host keys that wait, or accept one",
	.help = "Without operands: the keys that servers have shown and that "
	    "hawserd refused.\nWith accept: the key with this fingerprint is "
	    "added to known_hosts, if it is the\none that the host's server "
	    "has shown, and the host connects again. Compare the\n"
	    "fingerprint with the server's operator first.\n",
};
