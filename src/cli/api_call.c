/* SPDX-License-Identifier: ISC */
#include "cli/api_call.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/places.h"
#include "base/str.h"

/* Status of 10,000 hosts is some 10 MB; no answer of ours is larger. */
#define ANSWER_MAX	(64u * 1024 * 1024)

struct answer {
	struct str body;
	bool too_long;
};

/* libcurl's CURLOPT_WRITEFUNCTION. */
static size_t
on_body(char *bytes, size_t size, size_t count, void *arg)
{
	struct answer *a = arg;
	size_t n = size * count;

	if (n > ANSWER_MAX - a->body.len) {
		a->too_long = true;
		return 0;
	}
	str_append_n(&a->body, bytes, n);
	return n;
}

static void
not_running(const char *socket, int sys, struct err *err)
{
	char *machine = place_socket(true, NULL);
	const char *hint = "start it with: hawserd";

	/* Somebody who asked for the wrong one of two is told so. */
	if (machine != NULL && strcmp(machine, socket) != 0 &&
	    access(machine, F_OK) == 0)
		hint = "start it with: hawserd, or ask the machine's own "
		    "with: hawser --system";
	if (sys == ECONNREFUSED)
		err_set(err, ERR_CLOSED, "hawserd isn't running (nobody "
		    "listens at %s); %s", socket, hint);
	else
		err_set(err, ERR_CLOSED, "hawserd isn't running (no socket "
		    "at %s); %s", socket, hint);
	free(machine);
}

static void
explain(CURL *curl, CURLcode code, const char *socket, long timeout_ms,
    const struct answer *a, struct err *err)
{
	long sys = 0;

	curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &sys);
	if (a->too_long)
		err_set(err, ERR_PROTOCOL,
		    "hawserd's answer is longer than %u MB",
		    ANSWER_MAX / (1024 * 1024));
	else if (code == CURLE_COULDNT_CONNECT &&
	    (sys == EACCES || sys == EPERM))
		err_set(err, ERR_PERM, "you may not talk to hawserd: "
		    "permission denied on %s", socket);
	else if (code == CURLE_COULDNT_CONNECT)
		not_running(socket, (int)sys, err);
	else if (code == CURLE_OPERATION_TIMEDOUT)
		err_set(err, ERR_TIMEOUT, "hawserd did not answer within "
		    "%ld s (socket %s); its log may say why",
		    timeout_ms / 1000, socket);
	else if (code == CURLE_GOT_NOTHING || code == CURLE_SEND_ERROR ||
	    code == CURLE_RECV_ERROR)
		err_set(err, ERR_PERM, "hawserd hung up without an answer: "
		    "it isn't yours, or it is just stopping (socket %s)",
		    socket);
	else
		err_set(err, ERR_PROTOCOL, "asking hawserd failed: %s "
		    "(socket %s)", curl_easy_strerror(code), socket);
}

/* Judges a complete answer. New, or NULL with err set. */
static json_t *
judge(long status, const struct answer *a, const char *socket,
    struct err *err)
{
	const char *text = a->body.p != NULL ? a->body.p : "";
	json_t *body = json_loadb(text, a->body.len, 0, NULL);
	const char *said = json_string_value(json_object_get(body, "error"));
	const json_t *ok = json_object_get(body, "ok");

	if (!json_is_object(body)) {
		err_set(err, ERR_PROTOCOL, "no hawserd behind %s: its answer "
		    "(HTTP %ld) isn't a JSON object", socket, status);
	} else if (status >= 200 && status < 300 && !json_is_false(ok)) {
		return body;
	} else {
		enum err_code code = ERR_REFUSED;

		if (status == 401 || status == 403)
			code = ERR_PERM;
		else if (status == 404)
			code = ERR_NOTFOUND;
		if (said != NULL)
			err_set(err, code, "%s", said);
		else
			err_set(err, code, "hawserd answered with HTTP %ld",
			    status);
	}
	json_decref(body);
	return NULL;
}

static CURLcode
perform(CURL *curl, const char *socket, enum api_method method,
    const char *url, const char *send, long timeout_ms, struct answer *a)
{
	curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, socket);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	/* http_proxy in the environment is not about us. */
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout_ms);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, a);
	if (method == API_POST) {
		curl_easy_setopt(curl, CURLOPT_POST, 1L);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE,
		    (long)strlen(send));
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, send);
	}
	return curl_easy_perform(curl);
}

json_t *
api_call(const char *socket, enum api_method method, const char *path,
    const char *send, long timeout_ms, struct err *err)
{
	struct answer a = { 0 };
	char *url = str_dupf("http://localhost%s", path);
	json_t *body = NULL;
	CURL *curl;
	CURLcode code;

	if ((curl = curl_easy_init()) == NULL) {
		err_set(err, ERR_NOMEM, "libcurl could not be started");
		free(url);
		return NULL;
	}
	code = perform(curl, socket, method, url, send, timeout_ms, &a);
	if (code != CURLE_OK) {
		explain(curl, code, socket, timeout_ms, &a, err);
	} else {
		long status = 0;

		curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
		body = judge(status, &a, socket, err);
	}
	curl_easy_cleanup(curl);
	str_fini(&a.body);
	free(url);
	return body;
}

char *
api_host_path(const char *name, const char *verb)
{
	static const char hex[] = "0123456789ABCDEF";
	struct str path;

	str_init(&path);
	str_append(&path, "/v1/hosts/");
	for (const char *p = name; *p != '\0'; p++) {
		unsigned char c = (unsigned char)*p;

		/* RFC 3986's unreserved characters stand for themselves. */
		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c >= '0' && c <= '9') || strchr("-._~", c) != NULL)
			str_append_n(&path, p, 1);
		else
			str_printf(&path, "%%%c%c", hex[c >> 4], hex[c & 15]);
	}
	str_printf(&path, "/%s", verb);
	return str_take(&path);
}
