/* SPDX-License-Identifier: ISC */
#include "cli/api_call.h"

#include <curl/curl.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
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
	else if (code == CURLE_COULDNT_CONNECT && sys != 0)
		not_running(socket, (int)sys, err);
	else if (code == CURLE_OPERATION_TIMEDOUT)
		err_set(err, ERR_TIMEOUT, "hawserd did not answer within "
		    "%ld s (socket %s); its log may say why",
		    timeout_ms / 1000, socket);
	/* Without an errno it was connected, and libcurl saw the end first. */
	else if (code == CURLE_GOT_NOTHING || code == CURLE_SEND_ERROR ||
	    code == CURLE_RECV_ERROR || code == CURLE_COULDNT_CONNECT)
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
		else if (status == 503)
			code = ERR_AGAIN;
		if (said != NULL)
			err_set(err, code, "%s", said);
		else
			err_set(err, code, "hawserd answered with HTTP %ld",
			    status);
	}
	json_decref(body);
	return NULL;
}

/* Whom to ask, and for what. */
static void
address(CURL *curl, const char *socket, const char *url)
{
	curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, socket);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	/* http_proxy in the environment is not about us. */
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
}

static CURLcode
perform(CURL *curl, const char *socket, enum api_method method,
    const char *url, const char *send, long timeout_ms, struct answer *a)
{
	address(curl, socket, url);
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

/* Streams */

struct follower {
	const struct api_follow *what;
	CURL *curl;
	struct answer answer;		/* the line that is coming; or a whole
					   answer that is no stream */
	bool begun;			/* there was a line */
	bool enough;
	bool not_json;
};

/* A line is complete. False if no more are wanted. */
static bool
end_line(struct follower *f)
{
	struct str *line = &f->answer.body;
	json_t *event = json_loadb(line->p != NULL ? line->p : "", line->len,
	    0, NULL);

	if (json_is_object(event))
		f->enough = !f->what->on_line(f->what->arg, line->p, event);
	else
		f->not_json = true;
	f->begun = true;
	json_decref(event);
	str_fini(line);
	return !f->enough && !f->not_json;
}

/* libcurl's CURLOPT_WRITEFUNCTION. */
static size_t
on_piece(char *bytes, size_t size, size_t count, void *arg)
{
	struct follower *f = arg;
	const char *p = bytes, *end;
	size_t left = size * count;
	long status = 0;

	curl_easy_getinfo(f->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status != 200)
		return on_body(bytes, size, count, &f->answer);
	while ((end = memchr(p, '\n', left)) != NULL) {
		size_t n = (size_t)(end - p);

		str_append_n(&f->answer.body, p, n);
		p += n + 1;
		left -= n + 1;
		if (!end_line(f))
			return 0;
	}
	if (on_body((char *)(uintptr_t)p, 1, left, &f->answer) != left)
		return 0;
	return size * count;
}

/* How the transfer ended. -1 with err set, or API_OVER. */
static int
judge_end(struct follower *f, CURLcode code, struct err *err)
{
	const char *socket = f->what->socket;
	long status = 0;

	curl_easy_getinfo(f->curl, CURLINFO_RESPONSE_CODE, &status);
	if (f->not_json)
		return err_set(err, ERR_PROTOCOL, "no hawserd behind %s: it "
		    "sent a line that isn't a JSON object", socket);
	if (f->begun && !f->answer.too_long)
		return API_OVER;
	if (code != CURLE_OK)
		explain(f->curl, code, socket, API_CALL_MS, &f->answer, err);
	else if (status != 200)
		json_decref(judge(status, &f->answer, socket, err));
	else
		err_set(err, ERR_PROTOCOL, "no hawserd behind %s: its answer "
		    "is empty", socket);
	return -1;
}

/* How long to wait for the next bytes; -1 if a deadline has passed. */
static int
patience(const struct follower *f, int64_t begin_ms)
{
	int64_t left = INT_MAX, now = clock_now_ms();

	if (!f->begun)
		left = begin_ms + API_CALL_MS - now;
	else if (f->what->deadline_ms != 0)
		left = f->what->deadline_ms - now;
	if (left <= 0)
		return -1;
	return left < INT_MAX ? (int)left : INT_MAX;
}

static int
follow(struct follower *f, CURLM *multi, struct err *err)
{
	int64_t begin = clock_now_ms();
	struct curl_waitfd extra[API_WATCH_MAX] = { 0 };
	const struct api_follow *what = f->what;
	int running = 1, wait, queued;
	CURLMsg *end;

	for (nfds_t i = 0; i < what->watch_count; i++) {
		extra[i].fd = what->watch[i].fd;
		extra[i].events = what->watch[i].events & POLLIN ?
		    CURL_WAIT_POLLIN : 0;
	}
	for (;;) {
		curl_multi_perform(multi, &running);
		if (f->enough)
			return API_ENOUGH;
		if (!running)
			break;
		if ((wait = patience(f, begin)) == -1 && f->begun)
			return API_DEADLINE;
		if (wait == -1) {
			explain(f->curl, CURLE_OPERATION_TIMEDOUT,
			    what->socket, API_CALL_MS, &f->answer, err);
			return -1;
		}
		curl_multi_poll(multi, extra, (unsigned)what->watch_count,
		    wait, NULL);
		if (what->watch_count > 0 &&
		    poll(what->watch, what->watch_count, 0) > 0)
			return API_WOKEN;
	}
	end = curl_multi_info_read(multi, &queued);
	return judge_end(f, end != NULL ? end->data.result : CURLE_RECV_ERROR,
	    err);
}

int
api_follow(const struct api_follow *what, struct err *err)
{
	struct follower f = { .what = what, .curl = curl_easy_init() };
	char *url = str_dupf("http://localhost%s", what->path);
	CURLM *multi = curl_multi_init();
	int rc = -1;

	if (f.curl == NULL || multi == NULL) {
		err_set(err, ERR_NOMEM, "libcurl could not be started");
	} else {
		address(f.curl, what->socket, url);
		curl_easy_setopt(f.curl, CURLOPT_WRITEFUNCTION, on_piece);
		curl_easy_setopt(f.curl, CURLOPT_WRITEDATA, &f);
		curl_multi_add_handle(multi, f.curl);
		rc = follow(&f, multi, err);
		curl_multi_remove_handle(multi, f.curl);
	}
	curl_multi_cleanup(multi);
	curl_easy_cleanup(f.curl);
	str_fini(&f.answer.body);
	free(url);
	return rc;
}

void
api_encode(struct str *out, const char *text)
{
	static const char hex[] = "0123456789ABCDEF";

	for (const char *p = text; *p != '\0'; p++) {
		unsigned char c = (unsigned char)*p;

		/* RFC 3986's unreserved characters stand for themselves. */
		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c >= '0' && c <= '9') || strchr("-._~", c) != NULL)
			str_append_n(out, p, 1);
		else
			str_printf(out, "%%%c%c", hex[c >> 4], hex[c & 15]);
	}
}

char *
api_host_path(const char *name, const char *verb)
{
	struct str path;

	str_init(&path);
	str_append(&path, "/v1/hosts/");
	api_encode(&path, name);
	str_printf(&path, "/%s", verb);
	return str_take(&path);
}
